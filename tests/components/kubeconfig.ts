import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { stringify } from "yaml";

/** A kubeconfig with the contexts `team` and `elsewhere`, of which the latter is the current one. */
export function writeKubeconfig(): string {
  const path = join(mkdtempSync(join(tmpdir(), "koa-blog-")), "kubeconfig");
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

/** Settings of a stack in a cluster that exists, which pulls from a registry with a password. */
export function existingConfig() {
  return {
    config: {
      target: "existing",
      kubeconfig: writeKubeconfig(),
      kubeContext: "team",
      blogImage: "registry.example.com:5000/team/koa-blog",
      registryUser: "me",
      logging: "false",
    },
    secrets: { registryPassword: "the registry's password" },
  };
}
