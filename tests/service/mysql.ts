// MySQL in a disposable container, set up by db/start-mysql.sh and db/schema.sql as in the cluster.
import { randomBytes } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { DatabaseVariables } from "../../db/variables.ts";
import { mysqlImage } from "../../scripts/lib/mysqlServer.ts";
import { temporaryFolder } from "../temporaryFolder.ts";
import { docker, dockerWithInput } from "./docker.ts";

const LABEL = "koa-blog.test";
const db = fileURLToPath(new URL("../../db", import.meta.url));

export interface MysqlOptions {
  database?: string;
  user?: string;
  password?: string;
  rootPassword?: string;
  /** Docker arguments for the data directory. Defaults to a tmpfs, which is empty after a restart. */
  data?: string[];
  /** More Docker arguments. */
  run?: string[];
  /** Arguments of mysqld. */
  mysqld?: string[];
}

export interface Mysql {
  container: string;
  port: number;
  /** Connection settings of the service. */
  config: DatabaseVariables;
  /** Runs SQL as root and returns the client's output. */
  root(sql: string): Promise<string>;
  remove(): Promise<void>;
}

/** Starts MySQL in a container, without waiting for it to be ready. */
export async function startMysql(options: MysqlOptions = {}): Promise<Mysql> {
  const {
    database = "koa_blog",
    user = "koa_blog",
    password = randomBytes(16).toString("hex"),
    rootPassword = randomBytes(16).toString("hex"),
    data = ["--tmpfs", "/var/lib/mysql:uid=999,mode=700"],
    run = [],
    mysqld = [],
  } = options;

  const secrets = temporaryFolder();
  // The container's user must read the files, and is another one.
  await chmod(secrets, 0o755);
  await writeFile(join(secrets, "password"), `${password}\n`);
  await writeFile(join(secrets, "root-password"), `${rootPassword}\n`);
  const container = await docker(
    ...["run", "--detach", "--label", LABEL, "--user", "999:999", "--publish", "127.0.0.1::3306", ...data, ...run],
    ...["--tmpfs", "/docker-entrypoint-initdb.d:uid=999,mode=700"],
    ...["--volume", `${db}:/koa-blog:ro`, "--volume", `${secrets}:/secrets:ro`],
    ...["--env", `MYSQL_DATABASE=${database}`, "--env", `MYSQL_USER=${user}`],
    ...["--env", "MYSQL_PASSWORD_FILE=/secrets/password", "--env", "MYSQL_ROOT_PASSWORD_FILE=/secrets/root-password"],
    ...["--entrypoint", "bash", mysqlImage, "/koa-blog/start-mysql.sh", ...mysqld],
  );
  const remove = async () => {
    await docker("rm", "--force", "--volumes", container);
  };
  try {
    // A stopped container has no port. untilReady then reports its log.
    const binding = await docker("port", container, "3306/tcp").catch(() => "0");
    const port = Number(binding.split(":").at(-1));
    return {
      container,
      port,
      config: {
        MYSQL_HOST: "127.0.0.1",
        MYSQL_PORT: port,
        MYSQL_DATABASE: database,
        MYSQL_USER: user,
        MYSQL_PASSWORD: password,
      },
      root: (sql) =>
        dockerWithInput(
          ...[sql, "exec", "--interactive", "--env", `MYSQL_PWD=${rootPassword}`, container],
          ...["mysql", "--user=root", "--default-character-set=utf8mb4", "--skip-column-names", "--raw"],
        ),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Waits until MySQL is set up and accepts network connections. */
export async function untilReady(mysql: Mysql, patience = 120_000): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    const log = await docker("logs", mysql.container);
    // A connection test would succeed too early, because Docker's proxy accepts connections before MySQL.
    const starts = log.lastIndexOf("MySQL Server - start.");
    if (starts >= 0 && /ready for connections.*port: 3306/.test(log.slice(starts))) return;
    const isRunning = (await docker("inspect", "--format", "{{.State.Running}}", mysql.container)) === "true";
    if (!isRunning || Date.now() > deadline) throw new Error(`MySQL did not become ready:\n${log}`);
    await sleep(250);
  }
}
