import { z } from "zod";
import { databaseVariables, portVariable } from "../db/config.ts";
import { EnvironmentError, parseEnvironment } from "../db/environment.ts";

const portVariables = { PORT: portVariable(0, 5000), METRICS_PORT: portVariable(0, 9464) };

/** Every variable of the service's environment; README.md has the table. */
export const configSchema = z.object({
  ...databaseVariables,
  ...portVariables,
  SESSION_KEYS: z
    .string()
    .transform((keys) => keys.split(","))
    .pipe(z.array(z.string().min(32)))
    .describe("comma-separated keys of at least 32 characters each, newest first (openssl rand -hex 32 makes one)"),
  COOKIE_SECURE: z
    .enum(["true", "false"])
    .transform((value) => value === "true")
    .default(false)
    .describe("true where browsers come over https, else false"),
  REGISTRATIONS_PER_HOUR: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .default(100)
    .describe("how many users may be registered from one address in an hour, a whole number"),
  TRUSTED_PROXIES: z
    .string()
    .regex(/^\d$/)
    .transform(Number)
    .default(0)
    .describe("how many proxies in front of the blog add to X-Forwarded-For, 0 to 9"),
  SHUTDOWN_GRACE: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .default(25)
    .describe("how many seconds requests in flight get to finish at shutdown, a whole number"),
});

/** What standby.ts reads of them: no secret. */
export const standbySchema = z.object({ LOG_LEVEL: databaseVariables.LOG_LEVEL, ...portVariables });

export type Config = z.output<typeof configSchema>;

/** The configuration of a process, from the environment. Ends the process with a message if that is wrong. */
export function readConfig<Schema extends z.ZodObject>(schema: Schema): z.output<Schema> {
  try {
    return parseEnvironment(schema);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
