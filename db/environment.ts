import { readFileSync } from "node:fs";
import type { z } from "zod";

type Environment = Record<string, string | undefined>;

/** The environment is not as expected. The message lists every wrong or missing variable with its remedy, and no value. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

/**
 * Reads the variables of a schema from the environment. Each variable `X` may also come as `X_FILE`, the path of a file
 * that holds its value (a trailing newline is dropped); an empty variable counts as missing.
 *
 * @param schema one field per variable, each described by what it must be set to: "a whole number from 1 to 65535"
 * @param environment defaults to the process's
 * @throws {EnvironmentError} listing everything that is wrong at once
 */
export function parseEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment = process.env,
): z.output<Schema> {
  const values: Record<string, string> = {};
  const problems = new Map<string, string>();

  for (const name of Object.keys(schema.shape)) {
    try {
      const value = readVariable(name, environment);
      if (value !== "") values[name] = value;
    } catch (error) {
      problems.set(name, (error as Error).message);
    }
  }

  const result = schema.safeParse(values);
  for (const { path } of result.error?.issues ?? []) {
    const name = String(path[0]);
    if (!problems.has(name)) problems.set(name, describeProblem(schema, name, name in values));
  }
  if (result.success && problems.size === 0) return result.data;
  throw new EnvironmentError(["The environment is incomplete or wrong:", ...problems.values()].join("\n  "));
}

function readVariable(name: string, environment: Environment): string {
  const file = environment[`${name}_FILE`] ?? "";
  const value = environment[name] ?? "";
  if (file === "") return value;
  if (value !== "") throw new Error(`${name} and ${name}_FILE are both set: remove one of them`);
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    throw new Error(`${name}_FILE cannot be read (${code}): set it to the path of a readable file`, { cause: error });
  }
}

function describeProblem(schema: z.ZodObject, name: string, isSet: boolean): string {
  const field = schema.shape[name] as z.ZodType;
  const expected = field.description ?? "a valid value";
  if (!isSet) return `${name} is missing: set it to ${expected}, or ${name}_FILE to a file that holds it`;
  const hasDefault = field.safeParse(undefined).success;
  return `${name} is not valid: set it to ${expected}${hasDefault ? ", or remove it to use the default" : ""}`;
}
