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
  // a server that starts, stops, has no free connection, or has another password
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
 * The code of a temporary database error, from MySQL or the operating system, or `DB_TIMEOUT`. Undefined for an error
 * that waiting cannot fix.
 */
export function unavailableCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "KnexTimeoutError" || error.name === "TimeoutError") return "DB_TIMEOUT";
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return codes.has(code) ? code : undefined;
  // mysql2 gives no code to a query on a closed connection.
  return error.message.endsWith("connection is in closed state") ? "PROTOCOL_CONNECTION_LOST" : undefined;
}
