#!/usr/bin/env bash
# Starts MySQL with the blog's database and user in place: the command of a container of the official MySQL image.
# Arguments are passed on to mysqld.
#
# Needs   MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD_FILE, MYSQL_ROOT_PASSWORD_FILE, and schema.sql beside this file.
# Writes  INIT_DIR (holds the passwords: mount a tmpfs) and DATA_DIR.
set -euo pipefail

INIT_DIR=${INIT_DIR:-/docker-entrypoint-initdb.d}
DATA_DIR=${DATA_DIR:-/var/lib/mysql}
schema=$(dirname "$0")/schema.sql
initializing=$DATA_DIR/.initializing

fail() {
  echo >&2 "start-mysql.sh: $1"
  exit 1
}

# set_variable NAME VALUE: the SQL that sets @NAME, in hexadecimal so that no character of VALUE can end the literal.
set_variable() {
  [ -n "$2" ] || fail "the value for @$1 is empty: set MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD_FILE and MYSQL_ROOT_PASSWORD_FILE"
  echo "SET @$1 = CONVERT(X'$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')' USING utf8mb4);"
}

# secret NAME: the content of the file that NAME_FILE points to, without its trailing newline.
secret() {
  local file="$1_FILE"
  [ -r "${!file:-}" ] || fail "$file must be the path of a readable file; it is \"${!file:-}\""
  cat "${!file}"
}

password=$(secret MYSQL_PASSWORD)
root_password=$(secret MYSQL_ROOT_PASSWORD)
case $root_password in
*[\'\"\\]*) fail "the root password must not contain quotes or backslashes: the image would not escape them" ;;
esac

umask 077
{
  set_variable database "${MYSQL_DATABASE:-}"
  set_variable user "${MYSQL_USER:-}"
  set_variable password "$password"
  set_variable root_password "$root_password"
  cat "$schema"
} >"$INIT_DIR/schema.sql"

# The image takes a data directory for initialized as soon as it holds the system tables' folder, which a start that was
# killed half-way leaves behind unusable. The marker says that the first initialization has not come to its end, so MySQL
# has never served from this directory and nothing in it can be missed.
if [ -e "$initializing" ]; then
  echo "start-mysql.sh: the first initialization was interrupted; starting it over"
  find "$DATA_DIR" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$initializing" -exec rm -rf {} +
fi

if [ -d "$DATA_DIR/mysql" ]; then
  set -- --init-file="$INIT_DIR/schema.sql" "$@"
else
  touch "$initializing"
  echo "rm '$initializing'" >"$INIT_DIR/zz-initialized.sh"
fi

# schema.sql creates the database and its user; the image's own way could not change a password later on.
unset MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD MYSQL_PASSWORD_FILE
export MYSQL_ROOT_HOST=localhost
exec docker-entrypoint.sh mysqld "$@"
