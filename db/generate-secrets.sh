#!/usr/bin/env bash
# Makes the secrets of compose.yaml that are not there yet, in one folder for each service, with what it reads and no more.
# What is there stays, so it can be run again, and after it was killed.
#
# Needs   root with the capability CHOWN, no other, and a volume for each folder.
# Writes  SECRETS_DIR/mysql, SECRETS_DIR/blog and SECRETS_DIR/migration. The files are root's, and readable by the group
#         of the service's user: a service can neither change what it reads nor who may read it.
set -euo pipefail
# Until a file has its group, nobody else reads it.
umask 077

SECRETS_DIR=${SECRETS_DIR:-/secrets}
# The groups of the users of MySQL's image and of the blog's.
mysql=999
blog=1000

fail() {
  echo >&2 "generate-secrets.sh: $1"
  exit 1
}

# folder NAME GROUP: the folder of a service, which nobody but its group enters.
folder() {
  [ -d "$SECRETS_DIR/$1" ] || fail "$SECRETS_DIR/$1 is missing: mount a volume there"
  chgrp "$2" "$SECRETS_DIR/$1"
  chmod 750 "$SECRETS_DIR/$1"
}

# put FILE GROUP VALUE: writes the file under another name first, so that it is there with all its content or not at all,
# even if this process is killed or the machine loses power.
put() {
  local file=$SECRETS_DIR/$1
  # A run that was killed may have left one that not even root can write to, for lack of the capability.
  rm -f "$file.new"
  printf %s "$3" >"$file.new"
  chgrp "$2" "$file.new"
  chmod 440 "$file.new"
  sync "$file.new"
  mv -f "$file.new" "$file"
  echo "generate-secrets.sh: wrote $1"
}

# generate FILE GROUP BYTES: a random value, in hexadecimal, unless the file has one.
generate() {
  [ ! -s "$SECRETS_DIR/$1" ] || return 0
  local value
  value=$(od -An -v -N"$3" -tx1 /dev/urandom | tr -d ' \n')
  [ "${#value}" = $(($3 * 2)) ] || fail "/dev/urandom gave too little"
  put "$1" "$2" "$value"
}

# copy FROM FILE GROUP: the same value for another service.
copy() {
  local value
  value=$(<"$SECRETS_DIR/$1")
  [ -e "$SECRETS_DIR/$2" ] && [ "$(<"$SECRETS_DIR/$2")" = "$value" ] || put "$2" "$3" "$value"
}

folder mysql "$mysql"
folder blog "$blog"
folder migration "$blog"

generate mysql/MYSQL_ROOT_PASSWORD "$mysql" 16
generate mysql/MYSQL_PASSWORD "$mysql" 16
generate blog/SESSION_KEYS "$blog" 32
# MySQL's folder has the one that counts: start-mysql.sh gives it to the database at each start.
copy mysql/MYSQL_PASSWORD blog/MYSQL_PASSWORD "$blog"
copy mysql/MYSQL_PASSWORD migration/MYSQL_PASSWORD "$blog"
echo "generate-secrets.sh: every secret is there"
