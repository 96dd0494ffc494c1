// The shell commands by which KindCluster makes, finds and deletes its cluster. They run in the project's folder.

/** A cluster of this name may be somebody else's, or another stack's. This file says that the stack began to make it. */
export const marker = (stack: string, clusterName: string) => `.state/${stack}-kind-${clusterName}`;

/**
 * Prints the generation of the cluster, or a new one if there is no complete cluster. A stopped node still has its own.
 * Fails if the engine does not tell: a new generation means a new cluster, and the end of what is in the old one.
 */
export function readGeneration(clusterName: string): string {
  const node = `${clusterName}-control-plane`;
  return `set -eu
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
node=$(docker ps --all --quiet --filter 'name=^${node}$')
if [ -n "$node" ]; then docker cp '${node}:/kind' - >"$archive"; fi
if [ -z "$node" ] || ! tar -xOf "$archive" kind/generation 2>/dev/null; then
  od -An -N8 -tx1 /dev/urandom | tr -d ' \\n'
fi`;
}

/** Makes the cluster that stdin describes and prints its kubeconfig. What an interrupted run left of it goes first. */
export function createCluster(stack: string, clusterName: string): string {
  return `set -eu
if kind get clusters --quiet | grep -qx '${clusterName}'; then
  if [ ! -e '${marker(stack, clusterName)}' ]; then
    echo "There is a kind cluster '${clusterName}' that this stack did not make. Delete it with" >&2
    echo "\\"kind delete cluster --name ${clusterName}\\", or choose another name with \\"pulumi config set clusterName NAME\\"." >&2
    exit 1
  fi
  kind delete cluster --name '${clusterName}' >&2
fi
mkdir -p .state
: >'${marker(stack, clusterName)}'
kubeconfig=$(mktemp)
trap 'rm -f "$kubeconfig"' EXIT
make() {
  # Kept on failure: a kind that outlives its run must not delete the nodes of the next one, which have the same names.
  kind create cluster --name '${clusterName}' --config - --kubeconfig "$kubeconfig" --wait 180s --retain >&2 &&
    docker exec '${clusterName}-control-plane' kubectl --kubeconfig /etc/kubernetes/admin.conf \\
      wait nodes --all --for=condition=Ready --timeout=180s >&2 &&
    docker exec '${clusterName}-control-plane' sh -c "printf %s '$GENERATION' >/kind/generation"
}
if ! make; then
  kind delete cluster --name '${clusterName}' >&2
  exit 1
fi
kind get kubeconfig --name '${clusterName}'`;
}

/** Deletes the cluster, if it is there, its entry in the user's kubeconfig, if there is one, and kind's unused network. */
export function deleteCluster(stack: string, clusterName: string): string {
  return `set -eu
kind delete cluster --name '${clusterName}'
rm -f '${marker(stack, clusterName)}'
[ -n "$(kind get clusters --quiet)" ] || docker network rm kind >/dev/null 2>&1 || true`;
}
