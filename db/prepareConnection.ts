import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";

/**
 * Every connection sets these, because a server's defaults may differ. Another time zone would shift restored times.
 * `NO_BACKSLASH_ESCAPES` would break the driver's escaping.
 */
const connectionSettings = [
  "NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci",
  "time_zone = '+00:00'",
  // MySQL's defaults since 8.0.11.
  `sql_mode = '${[
    "ONLY_FULL_GROUP_BY",
    "STRICT_TRANS_TABLES",
    "NO_ZERO_IN_DATE",
    "NO_ZERO_DATE",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ENGINE_SUBSTITUTION",
  ].join(",")}'`,
  "autocommit = 1",
  "foreign_key_checks = 1",
  "transaction_isolation = 'REPEATABLE-READ'",
];

interface Connection {
  query(sql: string, done: (error: Error | null) => void): EventEmitter;
  stream: Duplex;
  destroy(): void;
}

/**
 * The `afterCreate` of a pool. It sets the session variables and limits the time of queries.
 *
 * @param settings more session variables. Defaults to none
 * @param limit milliseconds that a query may take. Defaults to no limit
 */
export function prepareConnection(settings: string[] = [], limit?: number) {
  return (connection: Connection, done: (error: Error | null) => void): void => {
    if (limit !== undefined) limitQueries(connection, limit);
    connection.query(`SET ${[...connectionSettings, ...settings].join(", ")}`, (error) => {
      // Knex does not close a connection whose `afterCreate` fails.
      if (error) connection.destroy();
      done(error);
    });
  };
}

/**
 * Closes the socket of a query without an answer. The query fails with PROTOCOL_CONNECTION_LOST. The pool then opens a
 * new connection.
 *
 * Knex's `.timeout()` must be repeated on each query and leaves the socket open. TCP would keep such sockets for 15
 * minutes while MySQL is unreachable.
 */
function limitQueries(connection: Connection, limit: number): void {
  const query = connection.query.bind(connection);
  connection.query = (...args) => {
    const command = query(...args);
    const timer = setTimeout(() => connection.stream.destroy(), limit).unref();
    return command.once("end", () => {
      clearTimeout(timer);
    });
  };
}
