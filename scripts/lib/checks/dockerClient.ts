import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import type { Settings } from "../../../settings.ts";
import { isOnThisMachine } from "../dockerEndpoint.ts";
import { isAtLeast } from "../tools.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** A problem if the engine is on another machine, or if Pulumi's Docker provider would use another engine. */
export function checkEndpoint(endpoint: string, target: Settings["target"], environment = process.env): Finding[] {
  if (target === "kind" && !isOnThisMachine(endpoint)) {
    return [
      problem(
        `The Docker engine ${endpoint} is on another machine, where the cluster's ports would open`,
        "Use an engine of this machine: unset DOCKER_HOST, or docker context use default",
      ),
    ];
  }
  if (endpoint.startsWith("tcp:") && !environment.DOCKER_HOST) {
    return [
      problem(
        `Pulumi's Docker provider cannot use the TLS files of the Docker context for ${endpoint}`,
        `Set DOCKER_HOST=${endpoint}, and for TLS also DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH`,
      ),
    ];
  }
  return [];
}

/**
 * A problem if Docker's settings name a program for passwords that this machine lacks. Without the one of `credsStore`,
 * Pulumi's Docker provider fails. The ones of `credHelpers` matter for registries that the settings name.
 */
export function checkCredentialHelpers(config: Settings, environment = process.env): Finding[] {
  const { DOCKER_CONFIG = join(homedir(), ".docker"), PATH = "" } = environment;
  const file = join(DOCKER_CONFIG, "config.json");
  if (!existsSync(file)) return [];
  let docker: { credsStore?: string; credHelpers?: Record<string, string> };
  try {
    docker = JSON.parse(readFileSync(file, "utf8")) as typeof docker;
  } catch (error) {
    return [problem(`${file} cannot be read (${(error as Error).message})`, "Correct it, or remove the file")];
  }
  const isMissing = (helper: string) =>
    !PATH.split(delimiter).some((folder) => existsSync(join(folder, `docker-credential-${helper}`)));
  const isUsed = (registry: string) =>
    registry.includes("docker.io") ||
    Object.values(config).some((value) => typeof value === "string" && value.startsWith(registry));
  const helpers = Object.entries(docker.credHelpers ?? {}).filter(([registry]) => isUsed(registry));
  return [...(docker.credsStore ? [["credsStore", docker.credsStore] as const] : []), ...helpers]
    .filter(([, helper]) => isMissing(helper))
    .map(([key, helper]) =>
      problem(
        `${file} names docker-credential-${helper} for ${key}, but it is not on PATH`,
        "Install it, or remove that line from the file. An uninstalled Docker Desktop leaves such a line",
      ),
    );
}

/** A warning if Docker Compose cannot build. Only Compose needs buildx: https://github.com/docker/compose/pull/13295 */
export function checkBuildx(): Finding {
  const { status, stdout } = spawnSync("docker", ["buildx", "version"], { encoding: "utf8" });
  const version = status === 0 ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined;
  if (version && isAtLeast(version, "0.17.0")) return ok(`buildx ${version}`);
  return warning(
    version ? `buildx ${version} is older than 0.17` : "docker has no buildx",
    '"docker compose up --build" may need it, see docs/troubleshooting.md. "npm run up" does not',
  );
}
