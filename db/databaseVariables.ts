import { z } from "zod";

/** A TCP port as an environment variable. For port 0, the operating system chooses a free one. */
export function portVariable(minimum: 0 | 1, defaultPort: number) {
  return z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .pipe(z.int().min(minimum).max(65_535))
    .default(defaultPort)
    .describe(`a whole number from ${String(minimum)} to 65535`);
}

/** A whole number with at most `digits` digits as an environment variable. */
export function numberVariable(digits: number, defaultNumber: number, description: string) {
  return z
    .string()
    .regex(new RegExp(`^\\d{1,${String(digits)}}$`))
    .transform(Number)
    .default(defaultNumber)
    .describe(description);
}

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** The variables of the service, the migration, the backup and the restore. */
export const databaseVariables = {
  MYSQL_HOST: z.string().describe("MySQL's host name or IP address, such as 127.0.0.1"),
  MYSQL_PORT: portVariable(1, 3306),
  MYSQL_DATABASE: z.string().describe("the name of the blog's database"),
  MYSQL_USER: z.string().describe("the MySQL user that owns the database"),
  MYSQL_PASSWORD: z.string().describe("the password of MYSQL_USER"),
  MYSQL_CA: z
    .string()
    .startsWith("-----BEGIN CERTIFICATE-----")
    .optional()
    .describe("CA certificates in PEM format, which verify MySQL's certificate"),
  LOG_LEVEL: z
    .enum(logLevels)
    .default("info")
    .describe(`one of ${logLevels.join(", ")}`),
};

export type DatabaseVariables = z.output<z.ZodObject<typeof databaseVariables>>;
