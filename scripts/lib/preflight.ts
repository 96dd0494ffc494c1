import type { Settings } from "../../settings.ts";
import { checkCluster } from "./checks/cluster.ts";
import { checkBuildx, checkCredentialHelpers, checkEndpoint } from "./checks/dockerClient.ts";
import { checkCgroups, checkEngine, dockerInfo } from "./checks/engine.ts";
import { conclude, problem } from "./checks/finding.ts";
import { checkCpu, checkInotify, checkNode, checkTool, readCpuinfo } from "./checks/machine.ts";
import { checkPorts } from "./checks/ports.ts";
import { dockerEndpoint, isOnThisMachine } from "./dockerEndpoint.ts";
import { findCluster } from "./kindCluster.ts";
import { readState, type State } from "./state.ts";
import { kind, pulumi } from "./tools.ts";

/**
 * Checks everything that a run needs.
 *
 * @param options - `mayReplace` allows the loss of posts. `quiet`, the default, prints warnings and problems only.
 * @throws Error if there is a problem
 */
export async function check(config: Settings, options: { mayReplace?: boolean; quiet?: boolean } = {}): Promise<void> {
  const endpoint = dockerEndpoint() ?? "unix:";
  conclude(checkEndpoint(endpoint, config.target), options);
  // Docker answers while the programs are searched.
  const info = dockerInfo();
  const findings = [
    checkNode(process.versions.node),
    ...(config.target === "kind"
      ? [
          checkTool(kind, "it will be downloaded into .state/bin"),
          ...checkInotify(),
          ...checkCpu(readCpuinfo(), config.mysqlImage),
        ]
      : []),
    checkTool(pulumi, "npm's pulumi package will download it into ~/.pulumi"),
    ...checkCredentialHelpers(config),
    // Only the doctor reports on Compose, which `npm run up` does not use.
    ...(options.quiet === false ? [checkBuildx()] : []),
  ];
  const engine = await info;
  if (typeof engine === "string") {
    findings.push(
      problem(`The Docker engine cannot be reached: ${engine}`, "Start Docker, and give your user access to it"),
    );
  } else {
    const state = readState();
    findings.push(
      ...checkEngine(engine, config, { isInstalled: isInstalled(config, state), isRemote: !isOnThisMachine(endpoint) }),
    );
    if (config.target === "kind") {
      const clusters = [config.clusterName, ...(state.kind ? [state.kind.name] : [])];
      findings.push(...checkCgroups(engine, config.nodeImage), ...(await checkPorts(config, clusters)));
    }
    findings.push(...checkCluster(config, state, options.mayReplace));
  }
  conclude(findings, options);
}

/** Whether the stack's own cluster exists with all parts that the settings name. */
function isInstalled({ logging }: Settings, { kind: recorded, namespace, hasLogs }: State): boolean {
  if (!recorded || namespace === undefined || (logging && !hasLogs)) return false;
  return findCluster(recorded.name).token === recorded.token;
}
