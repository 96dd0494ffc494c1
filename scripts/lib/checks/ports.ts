import { once } from "node:events";
import { connect, createServer } from "node:net";

import type { KindSettings } from "../../../settings.ts";
import { dockerLines } from "../kindCluster.ts";
import { type Finding, ok, problem } from "./finding.ts";

/**
 * Checks that the published ports are free, or held by containers of the stack.
 *
 * @param clusters - names of the stack's clusters: the present one, and the one of the settings
 */
export async function checkPorts(config: KindSettings, clusters: string[]): Promise<Finding[]> {
  const ports = [
    ["hostPort", config.hostPort, config.listenAddress, "control-plane"],
    ["kibanaPort", config.kibanaPort, "127.0.0.1", "control-plane"],
    ["registryPort", config.registryPort, "127.0.0.1", "registry"],
  ] as const;
  return Promise.all(
    ports.map(([key, port, address, suffix]) => {
      const own = clusters.map((name) => `${name}-${suffix}`);
      return checkPort(key, port, address, own);
    }),
  );
}

async function checkPort(key: string, port: number, address: string, own: string[]): Promise<Finding> {
  const holders = dockerLines("ps", "--filter", `publish=${String(port)}`, "--format", "{{.Names}}");
  if (holders.some((name) => own.includes(name))) return ok(`Port ${String(port)} is used by this stack`);
  const busy = holders.length > 0 ? `container ${holders.join(", ")}` : await portError(port, address);
  return busy
    ? problem(
        `Port ${String(port)} of ${address} cannot be used (${busy})`,
        `Stop the program that uses it, or choose another port: "npm run pulumi -- config set ${key} PORT"`,
      )
    : ok(`Port ${String(port)} is free`);
}

/**
 * The error code if Docker cannot publish a port, else undefined. An ordinary user may not listen below port 1024, but
 * Docker may. So a refusal only counts if a program answers on the port.
 */
export async function portError(port: number, address: string, listen = listenError): Promise<string | undefined> {
  const code = await listen(port, address);
  if (code === undefined || ["EADDRINUSE", "EADDRNOTAVAIL"].includes(code)) return code;
  return (await answers(port, address)) ? "EADDRINUSE" : undefined;
}

async function answers(port: number, address: string): Promise<boolean> {
  const socket = connect(port, address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The error code of listening on a port, or undefined if that works. */
async function listenError(port: number, address: string): Promise<string | undefined> {
  const server = createServer();
  try {
    await once(server.listen(port, address), "listening");
    await once(server.close(), "close");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}
