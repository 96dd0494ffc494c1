#!/usr/bin/env bash
# Generates missing secrets of compose.yaml and scripts/deploy.sh, in one folder per service. Keeps existing secrets, so
# it can run again. With --root-password-from-stdin, MySQL's root password is the text of standard input.
#
# Needs   root with only the capability CHOWN, and a volume for each folder.
# Writes  SECRETS_DIR/mysql, SECRETS_DIR/blog and SECRETS_DIR/migration. Root owns the files, and the group of the
#         service's user may read them. So a service cannot change its secrets.
set -euo pipefail
# Until a file has its group, only root may read it.
umask 077

SECRETS_DIR=${SECRETS_DIR:-/secrets}
# Group ids of MySQL's image and of the blog's.
mysql=999
blog=1000

fail() {
  echo >&2 "generate-secrets.sh: $1"
  exit 1
}

# folder NAME GROUP restricts a service's folder to its group.
folder() {
  [ -d "$SECRETS_DIR/$1" ] || fail "$SECRETS_DIR/$1 is missing. Mount a volume there."
  chgrp "$2" "$SECRETS_DIR/$1"
  chmod 750 "$SECRETS_DIR/$1"
}

# put FILE GROUP VALUE writes a temporary file and renames it. After SIGKILL or a power failure, FILE is complete or
# missing.
put() {
  local file=$SECRETS_DIR/$1
  # A killed run may leave a file with mode 440. Without the capability DAC_OVERRIDE, root cannot write to it.
  rm -f "$file.new"
  printf %s "$3" >"$file.new"
  chgrp "$2" "$file.new"
  chmod 440 "$file.new"
  sync "$file.new"
  mv -f "$file.new" "$file"
  echo "generate-secrets.sh: wrote $1"
}

# generate FILE GROUP BYTES writes a random value in hexadecimal, unless FILE has one.
generate() {
  [ ! -s "$SECRETS_DIR/$1" ] || return 0
  local value
  value=$(od -An -v -N"$3" -tx1 /dev/urandom | tr -d ' \n')
  [ "${#value}" = $(($3 * 2)) ] || fail "/dev/urandom returned too few bytes. Run the same command again."
  put "$1" "$2" "$value"
}

# copy FROM FILE GROUP gives another service the same value.
copy() {
  local value
  value=$(<"$SECRETS_DIR/$1")
  [ -e "$SECRETS_DIR/$2" ] && [ "$(<"$SECRETS_DIR/$2")" = "$value" ] || put "$2" "$3" "$value"
}

folder mysql "$mysql"
folder blog "$blog"
folder migration "$blog"

if [ "${1:-}" = --root-password-from-stdin ]; then put mysql/MYSQL_ROOT_PASSWORD "$mysql" "$(cat)"; fi
generate mysql/MYSQL_ROOT_PASSWORD "$mysql" 16
generate mysql/MYSQL_PASSWORD "$mysql" 16
generate blog/SESSION_KEYS "$blog" 32
# start-mysql.sh sets the password from MySQL's folder at each start, so the other folders get copies.
copy mysql/MYSQL_PASSWORD blog/MYSQL_PASSWORD "$blog"
copy mysql/MYSQL_PASSWORD migration/MYSQL_PASSWORD "$blog"
echo "generate-secrets.sh: every secret exists"
