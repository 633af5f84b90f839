#!/bin/sh
# Makes the secrets of compose.yml, a file each, in the directory `secrets` beside it:
#
#   sh ops/docker/secrets.sh
#
# What can be drawn by lot is; what others know (Tilled, the store of the backups) says CHANGE_ME and is for you to fill in. A file
# that is there already stays as it is. The directory is its owner's alone. The files in it can be read by the users of the
# containers, each of which is shown its own only; the gateway remarks on it, since it sees the mode and not the directory.
set -eu
cd "$(dirname "$0")/../.."
umask 022
mkdir -p secrets
chmod 700 secrets

keep() { # name, value: writes a secret that is not there yet
  [ -e "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"
}
# Letters and digits only: it stands in URLs and in SQL as it is.
drawn() { openssl rand -hex 24; }

keep database-root-password "$(drawn)"
# The database is in the same private network of this machine; elsewhere: ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE (docs/preflight.md).
for user in service migrator backup readonly; do
  keep "database-url-$user" "mysql://billing_$user:$(drawn)@database:3306/billing_db?connection_limit=10&ssl-mode=DISABLED"
done
# It seals the secrets in the database: keep a copy apart from the backups.
keep encryption-key "$(openssl rand -base64 32)"
keep metrics-token "$(drawn)"
keep restic-password "$(drawn)"
keep grafana-admin-password "$(drawn)"
keep tilled-secret-key sk_CHANGE_ME
keep aws-credentials "[default]
aws_access_key_id=CHANGE_ME
aws_secret_access_key=CHANGE_ME"
grep -l CHANGE_ME secrets/* | sed 's/^/To be filled in: /' || true
