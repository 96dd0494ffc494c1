/** Errors that waiting or a new connection can fix. https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html */
const unavailable = new Set([
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
  "ER_BAD_DB_ERROR",
  "ER_CON_COUNT_ERROR",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_NORMAL_SHUTDOWN",
  "ER_QUERY_INTERRUPTED",
  "ER_SERVER_SHUTDOWN",
  "ER_TOO_MANY_USER_CONNECTIONS",
  "ER_USER_LIMIT_REACHED",
  "ER_CLIENT_INTERACTION_TIMEOUT",
  // overloaded
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  // a full disk
  "ER_DISK_FULL",
  "ER_RECORD_FILE_FULL",
  // a server that became read-only or went offline, such as after a failover
  ...["ER_OPTION_PREVENTS_STATEMENT", "ER_READ_ONLY_MODE", "ER_SERVER_OFFLINE_MODE"],
]);

/**
 * The code of a temporary database error, from MySQL or the operating system, or `DB_TIMEOUT`. Undefined for an error
 * that waiting cannot fix.
 */
export function unavailableCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "KnexTimeoutError") return "DB_TIMEOUT";
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return unavailable.has(code) ? code : undefined;
  // mysql2 gives no code to a query on a closed connection.
  return error.message.endsWith("connection is in closed state") ? "PROTOCOL_CONNECTION_LOST" : undefined;
}

const lockErrors = new Set(["ER_LOCK_DEADLOCK", "ER_LOCK_WAIT_TIMEOUT"]);

/** Whether the server, not the statement, is the cause. A new connection may reach another server. */
export function isServerError(error: unknown): boolean {
  const code = unavailableCode(error);
  return code !== undefined && !lockErrors.has(code);
}

export function isDuplicate(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ER_DUP_ENTRY";
}
