#!/usr/bin/env bash
# Backs up and restores the blog's users and posts, with the clients of MySQL's image.
#
# dump              writes gzipped SQL to stdout, from one snapshot.
# load [--replace]  restores it from stdin in one transaction. --replace first deletes existing users and posts.
#
# Needs   MYSQL_DATABASE, MYSQL_USER or MYSQL_USER_FILE, and MYSQL_PASSWORD_FILE. Without MYSQL_HOST and MYSQL_PORT, it
#         connects to the MySQL in its own container. MYSQL_CA_FILE verifies the server's certificate.
set -euo pipefail

command=${1:-} replace=${2:-}
MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE")
export MYSQL_PWD
# Without TLS, the client encrypts the password with the server's public key.
options=(--host="${MYSQL_HOST:-localhost}" --port="${MYSQL_PORT:-3306}" --user="${MYSQL_USER:-$(<"$MYSQL_USER_FILE")}"
  --default-character-set=utf8mb4 --get-server-public-key)
[ -z "${MYSQL_CA_FILE:-}" ] || options+=(--ssl-mode=VERIFY_IDENTITY --ssl-ca="$MYSQL_CA_FILE")

query() { mysql "${options[@]}" --batch --skip-column-names "$@" "$MYSQL_DATABASE"; }

# Another program may have its own rows in knex_migrations.
migrations() { query --execute="SELECT name FROM knex_migrations WHERE name REGEXP '^[0-9]{4}_' ORDER BY name"; }

dump() {
  local names
  names=$(migrations)
  # --compact leaves out the statements that commit or disable checks. A packet has at most 64 KiB, or one row.
  options+=(--compact --no-create-info --skip-triggers --complete-insert --single-transaction --hex-blob --tz-utc
    --set-gtid-purged=OFF --no-tablespaces --net-buffer-length=65536)
  # From 9.7 on, mysqldump would read masking policies, which the blog's user may not.
  [[ $(mysqldump --help) != *masking-policies* ]] || options+=(--skip-masking-policies)
  {
    echo "-- Backup of the blog, migrations:" ${names//$'\n'/ }
    echo "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO';"
    mysqldump "${options[@]}" "$MYSQL_DATABASE" user post
    echo "-- Dump completed"
  } | gzip
}

# refuse MESSAGE reads the remaining input before the script ends. Otherwise the sender might fail first.
refuse() {
  echo >&2 "Nothing was changed. $1"
  cat >/dev/null
  exit 1
}

load() {
  local head applied name users counters commit result
  exec 3< <(gunzip || echo "-- Damaged")
  IFS= read -r head <&3 || true
  [[ $head == "-- Backup of the blog, migrations:"* ]] || refuse "This is not a backup of the blog."
  applied=$(migrations) || refuse "MySQL's reason is above. Check that MySQL runs, and that the blog was deployed."
  for name in ${head#*:}; do
    [[ $'\n'$applied$'\n' == *$'\n'"$name"$'\n'* ]] ||
      refuse "The backup is from a newer version with the migration $name. Deploy that version or a later one first."
  done
  users=$(query --execute="SELECT COUNT(*) FROM user")
  [ "$users" = 0 ] || [ "$replace" ] || refuse "The blog already has users. To replace all users and posts, add --replace."
  # The table of login attempts has one of these names.
  counters=$(query --execute="SELECT table_name FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name IN ('attempt', 'rate_limit')")
  commit="COMMIT; SELECT CONCAT('Restored users: ', (SELECT COUNT(*) FROM user), ', posts: ', (SELECT COUNT(*) FROM post),
    '. All users must log in again.');"
  # Only the last line of a complete backup becomes COMMIT. Without it, MySQL rolls back.
  result=$({
    echo "START TRANSACTION;"
    for name in session $counters ${replace:+post user}; do echo "DELETE FROM $name;"; done
    LC_ALL=C sed "\$s/^-- Dump completed\$/${commit//$'\n'/ }/" <&3
  } | query --binary-mode 2>&1) || case $result in
    *"ERROR 1062 "*)
      refuse "$result
Names that differ only by case or accents are equal in this database. Rename one in the other blog and back it up again." ;;
    *"ERROR 1064 "*) result='' ;;
    *"ERROR 2006 "* | *"ERROR 2013 "*)
      echo >&2 "$result
The connection was lost, so the restore may be complete or undone. Run the same command again, with --replace."
      cat >/dev/null
      exit 1 ;;
    *) refuse "$result
MySQL refused the backup for this reason. Fix it, and run the same command again." ;;
  esac
  # Warnings of the client may stand before it.
  grep "^Restored users: " <<<"$result" || refuse "The backup is truncated or was changed. Use another one."
}

case $command${replace:+ $replace} in
dump | load | 'load --replace') "$command" ;;
*) echo >&2 "Usage: backup.sh dump, or backup.sh load [--replace]" && exit 2 ;;
esac
