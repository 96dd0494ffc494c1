#!/bin/sh
# Creates the kind cluster $CLUSTER from the configuration on stdin, writes $TOKEN into it, and prints its kubeconfig.
# The file $incomplete exists until the cluster is in Pulumi's state. A cluster with that file is empty, and is deleted
# first. A cluster without it is refused, because it may hold data.
set -eu

# kind pulls the node image. The engine's platform decides, not a variable for other projects.
unset DOCKER_DEFAULT_PLATFORM
incomplete=${PULUMI_HOME:-$HOME/.pulumi}/kind-cluster/$OWNER/$CLUSTER
kubeconfig=$(mktemp)
trap 'rm -f "$kubeconfig"' EXIT
delete() { kind delete cluster --name "$CLUSTER" --kubeconfig "$kubeconfig" >&2; }

clusters=$(kind get clusters --quiet)
if echo "$clusters" | grep -Fqx "$CLUSTER"; then
  if [ ! -e "$incomplete" ]; then
    echo "There is a kind cluster '$CLUSTER' that this stack does not know. Choose another cluster name." \
      "If you do not need that cluster, delete it: kind delete cluster --name $CLUSTER" >&2
    exit 1
  fi
  delete
fi
mkdir -p "$(dirname "$incomplete")"
touch "$incomplete"

create() {
  # Without --retain, a kind process that outlives its run deletes the next run's nodes, which have the same names.
  kind create cluster --name "$CLUSTER" --config - --kubeconfig "$kubeconfig" --retain >&2 &&
    docker exec "$CLUSTER-control-plane" sh -c "printf %s '$TOKEN' >/kind/pulumi-token"
}
if ! create; then
  delete
  # Otherwise a cluster that somebody creates by hand under this name would count as incomplete.
  rm -f "$incomplete"
  exit 1
fi
kind get kubeconfig --name "$CLUSTER"
