-- The gateway and its workers: reads and writes rows, and can change no table. DATABASE_URL_BILLING of what runs is this user.
-- Make the user first:  CREATE USER billing_service IDENTIFIED BY '…';     then:  mysql billing_db < ops/grants/billing_service.sql
GRANT SELECT, INSERT, UPDATE, DELETE ON * TO billing_service;
