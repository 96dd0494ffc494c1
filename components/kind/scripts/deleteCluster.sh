#!/bin/sh
# Deletes the kind cluster $CLUSTER, unless it has another token than $TOKEN.
# A cluster without a token is deleted only if the file $incomplete says that this stack did not complete it.
set -eu

incomplete=${PULUMI_HOME:-$HOME/.pulumi}/kind-cluster/$OWNER/$CLUSTER
nodes=$(docker ps --all --quiet --filter "label=io.x-k8s.kind.cluster=$CLUSTER")
if [ -z "$nodes" ]; then
  rm -f "$incomplete"
  exit
fi
file=$CLUSTER-control-plane:/kind/pulumi-token
token=$(docker cp "$file" - 2>/dev/null | tar -xOf - 2>/dev/null || true)
if [ -z "$token" ]; then
  error=$(docker cp "$file" - 2>&1 >/dev/null || true)
  case $error in
  *"No such container"* | *"Could not find the file"*) ;;
  *) echo "The kind cluster $CLUSTER cannot be read: $error" >&2 && exit 1 ;;
  esac
fi
if [ "$token" != "$TOKEN" ] && { [ -n "$token" ] || [ ! -e "$incomplete" ]; }; then
  echo "The kind cluster '$CLUSTER' is not the one that this stack created, and was not deleted." \
    "If you do not need it, delete it: kind delete cluster --name $CLUSTER" >&2
  exit
fi
# As `kind delete cluster` does, but without kind, which a machine without a network may lack.
# Without quotes, so that each word is a container.
docker rm --force --volumes $nodes >/dev/null
rm -f "$incomplete"
