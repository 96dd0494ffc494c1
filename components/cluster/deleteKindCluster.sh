#!/bin/sh
# Deletes the kind cluster $CLUSTER if it exists, the file $MARKER, and kind's network if nothing uses it.
# A cluster with another generation than $GENERATION belongs to another stack, and stays.
# The cluster's context is removed from the user's kubeconfig only if $MERGE_KUBECONFIG is true.
set -eu

found=$(docker cp "$CLUSTER-control-plane:/kind/generation" - 2>/dev/null | tar -xOf - 2>/dev/null || true)
if [ -n "$found" ] && [ "$found" != "$GENERATION" ]; then
  echo "The kind cluster '$CLUSTER' is not the one that this stack created, and was not deleted." >&2
  echo "If you do not need it, delete it with \"kind delete cluster --name $CLUSTER\"." >&2
  exit 0
fi
if [ "$MERGE_KUBECONFIG" = true ]; then
  kind delete cluster --name "$CLUSTER"
else
  kubeconfig=$(mktemp)
  trap 'rm -f "$kubeconfig"' EXIT
  kind delete cluster --name "$CLUSTER" --kubeconfig "$kubeconfig"
fi
rm -f "$MARKER"
# Fails while the registry or another cluster uses the network.
docker network rm kind >/dev/null 2>&1 || true
