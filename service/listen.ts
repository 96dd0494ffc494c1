import type { Server } from "node:http";
import type { Server as Listener, Socket } from "node:net";

/** Listens on a port of all addresses; 0 chooses a free one. */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, resolve);
  });
}

/** Takes over the port that supervisor.ts holds, and the connections that waited there. Does not outlive it. */
export function takeOver(server: Server): Promise<void> {
  return new Promise((resolve) => {
    process.on("message", (what, handle: Listener | Socket) => {
      if (what === "listener") server.listen(handle, resolve);
      else server.emit("connection", handle);
    });
    process.once("disconnect", () => process.exit(1));
    process.send?.("ready");
  });
}
