import type { Knex } from "knex";

/** The widest columns that Flask's blog had, so that backups of adopted tables fit into new tables. */
const wanted: Record<string, { type: string; bytes: number }> = {
  "user.username": { type: "VARCHAR(255)", bytes: 1020 },
  "user.password": { type: "TEXT", bytes: 65_535 },
  "post.title": { type: "TEXT", bytes: 65_535 },
  "post.body": { type: "LONGTEXT", bytes: 4_294_967_295 },
};

interface Column {
  tableName: string;
  columnName: string;
  bytes: number;
  collation: string;
  isNullable: "YES" | "NO";
  isIndexed: 0 | 1;
}

/**
 * No column becomes narrower. Adopted tables may have an index on a column, which a TEXT cannot have, or an old row
 * format with keys of at most 767 bytes. Their columns stay as they are.
 */
export async function up(db: Knex): Promise<void> {
  const [columns] = (await db.raw(`
    SELECT c.table_name AS tableName, c.column_name AS columnName, c.character_octet_length AS bytes,
      c.collation_name AS collation, c.is_nullable AS isNullable,
      EXISTS (
        SELECT * FROM information_schema.statistics s
        WHERE s.table_schema = c.table_schema AND s.table_name = c.table_name AND s.column_name = c.column_name
      ) AS isIndexed
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = DATABASE() AND c.table_name IN ('user', 'post') AND t.row_format = 'Dynamic'`)) as [
    Column[],
  ];

  for (const table of ["user", "post"]) {
    const changes = columns.flatMap(({ tableName, columnName, bytes, collation, isNullable, isIndexed }) => {
      const found = wanted[`${tableName}.${columnName}`];
      if (tableName !== table || !found || bytes >= found.bytes || (isIndexed && found.type.endsWith("TEXT")))
        return [];
      const nullable = isNullable === "YES" ? "NULL" : "NOT NULL";
      return [db.raw(`MODIFY ?? ${found.type} COLLATE ?? ${nullable}`, [columnName, collation]).toQuery()];
    });
    // One statement, because MySQL copies the table for each one.
    if (changes.length > 0) await db.raw(`ALTER TABLE ?? ${changes.join(", ")}`, [table]);
  }
}
