import { readFileSync } from "node:fs";

import { z } from "zod";

import { databaseVariables } from "../db/variables.ts";

const wholeNumber = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

const commonVariables = {
  ...databaseVariables,
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
};

/** Environment variables of the service. README.md has the table. */
export const serviceVariables = z.object({
  ...commonVariables,
  PORT: wholeNumber(0, 65_535).default(5000),
  METRICS_PORT: wholeNumber(0, 65_535).default(9464),
  /** Comma-separated keys that sign the session cookie. The first one signs, all are accepted. */
  SESSION_KEYS: z
    .string()
    .transform((keys) => keys.split(","))
    .pipe(z.array(z.string().min(32))),
  SESSION_COOKIE: z
    .string()
    .regex(/^[\w-]+$/)
    .default("session"),
  COOKIE_SECURE: z.stringbool().default(false),
  ORIGIN: z.url({ protocol: /^https?$/ }).optional(),
  REGISTRATIONS_PER_HOUR: wholeNumber(0, 999_999).default(100),
  TRUSTED_PROXIES: wholeNumber(0, 9).default(0),
  SHUTDOWN_GRACE: wholeNumber(0, 9999).default(25),
});

export type Environment = z.output<typeof serviceVariables>;

/** Environment variables of the migration. */
export const migrationVariables = z.object({ ...commonVariables, MYSQL_WAIT: wholeNumber(0, 99_999).default(120) });

/**
 * Reads environment variables. A variable `X` may also be the content of the file `X_FILE`, without a trailing newline.
 * An empty variable counts as missing.
 *
 * @throws Error that lists every wrong or missing variable, without values, which could be secrets
 */
export function parseEnvironment<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): z.output<Schema> {
  const names = Object.keys(schema.shape);
  const read = names.map((name) => ({ name, ...readVariable(name, env) }));
  const values = read.filter(({ value = "" }) => value !== "").map(({ name, value }) => [name, value] as const);
  const fileErrors = read.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }]));
  const result = schema.safeParse(Object.fromEntries(values));
  const issues = (result.error?.issues ?? []).filter(({ path }) => !fileErrors.some(({ name }) => name === path[0]));
  if (result.success && fileErrors.length === 0) return result.data;
  throw new Error(
    [
      "Wrong or missing environment variables. See service/README.md.",
      ...fileErrors.map(({ error }) => `✖ ${error}`),
      ...(issues.length > 0 ? [z.prettifyError({ issues })] : []),
    ].join("\n"),
  );
}

function readVariable(name: string, env: NodeJS.ProcessEnv): { value?: string; error?: string } {
  const value = env[name] ?? "";
  const file = env[`${name}_FILE`] ?? "";
  if (file === "") return { value };
  if (value !== "") return { error: `${name} and ${name}_FILE are both set. Remove one of them.` };
  try {
    return { value: readFileSync(file, "utf8").replace(/\r?\n$/, "") };
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    return { error: `${name}_FILE cannot be read (${code}). Set it to the path of a readable file.` };
  }
}

/** The environment of the process. Ends the process with a message if a variable is wrong. */
export function readEnvironment<Schema extends z.ZodObject>(schema: Schema): z.output<Schema> {
  try {
    return parseEnvironment(schema, process.env);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
