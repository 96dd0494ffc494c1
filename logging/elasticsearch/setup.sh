#!/bin/sh
# Prepares Elasticsearch for the logs. A Job runs this script in Elasticsearch's image. A second run changes nothing.
#
# URL              Elasticsearch, such as http://elasticsearch:9200
# SECRETS          folder with the files ELASTIC_PASSWORD, FLUENTD_PASSWORD and KIBANA_PASSWORD
# RETENTION_DAYS   days until records are deleted
# ROLLOVER_SIZE    size of an index, after which a new one begins, such as 512mb
#
# The requests: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/rest-apis.html
set -eu
cd "$(dirname "$0")"

# Other processes can read the arguments of curl, so the login is in a file.
umask 077
sed 's/[\\"]/\\&/g; s/.*/user = "elastic:&"/' "$SECRETS/ELASTIC_PASSWORD" >/tmp/login

# The last answer has the reason if Elasticsearch refuses a request.
trap 'cat /tmp/answer; echo' EXIT

# request METHOD PATH [OPTION...]: sends a request with options of curl.
request() {
  method=$1 path=$2
  shift 2
  echo "$method $path"
  : >/tmp/answer
  curl --config /tmp/login --silent --show-error --fail-with-body --max-time 60 --output /tmp/answer \
    --request "$method" --header "content-type: application/json" "$@" "$URL$path"
}

# While Elasticsearch starts on an existing volume, it answers 401 to a correct password.
request GET "/_cluster/health?wait_for_status=yellow" --retry-all-errors --retry 90 --retry-delay 2 --retry-max-time 180

request PUT /_ilm/policy/koa-blog-logs --data-binary @- <<EOF
{
  "policy": {
    "phases": {
      "hot": { "actions": { "rollover": { "max_age": "1d", "max_primary_shard_size": "$ROLLOVER_SIZE" } } },
      "delete": { "min_age": "${RETENTION_DAYS}d", "actions": { "delete": {} } }
    }
  }
}
EOF

request PUT /_index_template/koa-blog-logs --data-binary @index-template.json

request PUT /_data_stream/logs-kubernetes-default || grep -q resource_already_exists_exception /tmp/answer

request PUT /_security/role/koa-blog-fluentd --data-binary @- <<EOF
{
  "indices": [{ "names": ["logs-kubernetes-default"], "privileges": ["create_doc", "auto_configure"] }]
}
EOF

request PUT /_security/user/koa-blog-fluentd --data-binary @- <<EOF
{ "password": "$(cat "$SECRETS/FLUENTD_PASSWORD")", "roles": ["koa-blog-fluentd"] }
EOF

request POST /_security/user/kibana_system/_password --data-binary @- <<EOF
{ "password": "$(cat "$SECRETS/KIBANA_PASSWORD")" }
EOF
