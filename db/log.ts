import pino, { type DestinationStream, type Logger } from "pino";

/**
 * A logger that writes JSON lines with the field names of the Elastic Common Schema. Fluentd keeps the field names of
 * lines with `ecs.version`.
 *
 * @param destination defaults to standard output. Lines are then written in batches of 4 KiB, at the latest after
 * 0.1 s. The last batch is lost if the process is killed with SIGKILL.
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 100 }),
): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { "ecs.version": "8.17.0" },
    messageKey: "message",
    errorKey: "error",
    timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ log: { level: label } }) },
    serializers: {
      error: (error: unknown) => (error instanceof Error ? errorFields(error) : error),
      // Pino's default serializer for `err` would log MySQL's SQL with its values.
      err: (error: unknown) => errorFields(error),
    },
    // No code logs these fields. The redaction covers mistakes.
    redact: ["password", "cookie", "authorization", "headers", "body", "*.password", "*.cookie", "*.authorization"],
  };
  return pino(options, destination);
}

/**
 * The fields of an error that may be logged. MySQL's errors also have the SQL with every value. `code` defaults to the
 * error's own. https://www.elastic.co/guide/en/ecs/8.17/ecs-error.html
 */
export function errorFields(error: unknown, code?: string) {
  if (!(error instanceof Error)) return { message: String(error), ...(code !== undefined && { code }) };
  const { name: type, message, stack: stack_trace, code: ownCode } = error as NodeJS.ErrnoException;
  return { type, code: code ?? ownCode, message, stack_trace };
}
