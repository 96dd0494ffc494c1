// Knex publishes no types for its dialects. These are the two methods of the MySQL one that db/client.ts extends.
declare module "knex/lib/dialects/mysql2/index.js" {
  import type { Knex } from "knex";
  import type { Duplex } from "node:stream";

  export interface Connection {
    stream: Duplex;
    destroy(): void;
  }

  export interface Query {
    sql: string;
  }

  export default class Mysql2Client extends Knex.Client {
    acquireRawConnection(): Promise<Connection>;
    _query(connection: Connection, query: Query): Promise<unknown>;
  }
}
