#!/bin/sh
# Creates the Docker network of kind's nodes unless it exists. The registry needs the network before the nodes do.
# The options are the same as kind's: https://github.com/kubernetes-sigs/kind/blob/v0.33.0/pkg/cluster/internal/providers/docker/network.go
set -eu

docker network inspect kind >/dev/null 2>&1 && exit
create() {
  docker network create --driver bridge --opt com.docker.network.bridge.enable_ip_masquerade=true "$@" kind >/dev/null
}
# A Docker engine without IPv6 refuses the subnet.
create --ipv6 --subnet fc00:f853:ccd:e793::/64 2>/dev/null || create
