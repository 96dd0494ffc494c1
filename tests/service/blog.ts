import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import knex from "knex";
import type { Knex } from "knex";
import type { DestinationStream } from "pino";
import { serviceKnexConfig } from "../../db/config.ts";
import type { DatabaseConfig } from "../../db/config.ts";
import { createLogger } from "../../db/log.ts";
import { migrate } from "../../db/migrator.ts";
import { migrationKnexConfig } from "../../db/config.ts";
import { createApp } from "../../service/app.ts";
import type { Blog } from "../../service/app.ts";
import type { Config } from "../../service/config.ts";
import { Client } from "./client.ts";
import { useDatabase } from "./shared-mysql.ts";

export const KEY = "signs-the-cookies-of-the-tests-only";
const log = createLogger("silent");

export function serviceConfig(database: DatabaseConfig, overrides: Partial<Config> = {}): Config {
  return {
    ...database,
    PORT: 0,
    METRICS_PORT: 0,
    SESSION_KEYS: [KEY],
    COOKIE_SECURE: false,
    REGISTRATIONS_PER_HOUR: 1000,
    TRUSTED_PROXIES: 0,
    SHUTDOWN_GRACE: 5,
    ...overrides,
  };
}

/** The environment of a process that uses the database. */
export function variables(config: DatabaseConfig): Record<string, string> {
  const strings = Object.entries(config).map(([name, value]) => [name, String(value)]);
  return { ...(Object.fromEntries(strings) as Record<string, string>), LOG_LEVEL: "info" };
}

/** A blog that listens on a free port, with the connection pool that it uses. */
export interface RunningBlog extends Blog {
  url: string;
  db: Knex;
  server: Server;
  client(): Client;
  stop(): Promise<void>;
}

export async function startBlog(config: Config, destination?: DestinationStream): Promise<RunningBlog> {
  const logger = createLogger(config.LOG_LEVEL, destination);
  const db = knex(serviceKnexConfig(config, logger));
  const blog = createApp(config, db, logger);
  const handle = blog.app.callback();
  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    ...blog,
    url,
    db,
    server,
    client: () => new Client(url),
    async stop() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await db.destroy();
    },
  };
}

export async function migrateDatabase(config: DatabaseConfig): Promise<string[]> {
  const db = knex(migrationKnexConfig(config, log));
  try {
    return await migrate(db, log);
  } finally {
    await db.destroy();
  }
}

/** The rows of Flask's tests/data.sql. */
async function insertFlaskData(db: Knex): Promise<void> {
  await db("user").insert([
    {
      id: 1,
      username: "test",
      password: "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f",
    },
    {
      id: 2,
      username: "other",
      password: "pbkdf2:sha256:50000$kJPKsz6N$d2d4784f1b030a9761f5ccaeeaca413f27f2ecb76d6168407af962ddce849f79",
    },
  ]);
  await db("post").insert({
    id: 1,
    title: "test title",
    body: "test\nbody",
    author_id: 1,
    created: "2018-01-01 00:00:00",
  });
}

interface Suite {
  readonly blog: RunningBlog;
  /** Knex with connections of its own, to look at the rows. */
  readonly db: Knex;
  readonly database: DatabaseConfig;
  /** A fresh one for each test, not logged in. */
  readonly client: Client;
}

/** Gives the suite that calls this a blog on a migrated database, which holds Flask's test data before each test. */
export function useBlog(overrides: Partial<Config> = {}): Suite {
  const database = useDatabase();
  let blog: RunningBlog | undefined;
  let db: Knex | undefined;
  let client: Client | undefined;

  before("start the blog", async function () {
    this.timeout(60_000);
    await migrateDatabase(database());
    db = knex(serviceKnexConfig(database(), log, 60_000));
    blog = await startBlog(serviceConfig(database(), overrides));
  });

  beforeEach("insert Flask's test data", async () => {
    if (db === undefined) return;
    for (const table of ["attempt", "session", "post", "user"]) await db(table).delete();
    await insertFlaskData(db);
    client = blog?.client();
  });

  after("stop the blog", async () => {
    await blog?.stop();
    await db?.destroy();
  });

  return {
    get blog() {
      return present(blog);
    },
    get db() {
      return present(db);
    },
    get client() {
      return present(client);
    },
    get database() {
      return database();
    },
  };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The blog is there only while the suite runs.");
  return value;
}
