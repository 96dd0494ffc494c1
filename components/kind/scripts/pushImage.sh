#!/bin/sh
# Pushes the image $IMAGE to a local registry as $COPY. Pulls it first if the engine lacks it for its own platform.
set -eu

# The engine's platform decides, not a variable for other projects.
unset DOCKER_DEFAULT_PLATFORM
platform=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')
present=$(docker image inspect --format '{{.Os}}/{{.Architecture}}' "$IMAGE" 2>/dev/null || true)
[ "$present" = "$platform" ] || docker pull --quiet --platform "$platform" "$IMAGE" >&2
docker tag "$IMAGE" "$COPY"
# Without --platform, Docker 29 sometimes never ends the push of an image that has several platforms.
# Docker before 28 refuses the option.
docker push --quiet --platform "$platform" "$COPY" 2>/dev/null || docker push --quiet "$COPY"
