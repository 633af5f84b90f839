CREATE TABLE billing_api_keys (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  role varchar(16) NOT NULL,
  hash varchar(64) NOT NULL,
  hint varchar(16) NOT NULL,
  created_at datetime(3) NOT NULL,
  revoked_at datetime(3) DEFAULT NULL,
  pepper_id varchar(16) DEFAULT NULL,
  scopes mediumtext DEFAULT NULL,
  expires_at datetime(3) DEFAULT NULL,
  last_used_at datetime(3) DEFAULT NULL,
  replaced_by varchar(64) DEFAULT NULL,
  PRIMARY KEY (app_id,id),
  UNIQUE KEY billing_api_keys_hash (hash)
);

CREATE TABLE billing_app_events (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  type varchar(64) NOT NULL,
  schema_version varchar(16) NOT NULL,
  object_id varchar(64) NOT NULL,
  sequence int NOT NULL,
  person_id varchar(64) DEFAULT NULL,
  cause varchar(255) NOT NULL,
  payload mediumtext NOT NULL,
  occurred_at datetime(3) NOT NULL,
  created_at datetime(3) NOT NULL,
  position bigint DEFAULT NULL,
  unpublished_since datetime(3) DEFAULT NULL,
  PRIMARY KEY (app_id,id),
  KEY billing_app_events_person (app_id,person_id,id),
  KEY billing_app_events_type (app_id,type,position),
  KEY billing_app_events_unpublished (unpublished_since,app_id,id),
  UNIQUE KEY billing_app_events_position (app_id,position),
  UNIQUE KEY billing_app_events_sequence (app_id,object_id,sequence)
);

