// The second container of the blog's pod: `node service/standby.ts`. When the server in the first one dies, it takes the port, and
// readers wait for the next server instead of being refused: the Service sends them here until the kubelet has noticed. As long
// as the server is well, nothing passes through here.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createLogger } from "../db/log.ts";
import { readConfig, standbySchema } from "./config.ts";
import { logCrashes } from "./crash.ts";
import { listen } from "./listen.ts";

/** Who comes when so many wait is refused. */
const MAX_WAITING = 1000;
const INTERVAL_MS = 20;

const { PORT, METRICS_PORT, LOG_LEVEL } = readConfig(standbySchema);
const log = createLogger(LOG_LEVEL);
logCrashes(log);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));

for (;;) {
  const server = await reachable(METRICS_PORT);
  log.info("standing by");
  await death(server);
  const release = await hold();
  log.warn({ code: "SERVER_GONE" }, "readers wait for the next server");
  (await reachable(METRICS_PORT)).destroy();
  log.info({ waiting: await release() }, "the next server is there");
}

/** Waits until the server is there, and returns a connection to one of its ports. */
async function reachable(port: number): Promise<Socket> {
  for (;;) {
    const socket = await reach(port);
    if (socket) return socket;
    await sleep(INTERVAL_MS);
  }
}

/** Waits until the server is dead, whatever it died of: the system closes its connections, and nobody accepts another one. */
async function death(connection: Socket): Promise<void> {
  // The server itself closes a connection that has been idle for long.
  for (let socket: Socket | undefined = connection; socket; socket = await reach(METRICS_PORT)) {
    const open = socket.resume();
    await new Promise((resolve) => open.once("close", resolve));
  }
}

async function reach(port: number): Promise<Socket | undefined> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return socket.on("error", () => undefined);
  } catch {
    return undefined;
  }
}

/** Takes the server's port, and those who come. What it returns gives the server both, and resolves to how many they were. */
async function hold(): Promise<() => Promise<number>> {
  const waiting: Socket[] = [];
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    waiting.push(socket.on("error", () => undefined));
  });
  listener.maxConnections = MAX_WAITING;
  await listen(listener, PORT);

  return async () => {
    listener.close();
    (await reachable(PORT)).destroy();
    for (const socket of waiting) {
      pipeline(socket, connect({ port: PORT, host: "127.0.0.1", allowHalfOpen: true }), socket, () => undefined);
    }
    return waiting.length;
  };
}
