import { parseArgs } from "node:util";

export const usage = `Usage: npm run deploy -- --network NAME --mysql IMAGE --password ROOT_PASSWORD --blog IMAGE
                        [--port 5000] [--prune [--volumes]]

  --network   name of the Docker network to make; containers and volume are called NAME-blog, NAME-mysql …
  --mysql     image of MySQL to build the database's image on, such as mysql:9.7.2
  --password  MySQL's root password, 8 to 256 characters. Others can see it in the process list while this runs;
              leave the flag out and set MYSQL_ROOT_PASSWORD, or write the password to standard input
  --blog      name of the blog's image to build from this folder, such as koa-blog or koa-blog:1.0
  --port      port of this machine on which the blog answers, 1 to 65535; 5000 if left out
  --prune     first remove everything that an earlier run made, but for the data
  --volumes   with --prune: the data too`;

/** The command line is not as expected. */
export class UsageError extends Error {
  constructor(problems: string[]) {
    super(`${problems.join("\n")}\n\n${usage}`);
  }
}

export interface DeployArguments {
  prune: boolean;
  volumes: boolean;
  /** The flag's value, if it was given. */
  password: string | undefined;
  /** Settings of the stack. */
  values: Record<string, string | number>;
}

const options = {
  network: { type: "string" },
  mysql: { type: "string" },
  password: { type: "string" },
  blog: { type: "string" },
  port: { type: "string", default: "5000" },
  prune: { type: "boolean", default: false },
  volumes: { type: "boolean", default: false },
} as const;

/** @throws UsageError that names every missing or wrong flag, and never repeats a password */
export function parseDeployArguments(args: string[]): DeployArguments {
  const { values } = parse(args);
  const port = Number(values.port);
  const missing = (["network", "mysql", "blog"] as const).filter((name) => !values[name]);
  const problems = [
    ...missing.map((name) => `--${name} ${name === "network" ? "NAME" : "IMAGE"} is missing`),
    ...(/^\d+$/.test(values.port) && port >= 1 && port <= 65535
      ? []
      : [`--port ${values.port} is not a port, 1 to 65535`]),
    ...(values.volumes && !values.prune ? ["--volumes goes with --prune"] : []),
  ];
  if (problems.length > 0) throw new UsageError(problems);
  const { network = "", mysql = "", blog = "", password, prune, volumes } = values;
  return {
    prune,
    volumes,
    password,
    values: { network, mysqlImage: mysql, blogImage: blog, hostPort: port },
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options });
  } catch (error) {
    // Of what was given, Node's message repeats the name of a flag only, or a text that belongs to none.
    const { code } = error as NodeJS.ErrnoException;
    const message = (error as Error).message.split(". ")[0] ?? "";
    throw new UsageError([
      code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL" ? "There is a text that belongs to no flag" : message,
    ]);
  }
}
