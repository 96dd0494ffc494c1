import type { Logger } from "pino";

/** Logs what nobody has caught, and ends the process: what state it is in nobody knows. */
export function logCrashes(log: Logger): void {
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (err: unknown) => {
      log.fatal({ err, code: "CRASH" }, event);
      process.exit(1);
    });
  }
}
