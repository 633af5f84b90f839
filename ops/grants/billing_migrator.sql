-- Who brings the schema forward (`billing migrate`) and makes the analytics views. Not for gateways.
-- Make the user first, with a password of your own:  CREATE USER billing_migrator IDENTIFIED BY '…';
-- Then, as an administrator:  mysql billing_db < ops/grants/billing_migrator.sql     (`ON *` is the database named there)
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW ON * TO billing_migrator;
