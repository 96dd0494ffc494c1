#!/bin/sh
# Deploys the blog without Pulumi: creates the kind cluster $CLUSTER, builds the image koa-blog:by-hand, loads it and
# $IMAGES into the nodes, and applies the manifests in $FOLDER in the order of their names. bench/stack.ts writes
# $FOLDER. Prints the name of each step when it begins.
set -eu

export KUBECONFIG="$FOLDER/kubeconfig"

echo "kind create cluster"
kind create cluster --name "$CLUSTER" --config "$FOLDER/kind.yaml" >&2

echo "docker build"
docker build --tag koa-blog:by-hand --file service/Dockerfile --build-arg BASE_IMAGE="$BASE_IMAGE" . >&2

echo "docker image save, kind load"
archive=$FOLDER/images.tar
# With the containerd image store, kind cannot load an archive of all platforms (kubernetes-sigs/kind#3795).
# Docker before 28 has no --platform.
platform=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')
# shellcheck disable=SC2086 # $IMAGES is a list.
docker image save --platform "$platform" --output "$archive" koa-blog:by-hand $IMAGES ||
  docker image save --output "$archive" koa-blog:by-hand $IMAGES
# Of the stack, only Fluentd runs on the control plane.
case $IMAGES in
*fluentd*) nodes=$(kind get nodes --name "$CLUSTER") ;;
*) nodes=$(kind get nodes --name "$CLUSTER" | grep -e -worker) ;;
esac
kind load image-archive "$archive" --name "$CLUSTER" --nodes "$(echo "$nodes" | paste -s -d , -)" >&2

echo "kubectl apply, with waits"
for manifest in "$FOLDER"/*.json; do
  kubectl apply --filename "$manifest" >&2
  case $manifest in
  *-pods.json) kubectl rollout status --filename "$manifest" --timeout=10m >&2 ;;
  *-job.json) kubectl wait --filename "$manifest" --for=condition=Complete --timeout=10m >&2 ;;
  esac
done
until curl --silent --fail --output /dev/null --max-time 2 "$URL"; do sleep 0.25; done
