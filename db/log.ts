import pino from "pino";
import type { DestinationStream, Logger } from "pino";

/**
 * A logger that writes JSON lines, with the level as a word and the time in ISO 8601.
 *
 * @param destination defaults to standard output, in batches: 4 KiB, or what a tenth of a second has brought, written without
 * holding up anything else. The last one is written when the process ends, unless it is killed.
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 100 }),
): Logger {
  const options: pino.LoggerOptions = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: serializeError },
    // Nothing logs these on purpose; this is the second line of defence.
    redact: ["password", "cookie", "authorization", "headers", "body", "*.password", "*.cookie", "*.authorization"],
  };
  return pino(options, destination);
}

/** Only these fields: MySQL's errors also carry the SQL with every value in it. */
function serializeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name: type, message, stack, code } = error as NodeJS.ErrnoException;
  return { type, code, message, stack };
}
