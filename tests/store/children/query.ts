/** Prints what a query of its own connection finds, as JSON. */
import Database from "better-sqlite3";

const [file, sql] = Deno.args;
const db = new Database(file, { readonly: true });
console.log(JSON.stringify(db.prepare(sql).raw().all()));
db.close();
