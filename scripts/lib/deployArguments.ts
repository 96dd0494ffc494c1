import { parseArgs } from "node:util";

import { expectationOf } from "../../config.ts";

export const usage = `Usage: npm run deploy -- --network NAME --mysql IMAGE --password ROOT_PASSWORD --blog IMAGE
                        [--port 5000] [--prune [--volumes]]

  --network   Docker network to create, and prefix of the containers and the volume: NAME-blog, NAME-mysql …
  --mysql     MySQL image, such as mysql:9.7.2
  --password  root password of MySQL, 8 to 256 characters. Other users can read it in the process list. To hide it,
              omit the flag, and set MYSQL_ROOT_PASSWORD or write the password to standard input
  --blog      name of the blog image to build, such as koa-blog or koa-blog:1.0
  --port      port of this machine for the blog, 1 to 65535. Defaults to 5000
  --prune     first remove everything that an earlier run created, except the data
  --volumes   with --prune: remove the data too`;

function usageError(...problems: string[]): Error {
  return new Error(`${problems.join("\n")}\n\n${usage}`);
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

/** The setting that each flag sets. */
const settings = { network: "network", mysql: "mysqlImage", blog: "blogImage", port: "hostPort" } as const;
type Flag = keyof typeof settings;

/** Parses the flags. @throws Error that names every missing or wrong flag, and never contains a password */
export function parseDeployArguments(args: string[]) {
  const given = parse(args);
  const flags = Object.keys(settings) as Flag[];
  const problems = [
    ...flags.flatMap((flag) => problemOf(flag, given[flag])),
    ...(given.volumes && !given.prune ? ["--volumes needs --prune"] : []),
  ];
  if (problems.length > 0) throw usageError(...problems);
  const { password, prune, volumes } = given;
  const values = Object.fromEntries(flags.map((flag) => [settings[flag], given[flag] ?? ""]));
  return { prune, volumes, password, values };
}

function problemOf(flag: Flag, value: string | undefined): string[] {
  if (!value) return [`--${flag} is missing`];
  const expected = expectationOf(settings[flag], value);
  return expected === undefined ? [] : [`--${flag} ${value}: expected ${expected}`];
}

/** Checks MySQL's root password. @throws Error without the password in it */
export function checkRootPassword(password: string | undefined): asserts password is string {
  if (!password) throw usageError("--password is missing");
  const expected = expectationOf("mysqlRootPassword", password);
  if (expected !== undefined) throw usageError(`The root password is not usable: expected ${expected}`);
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    // A stray argument may be a password, and only this message of Node.js repeats the argument.
    const isStray = (error as NodeJS.ErrnoException).code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL";
    const message = (error as Error).message.split(". ")[0] ?? "";
    throw usageError(isStray ? "One argument belongs to no flag" : message);
  }
}
