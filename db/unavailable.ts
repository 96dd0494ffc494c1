const codes = new Set([
  // no connection
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "PROTOCOL_CONNECTION_LOST",
  // a server that turns us away: starting, stopping, full, or with another password than ours
  "ER_ACCESS_DENIED_ERROR",
  "ER_CON_COUNT_ERROR",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_NORMAL_SHUTDOWN",
  "ER_QUERY_INTERRUPTED",
  "ER_SERVER_SHUTDOWN",
  "ER_TOO_MANY_USER_CONNECTIONS",
  // overloaded
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  // not migrated yet
  "ER_BAD_DB_ERROR",
  "ER_BAD_FIELD_ERROR",
  "ER_NO_SUCH_TABLE",
]);

/**
 * Why the database cannot serve at the moment, as a stable code (MySQL's or the operating system's own, or
 * `DB_TIMEOUT`), or undefined if the error is something else that waiting will not mend.
 */
export function unavailableCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "KnexTimeoutError" || error.name === "TimeoutError") return "DB_TIMEOUT";
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return codes.has(code) ? code : undefined;
  // mysql2 gives this one no code: a query that comes just after the connection has broken.
  return error.message.endsWith("connection is in closed state") ? "PROTOCOL_CONNECTION_LOST" : undefined;
}
