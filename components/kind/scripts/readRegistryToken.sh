#!/bin/sh
# Prints the token of the registry container $REGISTRY, running or stopped. Prints a new token if there is none.
# Fails if the Docker engine does not answer, because a new token makes Pulumi replace the registry.
set -eu

containers=$(docker ps --all --format '{{.Names}}')
if echo "$containers" | grep -Fqx "$REGISTRY"; then
  docker inspect --format '{{index .Config.Labels "kind-cluster.token"}}' "$REGISTRY"
else
  printf %s "$OWNER/$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
fi
