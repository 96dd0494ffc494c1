import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Absolute path of a kubeconfig. `~/` means the home folder. */
export function kubeconfigPath(path = "~/.kube/config"): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(path);
}
