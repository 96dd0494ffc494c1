#!/bin/sh
# Tells the nodes of the kind cluster $CLUSTER, and programs such as Tilt, that localhost:$PORT is the registry.
# Without $REGISTRY, the cluster has no registry. The cluster is in Pulumi's state now, so it is not incomplete.
# https://kind.sigs.k8s.io/docs/user/local-registry/
set -eu

if [ -n "${REGISTRY:-}" ]; then
  nodes=$(kind get nodes --name "$CLUSTER")
  folder=/etc/containerd/certs.d/localhost:$PORT
  for node in $nodes; do
    # kind exempts .svc from an HTTP proxy.
    docker exec -i "$node" sh -c "mkdir -p $folder && cat >$folder/hosts.toml" <<TOML
[host."http://$REGISTRY.svc:5000"]
TOML
  done
  # https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry
  docker exec -i "$CLUSTER-control-plane" kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - >&2 <<YAML
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-registry-hosting
  namespace: kube-public
data:
  localRegistryHosting.v1: |
    host: "localhost:$PORT"
    hostFromContainerRuntime: "$REGISTRY.svc:5000"
    help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
YAML
fi
# Kubernetes refuses pods until this account exists, some seconds after kind's command has ended.
for _ in $(seq 120); do
  docker exec "$CLUSTER-control-plane" kubectl --kubeconfig /etc/kubernetes/admin.conf get serviceaccount default \
    >/dev/null 2>&1 && break
  sleep 0.5
done
rm -f "${PULUMI_HOME:-$HOME/.pulumi}/kind-cluster/$OWNER/$CLUSTER"
