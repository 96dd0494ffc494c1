#!/bin/sh
# Runs the blog and MySQL in two containers, with docker commands only.
# Usage: scripts/deploy.sh --network NAME --mysql IMAGE --password PASSWORD --blog IMAGE [--prune [--volumes]]
#   --network   network to create, and prefix of the containers and volumes: NAME-blog, NAME-mysql, NAME-mysql-data …
#   --mysql     published MySQL image, such as mysql:9.7.2
#   --password  root password of MySQL. To hide it from the process list, set MYSQL_ROOT_PASSWORD or use standard input
#   --blog      name for the image to build from service/Dockerfile, such as koa-blog
#   --prune     first removes containers and network, and keeps the posts. --volumes removes posts and passwords too
# The variables BLOG_PORT, BASE_IMAGE, COOKIE_SECURE, TRUSTED_PROXIES and ORIGIN mean the same as in .env.example.
set -eu
cd "$(dirname "$0")/.."
fail() { printf 'deploy.sh: %s\n' "$1" >&2 && exit 1; }
network='' mysql='' blog='' prune='' volumes='' password=${MYSQL_ROOT_PASSWORD:-} port=${BLOG_PORT:-8080}
while [ $# -gt 0 ]; do
  case $1 in
    --help) sed -n '2,9s/^# //p' scripts/deploy.sh && exit ;;
    --prune) prune=yes ;;
    --volumes) volumes=${prune:?--volumes removes the posts. Write --prune --volumes} ;;
    --network) network=${2:?--network needs a value} && shift ;;
    --mysql) mysql=${2:?--mysql needs a value} && shift ;;
    --password) password=${2:?--password needs a value} && shift ;;
    --blog) blog=${2:?--blog needs a value} && shift ;;
    --*) fail "Unknown option ${1%%=*}. See scripts/deploy.sh --help" ;;
    *) fail "A value has no option. Quote values with spaces" ;; # It may be a password, so it is not printed.
  esac
  shift
done
[ -n "$password" ] || [ -t 0 ] || IFS= read -r password || true
case $network in '' | *[!a-zA-Z0-9_.-]*) fail "--network is '$network'. Expected a name such as blog" ;; esac
[ -n "$mysql" ] && [ -n "$blog" ] || fail "Expected --mysql IMAGE and --blog IMAGE. See scripts/deploy.sh --help"
printf %s "$password" | grep -Eqx "[^'\"\\]{8,}" || fail "--password: expected at least 8 characters, no ' \" or \\"

label=koa-blog.deploy=$network secrets=/run/secrets/koa-blog
data='mysql-data mysql-secrets migration-secrets blog-secrets'
# own KIND NAME LABELS refuses an object that this script did not create.
own() {
  owner=$(docker "$1" inspect --format "{{index $3 \"koa-blog.deploy\"}}" "$2" 2>/dev/null) || return 0
  [ "$owner" = "$network" ] || fail "The $1 $2 has no label $label. Remove it, or use another --network"
}
own network "$network" .Labels
for name in mysql migration blog; do own container "$network-$name" .Config.Labels; done
for name in $data; do own volume "$network-$name" .Labels; done
# The build takes minutes, so a container tries the port first.
[ -n "$(docker ps --quiet --filter "label=$label" --filter "publish=$port")" ] ||
  docker run --rm --publish "$port:5000" --entrypoint true "$mysql" ||
  fail "Docker cannot run $mysql with port $port. If the port is in use: BLOG_PORT=8081 scripts/deploy.sh …"
docker build --tag "$blog" --file service/Dockerfile --build-arg BASE_IMAGE --build-arg HTTPS_PROXY .
docker build --tag "$blog-mysql" --build-arg BASE_IMAGE="$mysql" db

for id in $(docker ps --all --quiet --filter "label=$label"); do docker stop "$id"; docker rm "$id"; done
for name in $(docker volume ls --quiet --filter "label=$label"); do [ -z "$volumes" ] || docker volume rm "$name"; done
[ -z "$prune" ] || docker network prune --force --filter "label=$label"
docker network inspect "$network" >/dev/null 2>&1 || docker network create --label "$label" "$network"
for name in $data; do docker volume create --label "$label" "$network-$name"; done

# Used without quotes, so that each word is an argument.
options="--label $label --network $network --read-only --cap-drop ALL --security-opt no-new-privileges
  --env MYSQL_DATABASE=koa_blog --env MYSQL_USER=koa_blog --env MYSQL_PASSWORD_FILE=$secrets/MYSQL_PASSWORD"
printf %s "$password" | docker run --rm --interactive $options --user 0:0 --cap-add CHOWN --entrypoint bash \
  --volume "$network-mysql-secrets:/secrets/mysql" --volume "$network-blog-secrets:/secrets/blog" \
  --volume "$network-migration-secrets:/secrets/migration" \
  "$blog-mysql" /etc/koa-blog/generate-secrets.sh --root-password-from-stdin
# healthy NAME waits for the container's health check. A restart means that the process has failed.
healthy() {
  state='docker inspect --format {{.RestartCount}}{{.State.Health.Status}}'
  while [ "$($state "$1")" = 0starting ]; do sleep 1; done
  [ "$($state "$1")" = 0healthy ] || fail "$1 is not healthy. See: docker logs $1"
}
docker run --detach --name "$network-mysql" $options --restart unless-stopped --memory 1024m --stop-timeout 60 \
  --health-start-period 1800s \
  --volume "$network-mysql-data:/var/lib/mysql" --volume "$network-mysql-secrets:$secrets:ro" \
  --env MYSQL_ROOT_PASSWORD_FILE=$secrets/MYSQL_ROOT_PASSWORD --tmpfs /tmp:size=64m \
  --tmpfs /docker-entrypoint-initdb.d:uid=999,mode=700 --tmpfs /var/run/mysqld:uid=999,mode=755 "$blog-mysql"
healthy "$network-mysql"
docker run --name "$network-migration" $options --memory 384m --env MYSQL_HOST="$network-mysql" \
  --volume "$network-migration-secrets:$secrets:ro" "$blog" node service/migrate.ts || fail "The migration failed"
docker run --detach --name "$network-blog" $options --restart unless-stopped --memory 384m --stop-timeout 30 \
  --publish "$port:5000" --env COOKIE_SECURE --env TRUSTED_PROXIES --env ORIGIN --env SESSION_COOKIE=session-"$port" \
  --volume "$network-blog-secrets:$secrets:ro" --env SESSION_KEYS_FILE=$secrets/SESSION_KEYS \
  --env MYSQL_HOST="$network-mysql" "$blog"
healthy "$network-blog"
echo "The blog answers on http://localhost:$port"
