import { stringify } from "yaml";

/** A port of the control-plane node that the host publishes. */
export interface PortMapping {
  /** Port of the node, such as the node port of a Service. */
  containerPort: number;
  /** Port of the host. */
  hostPort: number;
  /** IP address of the host. Defaults to 0.0.0.0, all addresses. */
  listenAddress?: string;
}

/** The arguments of a KindCluster that become kind's configuration, without inputs. */
export interface KindConfigArgs {
  workers?: number | undefined;
  nodeImage?: string | undefined;
  portMappings?: PortMapping[] | undefined;
  configPatch?: Record<string, unknown> | undefined;
}

/**
 * Node images before kind 0.27 need this to read registry hosts from files. It replaces the whole section, because
 * containerd refuses `config_path` next to the mirror that the images before kind 0.18 have.
 * https://kind.sigs.k8s.io/docs/user/local-registry/
 */
const containerdConfigPatch = [
  {
    op: "add",
    path: "/plugins/io.containerd.grpc.v1.cri/registry",
    value: { config_path: "/etc/containerd/certs.d" },
  },
];

/**
 * kind's configuration as YAML: one control-plane node, which publishes the ports, and the workers.
 * https://kind.sigs.k8s.io/docs/user/configuration/
 */
export function kindConfig({ workers = 0, nodeImage, portMappings = [], configPatch }: KindConfigArgs): string {
  const image = nodeImage === undefined ? {} : { image: nodeImage };
  const extraPortMappings = portMappings.map((mapping) => ({
    listenAddress: "0.0.0.0",
    protocol: "TCP",
    ...mapping,
  }));
  return stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    containerdConfigPatchesJSON6902: [JSON.stringify(containerdConfigPatch)],
    nodes: [
      { role: "control-plane", ...image, ...(extraPortMappings.length > 0 && { extraPortMappings }) },
      ...Array.from({ length: workers }, () => ({ role: "worker", ...image })),
    ],
    ...configPatch,
  });
}
