#!/bin/sh
# Starts the registry $REGISTRY on $PORT of 127.0.0.1, and creates the network of kind's nodes unless it exists.
# Prints the ID of the container.
set -eu

# The engine's platform decides, not a variable for other projects.
unset DOCKER_DEFAULT_PLATFORM
# An update replaces the container. A killed run may have left one, and `docker run` needs its name.
left=$(docker ps --all --quiet --filter "label=kind-cluster.token=$TOKEN")
[ -z "$left" ] || docker rm --force --volumes "$left" >&2

# The same options as kind's, with the MTU of the default network:
# https://github.com/kubernetes-sigs/kind/blob/v0.33.0/pkg/cluster/internal/providers/docker/network.go
create_network() {
  docker network create --driver bridge --opt com.docker.network.bridge.enable_ip_masquerade=true \
    ${mtu:+--opt "com.docker.network.driver.mtu=$mtu"} "$@" kind >&2
}
if ! docker network inspect kind >/dev/null 2>&1; then
  mtu=$(docker network inspect bridge --format '{{index .Options "com.docker.network.driver.mtu"}}' 2>/dev/null || true)
  # kind's first subnet may overlap with another network. An engine without IPv6 refuses both.
  create_network --ipv6 --subnet fc00:f853:ccd:e793::/64 || create_network --ipv6 --subnet fc00:f853:ccd:e794::/64 ||
    create_network
fi

# The nodes' HTTP proxy has an exception for .svc. The image's anonymous volume is deleted with the container.
docker run --detach --name "$REGISTRY" --restart unless-stopped --label "kind-cluster.token=$TOKEN" \
  --network kind --network-alias "$REGISTRY.svc" --publish "127.0.0.1:$PORT:5000" "$IMAGE"
# Docker accepts connections to the port before the registry does, and closes them.
for _ in $(seq 60); do
  docker logs "$REGISTRY" 2>&1 | grep -q "listening on" && exit
  sleep 0.5
done
docker logs --tail 20 "$REGISTRY" >&2
echo "The registry $REGISTRY does not listen after 30 s. See its log above." >&2
exit 1
