// The process with which the blog's container begins: `node service/supervisor.ts`. It starts server.ts, and starts it again
// if it dies. Whenever there is no server it holds the port, so that readers wait for a second instead of being refused.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { createLogger } from "../db/log.ts";
import { readConfig } from "./config.ts";

/**
 * A server that dies before it has been up for so many milliseconds takes the supervisor with it: whatever runs the container
 * starts it again too, but shows that it has to, and waits longer each time.
 */
const STEADY_MS = 10_000;

const config = readConfig();
const log = createLogger(config.LOG_LEVEL);
let port = config.PORT;
let server: ChildProcess;
let stopping = false;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    stopping = true;
    server.kill(signal);
  });
}
startServer();

function startServer(): void {
  const waiting: Socket[] = [];
  const listener = createServer({ pauseOnConnect: true }, (socket) => waiting.push(socket));
  listener.on("error", (err) => {
    log.fatal({ err, code: "LISTEN" }, "cannot listen");
    process.exit(1);
  });
  // A port that was chosen by the system stays the same.
  listener.listen(port, () => ({ port } = listener.address() as AddressInfo));

  // Detached: a terminal's Ctrl-C would reach it twice.
  server = fork(new URL("server.ts", import.meta.url), ["supervised"], { detached: true });
  let readyAt = Infinity;
  server.once("message", () => {
    readyAt = Date.now();
    server.send("listener", listener, () => {
      listener.close();
      for (const socket of waiting) server.send("connection", socket);
    });
  });
  server.once("exit", (exitCode, signal) => {
    if (stopping || Date.now() - readyAt < STEADY_MS) process.exit(exitCode ?? 1);
    log.fatal({ code: "SERVER_DIED", exitCode, signal }, "starting the server again");
    startServer();
  });
}
