import Mysql2Client from "knex/lib/dialects/mysql2/index.js";
import type { Connection, Query } from "knex/lib/dialects/mysql2/index.js";

const session = "SET time_zone = '+00:00', innodb_lock_wait_timeout = 1, lock_wait_timeout = 1";

/**
 * Knex's MySQL client with a limit to each query, and with sessions in UTC.
 *
 * Knex's own `.timeout()` must be repeated on each query and leaves the socket open, so that with MySQL unreachable
 * connections pile up until TCP gives them up, a quarter of an hour later. Here the socket is closed, the query fails
 * with PROTOCOL_CONNECTION_LOST, and the pool opens a new connection for the next one.
 *
 * @param timeout in milliseconds, more than the second that a statement waits for a lock: which leaves the connection open,
 * and MySQL knowing that the statement has failed
 */
export function boundedMysqlClient(timeout: number) {
  return class BoundedMysqlClient extends Mysql2Client {
    override async acquireRawConnection(): Promise<Connection> {
      const connection = await super.acquireRawConnection();
      try {
        await this._query(connection, { sql: session });
      } catch (error) {
        connection.destroy();
        throw error;
      }
      return connection;
    }

    override async _query(connection: Connection, query: Query): Promise<unknown> {
      const timer = setTimeout(() => connection.stream.destroy(), timeout);
      try {
        return await super._query(connection, query);
      } finally {
        clearTimeout(timer);
      }
    }
  };
}
