#!/bin/sh
# Creates the kind cluster $CLUSTER from the configuration on stdin, and prints its kubeconfig.
# The file $MARKER exists until the cluster is in Pulumi's state. A cluster with a marker is empty, and is deleted first.
# A cluster without a marker is refused, because it may hold data.
set -eu

kubeconfig=$(mktemp)
trap 'rm -f "$kubeconfig"' EXIT
delete() { kind delete cluster --name "$CLUSTER" --kubeconfig "$kubeconfig" >&2; }

if kind get clusters --quiet | grep -qx "$CLUSTER"; then
  if [ ! -e "$MARKER" ]; then
    echo "There is a kind cluster '$CLUSTER' that this stack does not know." >&2
    echo "Delete it with \"kind delete cluster --name $CLUSTER\"," >&2
    echo "or use another name with \"npm run pulumi -- config set clusterName NAME\"." >&2
    exit 1
  fi
  delete
fi
mkdir -p "$(dirname "$MARKER")"
printf %s "$GENERATION" >"$MARKER"

create() {
  # Pods wait for their nodes by themselves, so this command does not.
  # Without --retain, a kind process that outlives its run deletes the next run's nodes, which have the same names.
  kind create cluster --name "$CLUSTER" --config - --kubeconfig "$kubeconfig" --retain >&2 &&
    docker exec "$CLUSTER-control-plane" sh -c "printf %s '$GENERATION' >/kind/generation"
}
if ! create; then
  delete
  exit 1
fi
kind get kubeconfig --name "$CLUSTER"
