import { docker, engineObjects } from "./checkout.ts";

const ofTheseTests = /^koa-blog-([a-z]+-)?e2e($|[-_])/;

/** Mocha's root hooks. They remove and name the objects that a killed test run left in the engine. */
export const mochaHooks = {
  beforeAll() {
    const { containers, networks, volumes } = engineObjects();
    const remove = (names: string[], ...command: string[]) => {
      for (const name of names.filter((name) => ofTheseTests.test(name))) {
        console.log(`  Removing what an earlier run left: ${name}`);
        docker(...command, name);
      }
    };
    remove(containers, "rm", "--force", "--volumes");
    remove(networks, "network", "rm");
    remove(volumes, "volume", "rm");
  },
};
