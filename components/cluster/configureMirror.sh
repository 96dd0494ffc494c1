#!/bin/sh
# Makes the registry $REGISTRY a mirror for all images in the nodes of the kind cluster $CLUSTER.
# containerd asks the mirror first, and falls back to the image's own registry.
# A pod's image is pulled only once the pod is scheduled. So the workers start to pull $IMAGES now.
# The cluster is in Pulumi's state at this point, so $MARKER is removed.
# https://kind.sigs.k8s.io/docs/user/local-registry/
# https://github.com/containerd/containerd/blob/main/docs/hosts.md#setup-default-mirror-for-all-registries
set -eu

certs=/etc/containerd/certs.d
for node in $(kind get nodes --name "$CLUSTER"); do
  docker exec -i "$node" sh -c "mkdir -p $certs/_default && cat >$certs/_default/hosts.toml" <<TOML
[host."http://$REGISTRY"]
  capabilities = ["pull", "resolve"]
TOML
  case $node in *-control-plane) continue ;; esac
  for image in $IMAGES; do
    docker exec --detach "$node" ctr --namespace k8s.io images pull --hosts-dir "$certs" "$image"
  done
done
rm -f "$MARKER"
