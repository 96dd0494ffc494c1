import { z } from "zod";

/** Environment variables that name the blog's database. */
export const databaseVariables = {
  MYSQL_HOST: z.string(),
  MYSQL_PORT: z.coerce.number().int().min(1).max(65_535).default(3306),
  MYSQL_DATABASE: z.string(),
  MYSQL_USER: z.string(),
  MYSQL_PASSWORD: z.string(),
  /** CA certificates in PEM format, which verify MySQL's certificate. */
  MYSQL_CA: z.string().includes("-----BEGIN CERTIFICATE-----", "expected certificates in PEM format").optional(),
};

export type DatabaseVariables = z.output<z.ZodObject<typeof databaseVariables>>;
