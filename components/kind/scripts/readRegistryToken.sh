#!/bin/sh
# Prints the token of the registry container $REGISTRY, running or stopped. Prints a new token if there is none.
# Fails if another stack or program created the container, before Pulumi deletes anything.
# Fails if the Docker engine does not answer, because a new token makes Pulumi replace the registry.
set -eu

containers=$(docker ps --all --format '{{.Names}}')
if echo "$containers" | grep -Fqx "$REGISTRY"; then
  token=$(docker inspect --format '{{index .Config.Labels "kind-cluster.token"}}' "$REGISTRY")
  case $token in
  "$OWNER"/*) printf %s "$token" && exit ;;
  esac
  echo "The container $REGISTRY was not created by the Pulumi stack $OWNER. Choose another cluster name." \
    "If you do not need that container, delete it: docker rm --force $REGISTRY" >&2
  exit 1
else
  printf %s "$OWNER/$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
fi
