import { once } from "node:events";
import type { Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than standby.ts takes to notice that there is a server again. */
const PATIENCE_MS = 2000;
const INTERVAL_MS = 10;

/**
 * Listens on a port of all addresses; 0 chooses a free one. While the port is taken, as by standby.ts for a server that is
 * just starting, it is tried again.
 *
 * @throws the error of the system, if the port stays taken for two seconds or cannot be used at all
 */
export async function listen(server: Server, port: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      server.listen(port);
      await once(server, "listening");
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || Date.now() > deadline) throw error;
      await sleep(INTERVAL_MS);
    }
  }
}
