import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";

import { isServerError } from "./errors.ts";

/** A server's defaults may differ. `NO_BACKSLASH_ESCAPES` in sql_mode would break the driver's escaping. */
const settings = [
  "time_zone = '+00:00'",
  "sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
];

type Done = (error: Error | null, ...results: unknown[]) => void;

interface Connection {
  query(sql: unknown, ...rest: unknown[]): EventEmitter;
  stream: Duplex;
  destroy(): void;
}

/**
 * The `afterCreate` of a pool. It sets the session variables and limits the time of queries.
 *
 * @param more session variables. Defaults to none
 * @param limit milliseconds that a query may take. Defaults to no limit
 */
export function prepareConnection(more: string[] = [], limit?: number) {
  return (connection: Connection, done: Done): void => {
    if (limit !== undefined) limitQueries(connection, limit);
    connection.query(`SET ${[...settings, ...more].join(", ")}`, (error: Error | null) => {
      // Knex does not close a connection whose `afterCreate` fails.
      if (error) connection.destroy();
      done(error, connection);
    });
  };
}

/**
 * Closes the connection after a query without an answer, or with an error of the server. The pool then opens a new
 * connection. The query without an answer fails with PROTOCOL_CONNECTION_LOST.
 *
 * Knex's `.timeout()` must be repeated on each query and leaves the socket open. TCP would keep such sockets for 15
 * minutes while MySQL is unreachable.
 */
function limitQueries(connection: Connection, limit: number): void {
  const query = connection.query.bind(connection);
  connection.query = (sql, ...rest) => {
    const done = rest.at(-1);
    if (typeof done === "function") {
      rest[rest.length - 1] = (error: Error | null, ...results: unknown[]) => {
        if (isServerError(error)) connection.stream.destroy();
        (done as Done)(error, ...results);
      };
    }
    const command = query(sql, ...rest);
    const timer = setTimeout(() => connection.stream.destroy(), limit).unref();
    return command.once("end", () => {
      clearTimeout(timer);
    });
  };
}
