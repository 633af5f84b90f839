# Makes the views of ops/grants after each migration, and lets billing_readonly read them. It may be repeated.
set -eu
umask 077
secrets=${SECRETS:-/run/secrets}
grants=${GRANTS:-/grants}
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT

as() { # user, password: runs what it reads; the password is in a file and in no list of processes
  printf '[client]\nuser=%s\npassword=%s\nhost=%s\nport=%s\nprotocol=tcp\n' "$1" "$2" "${DATABASE_HOST:-database}" "${DATABASE_PORT:-3306}" > "$settings"
  mysql --defaults-extra-file="$settings" billing_db
}

migrator=$(sed -n 's#^mysql://billing_migrator:\([^@]*\)@.*#\1#p' "$secrets/database-url-migrator")
as billing_migrator "$migrator" < "$grants/views.sql"
as root "$(cat "$secrets/database-root-password")" < "$grants/billing_readonly.sql"
