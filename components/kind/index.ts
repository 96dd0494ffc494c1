export { ClusterImage, type ClusterImageArgs } from "./clusterImage";
export { KindCluster, type KindClusterArgs, type Registry } from "./kindCluster";
export { type PortMapping } from "./kindConfig";
