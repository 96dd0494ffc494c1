#!/bin/sh
# Prints the generation in $FILE of the running or stopped container $CONTAINER.
# Prints a new generation if the container or the file does not exist.
# Fails if the Docker engine does not answer, because a new generation makes Pulumi replace the container and its data.
set -eu

generation=$(docker cp "$CONTAINER:$FILE" - 2>/dev/null | tar -xOf - 2>/dev/null || true)
if [ -z "$generation" ]; then
  error=$(docker cp "$CONTAINER:$FILE" - 2>&1 >/dev/null || true)
  case $error in
    *"No such container"* | *"Could not find the file"*)
      generation=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n') ;;
    *)
      echo "The generation of the container $CONTAINER cannot be read: $error. Check \"docker ps\"." >&2
      exit 1 ;;
  esac
fi
printf %s "$generation"
