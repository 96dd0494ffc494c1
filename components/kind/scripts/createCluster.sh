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
echo $$ >"$incomplete"

create() {
  # Without --retain, a kind process that outlives its run deletes the next run's nodes, which have the same names.
  kind create cluster --name "$CLUSTER" --config - --kubeconfig "$kubeconfig" --retain >&2 &&
    docker exec "$CLUSTER-control-plane" sh -c "printf %s '$TOKEN' >/kind/pulumi-token"
}
if ! create; then
  # After a kill of Pulumi, this script may outlive its run. The nodes are the next run's then.
  [ "$(cat "$incomplete" 2>/dev/null)" = $$ ] || exit 1
  delete
  # Otherwise a cluster that somebody creates by hand under this name would count as incomplete.
  rm -f "$incomplete"
  echo "kind could not create the cluster '$CLUSTER', see above. Another node image may help." \
    "Kubernetes 1.26 that starts on cgroup v1 and enforces NetworkPolicies:" \
    "kindest/node:v1.26.15@sha256:c79602a44b4056d7e48dc20f7504350f1e87530fe953428b792def00bc1076dd" \
    "A supported version:" \
    "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed" >&2
  exit 1
fi
kind get kubeconfig --name "$CLUSTER"
