import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The absolute path of the kubeconfig that a setting names; `~/` is the home folder. */
export function kubeconfigPath(path = "~/.kube/config"): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(path);
}
