import { existsSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { docker, engineObjects } from "./checkout.ts";

const ofTheseTests = /^koa-blog-([a-z]+-)?e2e($|[-_])/;

/** One file for each incomplete cluster of the stack koa-blog/dev. */
const incompleteClusters = join(homedir(), ".pulumi/kind-cluster/koa-blog/dev");

/** Mocha's root hooks. They remove and name what a killed test run left. */
export const mochaHooks = {
  beforeAll() {
    const remove = (names: string[], command: (name: string) => unknown) => {
      for (const name of names.filter((name) => ofTheseTests.test(name))) {
        console.log(`  Removing what an earlier run left: ${name}`);
        command(name);
      }
    };
    const { containers, networks, volumes } = engineObjects();
    remove(containers, (name) => docker("rm", "--force", "--volumes", name));
    remove(networks, (name) => docker("network", "rm", name));
    remove(volumes, (name) => docker("volume", "rm", name));
    const files = existsSync(incompleteClusters) ? readdirSync(incompleteClusters) : [];
    remove(files, (name) => {
      rmSync(join(incompleteClusters, name));
    });
  },
};
