#!/usr/bin/env bash
# Starts MySQL with the blog's database and user in a container of the official MySQL image. Arguments go to mysqld.
#
# Needs   MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD_FILE, MYSQL_ROOT_PASSWORD_FILE, and schema.sql next to this file.
# Writes  INIT_DIR (contains the passwords, so mount a tmpfs) and DATA_DIR.
set -euo pipefail

INIT_DIR=${INIT_DIR:-/docker-entrypoint-initdb.d}
DATA_DIR=${DATA_DIR:-/var/lib/mysql}
schema=$(dirname "$0")/schema.sql
initializing=$DATA_DIR/.initializing

fail() {
  echo >&2 "start-mysql.sh: $1"
  exit 1
}

# set_variable NAME VALUE prints the SQL that sets @NAME. Hexadecimal prevents SQL injection.
set_variable() {
  [ -n "$2" ] || fail "the value for @$1 is empty. Set MYSQL_DATABASE and MYSQL_USER, and fill both password files."
  echo "SET @$1 = CONVERT(X'$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')' USING utf8mb4);"
}

# secret NAME prints the content of the file NAME_FILE.
secret() {
  local file="$1_FILE"
  [ -r "${!file:-}" ] || fail "$file is \"${!file:-}\". Set it to the path of a readable file."
  cat "${!file}"
}

password=$(secret MYSQL_PASSWORD)
root_password=$(secret MYSQL_ROOT_PASSWORD)
case $root_password in
*[\'\"\\]*) fail "the root password must not contain quotes or backslashes. MySQL's image does not escape them." ;;
esac

umask 077
{
  set_variable database "${MYSQL_DATABASE:-}"
  set_variable user "${MYSQL_USER:-}"
  set_variable password "$password"
  set_variable root_password "$root_password"
  cat "$schema"
} >"$INIT_DIR/schema.sql"

# The image skips the initialization if the folder of the system tables exists. A killed start leaves it incomplete.
# While the marker exists, MySQL has never served from this directory, so deleting its content loses no data.
if [ -e "$initializing" ]; then
  echo "start-mysql.sh: the first initialization was interrupted. Starting it again."
  find "$DATA_DIR" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$initializing" -exec rm -rf {} +
fi

if [ -d "$DATA_DIR/mysql" ]; then
  set -- --init-file="$INIT_DIR/schema.sql" "$@"
else
  touch "$initializing"
  echo "rm '$initializing'" >"$INIT_DIR/zz-initialized.sh"
fi

# schema.sql creates the database and its user. The image's variables could not change a password later.
unset MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD MYSQL_PASSWORD_FILE
export MYSQL_ROOT_HOST=localhost
# Connections set their time zone as an offset, so the image need not load named time zones, which takes seconds.
export MYSQL_INITDB_SKIP_TZINFO=1
# Without replicas, binary logs only fill the volume.
exec docker-entrypoint.sh mysqld --skip-log-bin "$@"
