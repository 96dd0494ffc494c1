#!/bin/sh
# Prints the token of the kind cluster $CLUSTER, running or stopped. Prints a new token if there is no such cluster.
# Fails if another stack or program created the cluster, before Pulumi deletes anything.
# Fails if the Docker engine does not answer, because a new token makes Pulumi replace the cluster and its data.
set -eu

file=$CLUSTER-control-plane:/kind/pulumi-token
token=$(docker cp "$file" - 2>/dev/null | tar -xOf - 2>/dev/null || true)
case $token in
"$OWNER"/*) printf %s "$token" && exit ;;
?*) reason="belongs to the Pulumi stack ${token%/*}" ;;
*)
  error=$(docker cp "$file" - 2>&1 >/dev/null || true)
  incomplete=${PULUMI_HOME:-$HOME/.pulumi}/kind-cluster/$OWNER/$CLUSTER
  reason=
  case $error in
  *"No such container"*)
    # If all nodes are gone, no cluster is incomplete. The next one of this name may be somebody else's.
    nodes=$(docker ps --all --quiet --filter "label=io.x-k8s.kind.cluster=$CLUSTER")
    [ -n "$nodes" ] || rm -f "$incomplete"
    ;;
  *"Could not find the file"*) [ -e "$incomplete" ] || reason="was not created by the Pulumi stack $OWNER" ;;
  *) echo "The kind cluster $CLUSTER cannot be read: $error" >&2 && exit 1 ;;
  esac
  if [ -z "$reason" ]; then
    printf %s "$OWNER/$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
    exit
  fi
  ;;
esac
echo "The kind cluster $CLUSTER $reason. Choose another cluster name. If you do not need that cluster," \
  "delete it: kind delete cluster --name $CLUSTER" >&2
exit 1
