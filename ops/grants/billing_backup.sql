-- Backups and drills: reads everything, copies the binary logs, and has the databases that drills make. Not for gateways.
-- BILLING_BACKUP_DATABASE_URL is this user. Replaying logs is BINLOG REPLAY on MariaDB and BINLOG_ADMIN on MySQL: each reads its own.
-- Make the user first:  CREATE USER billing_backup IDENTIFIED BY '…';     then:  mysql billing_db < ops/grants/billing_backup.sql
-- The last line has the name of the database before _drill: change it there if yours is another.
GRANT RELOAD, REPLICATION CLIENT, REPLICATION SLAVE /*M!100502 , BINLOG REPLAY */ /*!80011 , BINLOG_ADMIN */ ON *.* TO billing_backup;
GRANT SELECT, SHOW VIEW, TRIGGER ON * TO billing_backup;
GRANT ALL ON `billing\_db\_drill%`.* TO billing_backup;
