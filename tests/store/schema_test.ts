import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { migrate, migrations } from "../../src/store/migrations.ts";
import * as schema from "../../src/store/schema.ts";
import { now, SILENT } from "./samples.ts";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
  /** 2: computed when it is read. */
  readonly hidden: number;
}

const tables = Object.values(schema).filter((value) => value instanceof SQLiteTable)
  .map((table) => getTableConfig(table));

Deno.test("the migrations make the tables that the program's schema names, column by column", () => {
  const db = new Database(":memory:");
  migrate(db, { steps: migrations, now, log: SILENT });
  const made = db.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
  ).pluck().all();
  assert.deepEqual(made, tables.map(({ name }) => name).sort());
  for (const table of tables) {
    const columns = db.pragma(`table_xinfo(${table.name})`) as Column[];
    const keys = table.primaryKeys.flatMap((key) => key.columns.map((column) => column.name));
    assert.deepEqual(
      columns.map(({ name, type, notnull, pk, hidden }) => ({
        name,
        type: type.toLowerCase(),
        required: notnull === 1 || pk > 0,
        key: pk > 0,
        computed: hidden === 2,
      })),
      table.columns.map((column) => ({
        name: column.name,
        type: column.getSQLType(),
        required: column.notNull || keys.includes(column.name),
        key: column.primary || keys.includes(column.name),
        computed: column.generated !== undefined,
      })),
      table.name,
    );
  }
  db.close();
});

Deno.test("the migrations make the indexes that the program's schema names", () => {
  const db = new Database(":memory:");
  migrate(db, { steps: migrations, now, log: SILENT });
  const made = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .pluck().all() as string[];
  const named = tables.flatMap((table) => table.indexes.map((index) => index.config.name));
  assert.deepEqual(made.sort(), named.sort());
  for (const { indexes } of tables) {
    for (const { config } of indexes) {
      const columns = db.pragma(`index_info(${config.name})`) as { name: string }[];
      assert.deepEqual(
        columns.map(({ name }) => name),
        config.columns.map((column) => (column as { name: string }).name),
      );
    }
  }
  db.close();
});
