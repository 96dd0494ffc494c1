#!/bin/sh
# Deletes the kind cluster $CLUSTER, unless it has another token than $TOKEN.
# A cluster without a token is deleted only if the file $incomplete says that this stack did not complete it.
set -eu

incomplete=${PULUMI_HOME:-$HOME/.pulumi}/kind-cluster/$OWNER/$CLUSTER
clusters=$(kind get clusters --quiet)
if ! echo "$clusters" | grep -Fqx "$CLUSTER"; then
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
# The user's own kubeconfig stays as it is.
kubeconfig=$(mktemp)
trap 'rm -f "$kubeconfig"' EXIT
kind delete cluster --name "$CLUSTER" --kubeconfig "$kubeconfig"
rm -f "$incomplete"
