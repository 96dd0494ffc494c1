#!/bin/sh
# Deletes the oldest logs if Elasticsearch's disk is almost full. A CronJob runs this script in Elasticsearch's image.
# Elasticsearch's own lifecycle policies delete by age only.
#
# URL       Elasticsearch, such as http://elasticsearch:9200
# SECRETS   folder with the file ELASTIC_PASSWORD
#
# The requests: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/rest-apis.html
set -eu

# Megabytes. Below 1000, Elasticsearch cannot begin a new index. Below 500, it refuses logs. A percentage would not do,
# because the volume of a kind cluster is a folder on a disk that may always be 90 % full.
minimum=1500

# Other processes can read the arguments of curl, so the login is in a file.
umask 077
sed 's/[\\"]/\\&/g; s/.*/user = "elastic:&"/' "$SECRETS/ELASTIC_PASSWORD" >/tmp/login

fail() {
  echo "$1" >&2
  exit 1
}

# request METHOD PATH prints the answer.
request() {
  curl --config /tmp/login --silent --show-error --fail-with-body --max-time 60 --request "$1" "$URL$2"
}

before=-1
while :; do
  free=$(request GET "/_cat/nodes?h=disk.avail&bytes=mb") || fail "Elasticsearch refuses the request: $free"
  echo "$free MB are free"
  [ "$free" -ge 0 ] 2>/dev/null || fail "Expected the free megabytes of one node."
  [ "$free" -lt "$minimum" ] || break
  # Another program may fill the disk faster. Then all logs would go for nothing.
  [ "$free" -gt "$before" ] || fail "Deleting logs frees nothing. Delete other files of the disk, or grow the volume."
  before=$free
  # The oldest index is the first one. The last one takes the new logs.
  indices=$(request GET "/_data_stream/logs-kubernetes-default?filter_path=data_streams.indices.index_name" |
    grep -o '\.ds-[^"]*') || fail "The data stream logs-kubernetes-default has no index. Run npm run up."
  oldest=$(echo "$indices" | sed '$d' | head -n 1)
  [ -n "$oldest" ] || fail "Only the newest index is left. Delete other files of the disk, or grow the volume."
  echo "DELETE /$oldest"
  request DELETE "/$oldest"
  echo
  # Elasticsearch measures the disk again.
  sleep 5
done
