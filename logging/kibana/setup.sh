#!/bin/sh
# Imports the data view and the dashboard into Kibana. A Job runs this script in Elasticsearch's image, which has curl.
# A second run changes nothing.
#
# URL       Kibana, such as http://kibana:5601
# SECRETS   folder with the file ELASTIC_PASSWORD
#
# The request: https://www.elastic.co/guide/en/kibana/8.19/saved-objects-api-import.html
set -eu
cd "$(dirname "$0")"

# Other processes can read the arguments of curl, so the login is in a file.
umask 077
sed 's/[\\"]/\\&/g; s/.*/user = "elastic:&"/' "$SECRETS/ELASTIC_PASSWORD" >/tmp/login

# The answer has the reason if Kibana refuses an object.
trap 'cat /tmp/answer; echo' EXIT
: >/tmp/answer

curl --config /tmp/login --silent --show-error --fail-with-body --max-time 60 --output /tmp/answer \
  --retry-all-errors --retry 90 --retry-delay 2 --retry-max-time 180 \
  --header "kbn-xsrf: true" --form file=@dashboard.ndjson "$URL/api/saved_objects/_import?overwrite=true"

# Kibana answers 200 even if it refuses an object.
grep -q '"success":true' /tmp/answer
