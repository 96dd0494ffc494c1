#!/bin/sh
# Pushes the engine's image $IMAGE to the local registry as $COPY.
# Without --platform, Docker 29 sometimes never ends the push, see docs/decisions/local-registry.md.
# Older versions of Docker refuse that option.
set -eu

docker tag "$IMAGE" "$COPY"
platform=$(docker image inspect --format '{{.Os}}/{{.Architecture}}' "$IMAGE")
docker push --quiet --platform "$platform" "$COPY" 2>/dev/null || docker push --quiet "$COPY"
