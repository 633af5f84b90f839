-- Analytics: the views of views.sql, and nothing else; no table, no write.
-- Make the user first:  CREATE USER billing_readonly IDENTIFIED BY '…';     then:  mysql billing_db < ops/grants/billing_readonly.sql
GRANT SELECT ON billing_analytics_apps TO billing_readonly;
GRANT SELECT ON billing_analytics_customers TO billing_readonly;
GRANT SELECT ON billing_analytics_subscriptions TO billing_readonly;
GRANT SELECT ON billing_analytics_payments TO billing_readonly;
GRANT SELECT ON billing_analytics_refunds TO billing_readonly;
GRANT SELECT ON billing_analytics_disputes TO billing_readonly;
GRANT SELECT ON billing_analytics_webhooks TO billing_readonly;
