import { loadConfig } from "./config.ts";
import { deployToContainers } from "./targets/containers.ts";
import { deployToExisting } from "./targets/existing.ts";
import { deployToKind } from "./targets/kind.ts";

const targets = { kind: deployToKind, containers: deployToContainers, existing: deployToExisting };

const config = loadConfig();

/** The stack's outputs: those of its target. */
export default targets[config.target](config);
