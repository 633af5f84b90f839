-- Reads of a replica: DATABASE_URL_BILLING_REPLICAS is this user. It reads every row and writes none.
-- Make the user first, on the primary, whence it comes to the replicas:  CREATE USER billing_replica IDENTIFIED BY '…';
-- Then:  mysql billing_db < ops/grants/billing_replica.sql
GRANT SELECT ON * TO billing_replica;
