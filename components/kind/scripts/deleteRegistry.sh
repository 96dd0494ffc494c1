#!/bin/sh
# Deletes the registry with the token $TOKEN, and the network of kind if nothing uses it.
set -eu

registry=$(docker ps --all --quiet --filter "label=kind-cluster.token=$TOKEN")
[ -z "$registry" ] || docker rm --force --volumes "$registry" >&2
# A stopped container of another cluster needs the network when it starts again.
users=$(docker ps --all --quiet --filter network=kind)
[ -n "$users" ] || docker network rm kind >/dev/null 2>&1 || true
