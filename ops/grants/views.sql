-- What analytics may read: amounts, states and times by app. No name, e-mail, metadata, free text, reference of the app, card or
-- bank fact, secret or key. Run as billing_migrator after `billing migrate`:  mysql billing_db < ops/grants/views.sql
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_apps AS
  SELECT id AS app_id, name AS app_name, created_at FROM billing_apps;
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_customers AS
  SELECT app_id, id, created_at, deleted_at FROM billing_customers;
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_subscriptions AS
  SELECT app_id, id, customer_id, status, plan_code, price_minor, currency, interval_unit, interval_count, current_period_start,
    current_period_end, next_payment_at, cancel_at_period_end, cancel_at, canceled_at, paused_at, resume_at, created_at, updated_at
  FROM billing_subscriptions;
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_payments AS
  SELECT app_id, id, customer_id, subscription_id, status, capture_method, amount_minor, currency, captured_minor, refunded_minor,
    failure_code, created_at, updated_at
  FROM billing_payments;
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_refunds AS
  SELECT app_id, id, payment_id, customer_id, status, amount_minor, currency, failure_code, created_at, updated_at FROM billing_refunds;
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_disputes AS
  SELECT app_id, id, payment_id, customer_id, status, amount_minor, currency, evidence_due_at, created_at, updated_at
  FROM billing_disputes;
CREATE OR REPLACE SQL SECURITY DEFINER VIEW billing_analytics_webhooks AS
  SELECT app_id, id, type, status, deliveries, attempts, received_at, processed_at FROM billing_webhooks;
