import { ecsFormat } from "@elastic/ecs-pino-format";
import pino, { type DestinationStream, type Logger } from "pino";

/**
 * A logger that writes JSON lines with the field names of the Elastic Common Schema.
 *
 * @param destination defaults to standard output
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: false }),
): Logger {
  return pino({ ...ecsFormat({ apmIntegration: false }), level, base: {} }, destination);
}

/**
 * The fields of an error that may be logged. MySQL's errors also have the SQL with every value. `code` defaults to the
 * error's own. https://www.elastic.co/docs/reference/ecs/ecs-error
 */
export function errorFields(error: unknown, code?: string) {
  if (!(error instanceof Error)) return { message: String(error), ...(code !== undefined && { code }) };
  const { name: type, message, stack: stack_trace, code: ownCode } = error as NodeJS.ErrnoException;
  return { type, code: code ?? ownCode, message, stack_trace };
}
