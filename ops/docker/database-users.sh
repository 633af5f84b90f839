# Sourced by the MySQL image when it makes its data directory (docker_process_sql is the image's): the users of ops/grants, each with
# what it needs and no more. Name and password of each are those of its URL, so they are written in one place. billing_readonly gets
# its rights once there are views to read: analytics.sh. If it fails, the volume has to be removed before the next try.
(
  set -eu
  for name in service migrator backup readonly; do
    password=$(sed -n "s#^mysql://billing_$name:\([A-Za-z0-9_-]\{16,\}\)@.*#\1#p" "${SECRETS:-/run/secrets}/database-url-$name")
    if [ -z "$password" ]; then
      echo "database-url-$name is not mysql://billing_$name:PASSWORD@… with a password of 16 letters and digits or more." >&2
      exit 1
    fi
    echo "CREATE USER billing_$name IDENTIFIED BY '$password';" | docker_process_sql
  done
  for name in service migrator backup; do
    docker_process_sql < "${GRANTS:-/grants}/billing_$name.sql"
  done
)