CREATE TABLE billing_app_settings (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  version int NOT NULL,
  brand_name varchar(255) DEFAULT NULL,
  brand_color varchar(7) DEFAULT NULL,
  time_zone varchar(64) NOT NULL,
  locale varchar(35) NOT NULL,
  portal mediumtext NOT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_apps (
  id varchar(64) NOT NULL,
  name varchar(255) NOT NULL,
  tilled_account_id varchar(64) NOT NULL,
  created_at datetime(3) NOT NULL,
  session_secret_sealed varchar(255) DEFAULT NULL,
  tilled_secret_key_sealed varchar(512) DEFAULT NULL,
  cors_origins mediumtext DEFAULT NULL,
  suspended_at datetime(3) DEFAULT NULL,
  removed_at datetime(3) DEFAULT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE billing_attestations (
  id varchar(64) NOT NULL,
  check_id varchar(64) NOT NULL,
  attested_by varchar(100) NOT NULL,
  note varchar(1000) DEFAULT NULL,
  attested_at datetime(3) NOT NULL,
  expires_at datetime(3) DEFAULT NULL,
  PRIMARY KEY (id),
  KEY billing_attestations_check (check_id,attested_at)
);

CREATE TABLE billing_backups (
  id varchar(64) NOT NULL,
  kind varchar(16) NOT NULL,
  started_at datetime(3) NOT NULL,
  finished_at datetime(3) NOT NULL,
  succeeded tinyint(1) NOT NULL,
  snapshot_id varchar(64) DEFAULT NULL,
  manifest_digest varchar(64) DEFAULT NULL,
  rpo_ms bigint DEFAULT NULL,
  rto_ms bigint DEFAULT NULL,
  reason varchar(1000) DEFAULT NULL,
  PRIMARY KEY (id),
  KEY billing_backups_kind (kind,succeeded,finished_at)
);

CREATE TABLE billing_cursors (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  position varchar(64) NOT NULL,
  updated_at datetime(3) NOT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_customers (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  version int NOT NULL,
  external_id varchar(255) DEFAULT NULL,
  email varchar(320) NOT NULL,
  name varchar(255) DEFAULT NULL,
  metadata mediumtext NOT NULL,
  tilled_customer_id varchar(64) DEFAULT NULL,
  deleted_at datetime(3) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  deleting_at datetime(3) DEFAULT NULL,
  missing_since datetime(3) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  KEY billing_customers_email (app_id,email,id),
  KEY billing_customers_updated (app_id,updated_at),
  UNIQUE KEY billing_customers_external (app_id,external_id),
  UNIQUE KEY billing_customers_tilled (app_id,tilled_customer_id)
);

CREATE TABLE billing_disputes (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  payment_id varchar(64) DEFAULT NULL,
  customer_id varchar(64) DEFAULT NULL,
  tilled_dispute_id varchar(64) NOT NULL,
  tilled_charge_id varchar(64) NOT NULL,
  status varchar(32) NOT NULL,
  amount_minor bigint NOT NULL,
  currency varchar(3) NOT NULL,
  reason varchar(500) DEFAULT NULL,
  evidence_due_at datetime(3) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  evidence_submitted_at datetime(3) DEFAULT NULL,
  conceded_at datetime(3) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_disputes_amount_sound CHECK amount_minor >= 0,
  CONSTRAINT billing_disputes_of_customer FOREIGN KEY (app_id, customer_id) REFERENCES billing_customers (app_id, id),
  CONSTRAINT billing_disputes_of_payment FOREIGN KEY (app_id, payment_id) REFERENCES billing_payments (app_id, id),
  KEY billing_disputes_customer (app_id,customer_id,id),
  KEY billing_disputes_payment (app_id,payment_id,id),
  KEY billing_disputes_status (app_id,status,id),
  KEY billing_disputes_updated (app_id,updated_at),
  UNIQUE KEY billing_disputes_tilled (app_id,tilled_dispute_id)
);

CREATE TABLE billing_divergences (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  kind varchar(20) NOT NULL,
  class varchar(20) NOT NULL,
  object_id varchar(64) DEFAULT NULL,
  tilled_id varchar(64) DEFAULT NULL,
  open_key varchar(128) DEFAULT NULL,
  fields mediumtext NOT NULL,
  ours mediumtext DEFAULT NULL,
  theirs mediumtext DEFAULT NULL,
  status varchar(12) NOT NULL,
  detections int NOT NULL,
  occurred_at datetime(3) DEFAULT NULL,
  detected_at datetime(3) NOT NULL,
  seen_at datetime(3) NOT NULL,
  closed_at datetime(3) DEFAULT NULL,
  closed_by varchar(100) DEFAULT NULL,
  note varchar(1000) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_divergences_open_sound CHECK status = 'OPEN' and open_key is not null or status <> 'OPEN' and open_key is null,
  KEY billing_divergences_detected (app_id,detected_at),
  KEY billing_divergences_object (app_id,object_id,id),
  KEY billing_divergences_status (app_id,status,id),
  UNIQUE KEY billing_divergences_open (app_id,open_key)
);

CREATE TABLE billing_erasures (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  person_sealed mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_erasures_of_customer FOREIGN KEY (app_id, id) REFERENCES billing_customers (app_id, id)
);

CREATE TABLE billing_events (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  type varchar(64) NOT NULL,
  object_id varchar(64) NOT NULL,
  from_status varchar(32) NOT NULL,
  to_status varchar(32) NOT NULL,
  actor varchar(16) NOT NULL,
  request_id varchar(64) NOT NULL,
  created_at datetime(3) NOT NULL,
  actor_id varchar(128) DEFAULT NULL,
  cause varchar(255) DEFAULT NULL,
  details mediumtext DEFAULT NULL,
  PRIMARY KEY (app_id,id),
  KEY billing_events_object (app_id,object_id,id)
);

CREATE TABLE billing_heartbeats (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  beat varchar(64) NOT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_idempotency_keys (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  operation varchar(64) NOT NULL,
  fingerprint varchar(64) NOT NULL,
  state varchar(16) NOT NULL,
  resource_id varchar(64) DEFAULT NULL,
  errors mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  expires_at datetime(3) NOT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  KEY billing_idempotency_keys_expiry (app_id,expires_at)
);

CREATE TABLE billing_import_items (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  run_id varchar(64) NOT NULL,
  noun varchar(16) NOT NULL,
  item_key varchar(64) NOT NULL,
  action varchar(16) NOT NULL,
  object_id varchar(64) DEFAULT NULL,
  tilled_id varchar(64) DEFAULT NULL,
  version int DEFAULT NULL,
  is_marked tinyint(1) NOT NULL,
  reason varchar(500) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_import_items_of_run FOREIGN KEY (app_id, run_id) REFERENCES billing_imports (app_id, id),
  UNIQUE KEY billing_import_items_key (app_id,run_id,noun,item_key)
);

CREATE TABLE billing_imports (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  fingerprint varchar(64) NOT NULL,
  source varchar(16) NOT NULL,
  state varchar(16) NOT NULL,
  fence int NOT NULL,
  totals mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  KEY billing_imports_fingerprint (app_id,fingerprint,id)
);

CREATE TABLE billing_jobs (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  kind varchar(64) NOT NULL,
  subject varchar(64) NOT NULL,
  payload mediumtext DEFAULT NULL,
  state varchar(16) NOT NULL,
  due_at datetime(3) DEFAULT NULL,
  fence int NOT NULL,
  wanted int NOT NULL,
  attempts int NOT NULL,
  last_error varchar(1000) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  sent_at datetime(3) DEFAULT NULL,
  priority int NOT NULL DEFAULT 1,
  sends int NOT NULL DEFAULT 0,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  KEY billing_jobs_due (due_at,priority,app_id),
  KEY billing_jobs_turn (app_id,priority,due_at,id),
  UNIQUE KEY billing_jobs_subject (app_id,kind,subject)
);

CREATE TABLE billing_limit_counters (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  used int NOT NULL,
  resets_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_limits (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  requests_per_window int NOT NULL,
  updated_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_migration_lock (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  holder varchar(255) NOT NULL,
  doing varchar(255) NOT NULL,
  held_since datetime(3) NOT NULL,
  held_until datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_migrations (
  id int NOT NULL AUTO_INCREMENT,
  name varchar(255) NOT NULL,
  executed_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
);

CREATE TABLE billing_operations (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  name varchar(255) NOT NULL,
  document mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_payment_methods (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  customer_id varchar(64) NOT NULL,
  tilled_payment_method_id varchar(64) NOT NULL,
  type varchar(16) NOT NULL,
  brand varchar(32) DEFAULT NULL,
  last4 varchar(4) DEFAULT NULL,
  exp_month int DEFAULT NULL,
  exp_year int DEFAULT NULL,
  bank_name varchar(255) DEFAULT NULL,
  bank_last varchar(4) DEFAULT NULL,
  default_of varchar(64) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  detached_at datetime(3) DEFAULT NULL,
  detaching_at datetime(3) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_payment_methods_of_customer FOREIGN KEY (app_id, customer_id) REFERENCES billing_customers (app_id, id),
  CONSTRAINT billing_payment_methods_own_default_sound CHECK default_of is null or default_of = customer_id and detached_at is null,
  KEY billing_payment_methods_customer (app_id,customer_id,id),
  UNIQUE KEY billing_payment_methods_default (app_id,default_of),
  UNIQUE KEY billing_payment_methods_tilled (app_id,tilled_payment_method_id)
);

CREATE TABLE billing_payments (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  version int NOT NULL,
  customer_id varchar(64) NOT NULL,
  payment_method_id varchar(64) DEFAULT NULL,
  subscription_id varchar(64) DEFAULT NULL,
  tilled_payment_intent_id varchar(64) DEFAULT NULL,
  status varchar(20) NOT NULL,
  capture_method varchar(12) NOT NULL,
  amount_minor bigint NOT NULL,
  currency varchar(3) NOT NULL,
  captured_minor bigint NOT NULL,
  refunded_minor bigint NOT NULL,
  refund_reserved_minor bigint NOT NULL,
  reference_id varchar(255) DEFAULT NULL,
  description varchar(500) DEFAULT NULL,
  failure_code varchar(64) DEFAULT NULL,
  failure_message varchar(500) DEFAULT NULL,
  metadata mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  reference_held varchar(255) DEFAULT NULL,
  platform_fee_minor bigint DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_payments_amount_sound CHECK amount_minor > 0,
  CONSTRAINT billing_payments_captured_sound CHECK captured_minor >= 0 and captured_minor <= amount_minor,
  CONSTRAINT billing_payments_of_customer FOREIGN KEY (app_id, customer_id) REFERENCES billing_customers (app_id, id),
  CONSTRAINT billing_payments_of_method FOREIGN KEY (app_id, payment_method_id) REFERENCES billing_payment_methods (app_id, id),
  CONSTRAINT billing_payments_of_subscription FOREIGN KEY (app_id, subscription_id) REFERENCES billing_subscriptions (app_id, id),
  CONSTRAINT billing_payments_refunded_sound CHECK refunded_minor >= 0 and refunded_minor <= captured_minor,
  CONSTRAINT billing_payments_reserved_sound CHECK refund_reserved_minor >= refunded_minor,
  KEY billing_payments_customer (app_id,customer_id,id),
  KEY billing_payments_method (app_id,payment_method_id),
  KEY billing_payments_reference (app_id,reference_id,id),
  KEY billing_payments_status (app_id,status,id),
  KEY billing_payments_subscription (app_id,subscription_id,id),
  KEY billing_payments_updated (app_id,updated_at),
  UNIQUE KEY billing_payments_reference_held (app_id,reference_held),
  UNIQUE KEY billing_payments_tilled (app_id,tilled_payment_intent_id)
);

CREATE TABLE billing_reconciled (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  looked_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_reconciliations (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  step varchar(32) NOT NULL,
  position varchar(64) NOT NULL,
  looked int NOT NULL,
  busy int NOT NULL,
  started_at datetime(3) NOT NULL,
  finished_at datetime(3) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_refunds (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  payment_id varchar(64) NOT NULL,
  customer_id varchar(64) NOT NULL,
  tilled_refund_id varchar(64) DEFAULT NULL,
  status varchar(20) NOT NULL,
  amount_minor bigint NOT NULL,
  currency varchar(3) NOT NULL,
  reason varchar(32) DEFAULT NULL,
  reference_id varchar(255) DEFAULT NULL,
  failure_code varchar(64) DEFAULT NULL,
  failure_message varchar(500) DEFAULT NULL,
  metadata mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  reference_held varchar(255) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_refunds_amount_sound CHECK amount_minor > 0,
  CONSTRAINT billing_refunds_of_customer FOREIGN KEY (app_id, customer_id) REFERENCES billing_customers (app_id, id),
  CONSTRAINT billing_refunds_of_payment FOREIGN KEY (app_id, payment_id) REFERENCES billing_payments (app_id, id),
  KEY billing_refunds_customer (app_id,customer_id,id),
  KEY billing_refunds_payment (app_id,payment_id,id),
  KEY billing_refunds_reference (app_id,reference_id,id),
  KEY billing_refunds_updated (app_id,updated_at),
  UNIQUE KEY billing_refunds_reference_held (app_id,reference_held),
  UNIQUE KEY billing_refunds_tilled (app_id,tilled_refund_id)
);

CREATE TABLE billing_subscriptions (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  version int NOT NULL,
  customer_id varchar(64) NOT NULL,
  payment_method_id varchar(64) NOT NULL,
  tilled_subscription_id varchar(64) DEFAULT NULL,
  status varchar(16) NOT NULL,
  plan_code varchar(100) DEFAULT NULL,
  plan_name varchar(255) DEFAULT NULL,
  price_minor bigint NOT NULL,
  currency varchar(3) NOT NULL,
  interval_unit varchar(8) NOT NULL,
  interval_count int NOT NULL,
  billing_cycle_anchor datetime(3) NOT NULL,
  current_period_start datetime(3) DEFAULT NULL,
  current_period_end datetime(3) DEFAULT NULL,
  next_payment_at datetime(3) DEFAULT NULL,
  cancel_at_period_end tinyint(1) NOT NULL,
  cancel_at datetime(3) DEFAULT NULL,
  canceled_at datetime(3) DEFAULT NULL,
  paused_at datetime(3) DEFAULT NULL,
  resume_at datetime(3) DEFAULT NULL,
  metadata mediumtext NOT NULL,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  pause_at datetime(3) DEFAULT NULL,
  platform_fee_minor bigint DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  event_sequence int NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_subscriptions_interval_sound CHECK interval_count > 0,
  CONSTRAINT billing_subscriptions_of_customer FOREIGN KEY (app_id, customer_id) REFERENCES billing_customers (app_id, id),
  CONSTRAINT billing_subscriptions_of_method FOREIGN KEY (app_id, payment_method_id) REFERENCES billing_payment_methods (app_id, id),
  CONSTRAINT billing_subscriptions_price_sound CHECK price_minor > 0,
  KEY billing_subscriptions_customer (app_id,customer_id,id),
  KEY billing_subscriptions_method (app_id,payment_method_id),
  KEY billing_subscriptions_status (app_id,status,id),
  KEY billing_subscriptions_updated (app_id,updated_at),
  UNIQUE KEY billing_subscriptions_tilled (app_id,tilled_subscription_id)
);

CREATE TABLE billing_webhook_deliveries (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  endpoint_id varchar(64) NOT NULL,
  app_event_id varchar(64) NOT NULL,
  lane varchar(64) NOT NULL,
  position bigint NOT NULL,
  status varchar(16) NOT NULL,
  turn varchar(8) DEFAULT NULL,
  due_at datetime(3) DEFAULT NULL,
  attempts int NOT NULL,
  last_status int DEFAULT NULL,
  last_error varchar(255) DEFAULT NULL,
  attempt_log mediumtext DEFAULT NULL,
  delivered_at datetime(3) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_webhook_deliveries_ibfk_1 FOREIGN KEY (app_id, endpoint_id) REFERENCES billing_webhook_endpoints (app_id, id),
  CONSTRAINT billing_webhook_deliveries_ibfk_2 FOREIGN KEY (app_id, app_event_id) REFERENCES billing_app_events (app_id, id),
  KEY billing_webhook_deliveries_endpoint (app_id,endpoint_id,id),
  KEY billing_webhook_deliveries_event (app_id,app_event_id),
  KEY billing_webhook_deliveries_lane (app_id,endpoint_id,lane,turn),
  KEY billing_webhook_deliveries_status (app_id,status,id),
  KEY billing_webhook_deliveries_turn (app_id,endpoint_id,turn,due_at,position)
);

CREATE TABLE billing_webhook_endpoints (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  version int NOT NULL,
  url varchar(2048) NOT NULL,
  types mediumtext NOT NULL,
  is_enabled tinyint(1) NOT NULL,
  disabled_reason varchar(32) DEFAULT NULL,
  secret_sealed varchar(255) DEFAULT NULL,
  previous_secret_sealed varchar(255) DEFAULT NULL,
  previous_expires_at datetime(3) DEFAULT NULL,
  failing_since datetime(3) DEFAULT NULL,
  failures int NOT NULL,
  paused_until datetime(3) DEFAULT NULL,
  event_sequence int NOT NULL DEFAULT 0,
  lock_count bigint NOT NULL DEFAULT 0,
  created_at datetime(3) NOT NULL,
  updated_at datetime(3) NOT NULL,
  deleted_at datetime(3) DEFAULT NULL,
  issuing_request varchar(64) DEFAULT NULL,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_webhook_facts (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  type varchar(64) NOT NULL,
  object_id varchar(64) NOT NULL,
  payment_intent_id varchar(64) DEFAULT NULL,
  code varchar(64) DEFAULT NULL,
  message varchar(500) DEFAULT NULL,
  amount_minor bigint DEFAULT NULL,
  occurred_at datetime(3) NOT NULL,
  PRIMARY KEY (app_id,id),
  KEY billing_webhook_facts_intent (app_id,payment_intent_id,id)
);

CREATE TABLE billing_webhook_secrets (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  secret varchar(255) NOT NULL,
  tilled_endpoint_id varchar(64) DEFAULT NULL,
  created_at datetime(3) NOT NULL,
  expires_at datetime(3) DEFAULT NULL,
  lock_count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (app_id,id)
);

CREATE TABLE billing_webhooks (
  app_id varchar(64) NOT NULL,
  id varchar(64) NOT NULL,
  event_id varchar(64) NOT NULL,
  type varchar(64) NOT NULL,
  object_kind varchar(32) DEFAULT NULL,
  object_id varchar(64) DEFAULT NULL,
  status varchar(16) NOT NULL,
  deliveries int NOT NULL,
  attempts int NOT NULL,
  error varchar(1000) DEFAULT NULL,
  payload mediumtext NOT NULL,
  received_at datetime(3) NOT NULL,
  processed_at datetime(3) DEFAULT NULL,
  unqueued_since datetime(3) DEFAULT NULL,
  PRIMARY KEY (app_id,id),
  CONSTRAINT billing_webhooks_deliveries_sound CHECK deliveries > 0,
  KEY billing_webhooks_object (app_id,object_id,status),
  KEY billing_webhooks_status (app_id,status,id),
  KEY billing_webhooks_type (app_id,type,id),
  KEY billing_webhooks_unqueued (unqueued_since,app_id,id),
  UNIQUE KEY billing_webhooks_event (app_id,event_id)
);
