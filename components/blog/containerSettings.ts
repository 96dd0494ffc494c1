/** The container of the blog's image. A test compares these values with `service/Dockerfile` and `compose.yaml`. */
export const blogContainer = {
  port: 5000,
  metricsPort: 9464,
  /** The user `node` of the base image. */
  user: 1000,
  /** Seconds until SIGKILL. The blog gives requests in flight 25 seconds (SHUTDOWN_GRACE). */
  stopSeconds: 30,
  memoryMebibytes: 384,
};

/** The container of MySQL's image, with `db/start-mysql.sh` as its command. */
export const mysqlContainer = {
  port: 3306,
  /** The user `mysql` of the official image. */
  user: 999,
  /** Seconds for the first initialization or a recovery, which take many minutes on a slow disk. */
  startSeconds: 1800,
  /** Seconds until SIGKILL. InnoDB flushes its buffer pool. */
  stopSeconds: 60,
  memoryMebibytes: 1024,
  dataFolder: "/var/lib/mysql",
  /** The start script writes SQL with passwords here, so the folder is in memory. */
  initFolder: "/docker-entrypoint-initdb.d",
};
