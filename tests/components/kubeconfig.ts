import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { temporaryFolder } from "../temporaryFolder.ts";

/** A kubeconfig with the contexts `team` and `elsewhere`. The current context is `elsewhere`. */
function writeKubeconfig(): string {
  const path = join(temporaryFolder(), "kubeconfig");
  const cluster = (name: string) => ({ name, cluster: { server: `https://${name}.example.com:6443` } });
  const context = (name: string) => ({ name, context: { cluster: name, user: name } });
  writeFileSync(
    path,
    stringify({
      clusters: [cluster("team"), cluster("elsewhere")],
      contexts: [context("team"), context("elsewhere")],
      "current-context": "elsewhere",
    }),
  );
  return path;
}

const kubeconfig = writeKubeconfig();

/** Settings of a stack in an existing cluster, with a registry that needs a password. */
export function existingConfig() {
  return {
    config: {
      target: "existing",
      kubeconfig,
      kubeContext: "team",
      blogImage: "registry.example.com:5000/team/koa-blog",
      registryUser: "me",
      logging: "false",
    },
    secrets: { registryPassword: "the registry's password" },
  };
}
