import { z } from "zod";

import { databaseVariables, numberVariable, portVariable } from "../db/databaseVariables.ts";

/** Every variable of the service's environment. README.md has the table. */
export const environmentSchema = z.object({
  ...databaseVariables,
  PORT: portVariable(0, 5000),
  METRICS_PORT: portVariable(0, 9464),
  SESSION_KEYS: z
    .string()
    .transform((keys) => keys.split(","))
    .pipe(z.array(z.string().min(32)))
    .describe("comma-separated keys of at least 32 characters each, newest first, such as from openssl rand -hex 32"),
  COOKIE_SECURE: z
    .enum(["true", "false"])
    .transform((value) => value === "true")
    .default(false)
    .describe("true if browsers use https, else false"),
  REGISTRATIONS_PER_HOUR: numberVariable(
    6,
    100,
    "the registrations allowed per client IP address per hour, a whole number",
  ),
  TRUSTED_PROXIES: numberVariable(1, 0, "the number of proxies that append to X-Forwarded-For, 0 to 9"),
  SHUTDOWN_GRACE: numberVariable(4, 25, "the seconds for requests in flight at shutdown, a whole number"),
});

export type Environment = z.output<typeof environmentSchema>;
