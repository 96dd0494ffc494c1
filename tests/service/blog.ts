import { createServer, type Server } from "node:http";

import knex, { type Knex } from "knex";
import type { DestinationStream } from "pino";

import { migrationKnexConfig, serviceKnexConfig } from "../../db/knexConfig.ts";
import { migrate } from "../../db/migrator.ts";
import type { DatabaseVariables } from "../../db/variables.ts";
import { type BlogApp, createApp } from "../../service/app.ts";
import type { Environment } from "../../service/environment.ts";
import { createLogger } from "../../service/log.ts";
import { Client } from "../client.ts";
import { listen } from "../listen.ts";
import { useDatabase } from "./sharedMysql.ts";

export const KEY = "signs-the-cookies-of-the-tests-only";
const log = createLogger("silent");

export function serviceEnvironment(database: DatabaseVariables, overrides: Partial<Environment> = {}): Environment {
  return {
    ...database,
    LOG_LEVEL: "silent",
    PORT: 0,
    METRICS_PORT: 0,
    SESSION_KEYS: [KEY],
    SESSION_COOKIE: "session",
    COOKIE_SECURE: false,
    REGISTRATIONS_PER_HOUR: 1000,
    TRUSTED_PROXIES: 0,
    SHUTDOWN_GRACE: 5,
    ...overrides,
  };
}

/** The environment of a process that uses the database. */
export function variables(config: DatabaseVariables): Record<string, string> {
  const strings = Object.entries(config).map(([name, value]) => [name, String(value)]);
  return { ...(Object.fromEntries(strings) as Record<string, string>), LOG_LEVEL: "info" };
}

/** A blog on a free port, with its connection pool. */
export interface RunningBlog extends BlogApp {
  db: Knex;
  url: string;
  server: Server;
  /** @param host - the Host header. Defaults to the host of the URL */
  client(host?: string): Client;
  stop(): Promise<void>;
}

export async function startBlog(config: Environment, destination?: DestinationStream): Promise<RunningBlog> {
  const logger = createLogger(config.LOG_LEVEL, destination);
  const db = knex(serviceKnexConfig(config, logger));
  // Otherwise each page would compile its templates again.
  const { NODE_ENV = "" } = process.env;
  process.env.NODE_ENV = "production";
  const blog = createApp(config, db, logger);
  process.env.NODE_ENV = NODE_ENV;
  const handle = blog.app.callback();
  const server = createServer((req, res) => void handle(req, res));
  const url = `http://127.0.0.1:${String(await listen(server))}`;
  return {
    ...blog,
    url,
    db,
    server,
    client: (host) => new Client(url, host),
    async stop() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await db.destroy();
    },
  };
}

export async function migrateDatabase(config: DatabaseVariables): Promise<string[]> {
  const db = knex(migrationKnexConfig(config, log));
  try {
    return await migrate(db, log);
  } finally {
    await db.destroy();
  }
}

/** The rows of Flask's tests/data.sql. */
const flaskUsers = [
  [1, "test", "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f"],
  [2, "other", "pbkdf2:sha256:50000$kJPKsz6N$d2d4784f1b030a9761f5ccaeeaca413f27f2ecb76d6168407af962ddce849f79"],
] as const;
const flaskPost = { id: 1, title: "test title", body: "test\nbody", author_id: 1, created: "2018-01-01 00:00:00" };

interface Suite {
  blog: RunningBlog;
  /** Knex with its own connections, to read the rows. */
  db: Knex;
  database: DatabaseVariables;
  /** A new client for each test, not logged in. */
  client: Client;
  /** Starts another blog with the same database. It stops after the test. */
  startAnother(overrides?: Partial<Environment>, destination?: DestinationStream): Promise<RunningBlog>;
}

/**
 * Starts a blog for the calling suite. Before each test, the database has Flask's test data.
 *
 * @returns an object that is complete during the suite's tests and hooks
 */
export function useBlog(overrides: Partial<Environment> = {}): Suite {
  const database = useDatabase();
  const others: RunningBlog[] = [];
  const suite: Partial<Suite> = {
    async startAnother(more = {}, destination) {
      const other = await startBlog(serviceEnvironment(database(), more), destination);
      others.push(other);
      return other;
    },
  };

  before("start the blog", async function () {
    this.timeout(60_000);
    suite.database = database();
    await migrateDatabase(suite.database);
    suite.db = knex(serviceKnexConfig(suite.database, log, 60_000));
    suite.blog = await startBlog(serviceEnvironment(suite.database, overrides));
  });

  beforeEach("insert Flask's test data", async () => {
    if (suite.db === undefined) return;
    for (const table of ["rate_limit", "session", "post", "user"]) await suite.db(table).delete();
    await suite.db("user").insert(flaskUsers.map(([id, username, password]) => ({ id, username, password })));
    await suite.db("post").insert(flaskPost);
    if (suite.blog) suite.client = suite.blog.client();
  });

  afterEach("stop the other blogs", async () => {
    for (const other of others.splice(0)) await other.stop();
  });

  after("stop the blog", async () => {
    await suite.blog?.stop();
    await suite.db?.destroy();
  });

  return suite as Suite;
}
