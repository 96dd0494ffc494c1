import { readFileSync } from "node:fs";

import type { z } from "zod";

/**
 * Reads the variables of a schema. A variable `X` may also be the content of the file `X_FILE`, without a trailing
 * newline. An empty variable counts as missing.
 *
 * @param schema each field's description is the expected value, such as "a whole number from 1 to 65535"
 * @throws Error that lists every wrong or missing variable with its remedy, but no value, which could be a secret
 */
export function parseEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: NodeJS.ProcessEnv,
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
  throw new Error(["The environment is incomplete or wrong:", ...problems.values()].join("\n  "));
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

function readVariable(name: string, environment: NodeJS.ProcessEnv): string {
  const file = environment[`${name}_FILE`] ?? "";
  const value = environment[name] ?? "";
  if (file === "") return value;
  if (value !== "") throw new Error(`${name} and ${name}_FILE are both set. Remove one of them.`);
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    throw new Error(`${name}_FILE cannot be read (${code}). Set it to the path of a readable file.`, { cause: error });
  }
}

function describeProblem(schema: z.ZodObject, name: string, isSet: boolean): string {
  const field = schema.shape[name] as z.ZodType;
  const expected = field.description ?? "a valid value";
  if (!isSet) return `${name} is missing. Set it to ${expected}, or ${name}_FILE to a file with the value.`;
  const hasDefault = field.safeParse(undefined).success;
  return `${name} is not valid. Set it to ${expected}${hasDefault ? ", or remove it to use the default" : ""}.`;
}
