import type { Knex } from "knex";

const minimumLengths: Record<string, number> = { "user.username": 150, "user.password": 255, "post.title": 255 };

interface Column {
  tableName: string;
  columnName: string;
  dataType: string;
  length: number;
  charset: string;
}

/**
 * Existing tables of Flask's blog may be too narrow for the forms' limits and for scrypt hashes of 162 characters.
 * Without utf8mb4, they cannot store emoji. No column becomes narrower.
 */
export async function up(db: Knex): Promise<void> {
  const [columns] = (await db.raw(`
    SELECT table_name AS tableName, column_name AS columnName, data_type AS dataType,
      character_maximum_length AS length, character_set_name AS charset
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name IN ('user', 'post') AND character_set_name IS NOT NULL`)) as [
    Column[],
  ];

  const otherCharset = columns.filter(({ charset }) => charset !== "utf8mb4").map(({ tableName }) => tableName);
  for (const table of new Set(otherCharset)) {
    await db.raw("ALTER TABLE ?? CONVERT TO CHARACTER SET utf8mb4", [table]);
  }
  for (const { tableName, columnName, dataType, length } of columns) {
    const minimum = minimumLengths[`${tableName}.${columnName}`];
    if (minimum !== undefined && dataType === "varchar" && length < minimum) {
      await db.raw("ALTER TABLE ?? MODIFY ?? VARCHAR(?) NOT NULL", [tableName, columnName, minimum]);
    }
  }
}
