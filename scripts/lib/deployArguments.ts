import { parseArgs } from "node:util";

import { expectationOf } from "../../config.ts";

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
  values: Record<string, string>;
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

/** The settings that flags stand for. */
const settings = { network: "network", mysql: "mysqlImage", blog: "blogImage", port: "hostPort" } as const;
type Flag = keyof typeof settings;

/** @throws UsageError that names every missing or wrong flag, and never repeats a password */
export function parseDeployArguments(args: string[]): DeployArguments {
  const { values } = parse(args);
  const flags = Object.keys(settings) as Flag[];
  const problems = [
    ...flags.flatMap((flag) => problemOf(flag, values[flag])),
    ...(values.volumes && !values.prune ? ["--volumes goes with --prune"] : []),
  ];
  if (problems.length > 0) throw new UsageError(problems);
  const { password, prune, volumes } = values;
  const given = flags.map((flag) => [settings[flag], values[flag] ?? ""] as const);
  return { prune, volumes, password, values: Object.fromEntries(given) };
}

function problemOf(flag: Flag, value: string | undefined): string[] {
  if (!value) return [`--${flag} is missing`];
  const expected = expectationOf(settings[flag], value);
  return expected === undefined ? [] : [`--${flag} ${value}: expected ${expected}`];
}

/**
 * Checks MySQL's root password.
 *
 * @throws UsageError that does not repeat it
 */
export function checkRootPassword(password: string | undefined): asserts password is string {
  if (!password) throw new UsageError(["--password is missing"]);
  const expected = expectationOf("mysqlRootPassword", password);
  if (expected !== undefined) throw new UsageError([`The root password is not usable: expected ${expected}`]);
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
