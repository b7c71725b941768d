import assert from "node:assert/strict";
import { filesBelow, type Import, moduleGraph, reach } from "../tools/module_graph.ts";
import { forbiddenImports, impurities, pureRooms } from "./harness/import_rules.ts";
import { tempFolder } from "./harness/temp.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const MAX_LINES = 400;

Deno.test("every import in src is one that the architecture allows", async () => {
  const files = await filesBelow(ROOT, { under: "src", endings: [".ts", ".tsx"] });
  const graph = await moduleGraph(ROOT, files);
  assert.deepEqual(files.filter((file) => !graph.has(file)), [], "files missing from the graph");
  assert.deepEqual(forbiddenImports(graph), []);
});

for (const room of pureRooms) {
  Deno.test(`${room} is pure`, async () => {
    const files = await filesBelow(ROOT, { under: room, endings: [".ts"] });
    assert.ok(files.length > 0);
    const faults = files.flatMap((file) => impurities(file, Deno.readTextFileSync(ROOT + file)));
    assert.deepEqual(faults, []);
  });
}

Deno.test(`no file is longer than ${MAX_LINES} lines`, async () => {
  const tooLong: string[] = [];
  const doors = ["deps.ts", "deps_cli.ts", "deps_kafkajs.ts", "deps_otel.ts", "deps_yaml.ts"];
  for (const under of ["src", "tests", "tools", ...doors]) {
    for (const file of await filesBelow(ROOT, { under, endings: [".ts", ".tsx"] })) {
      if (file.startsWith("tests/fixtures/")) continue;
      const lines = Deno.readTextFileSync(ROOT + file).trimEnd().split("\n").length;
      if (lines > MAX_LINES) tooLong.push(`${file}: ${lines} lines`);
    }
  }
  assert.deepEqual(tooLong, []);
});

Deno.test("a forbidden import is found in a real graph", async () => {
  using folder = tempFolder();
  const root = `${await Deno.realPath(folder.path)}/`;
  const files: Record<string, string> = {
    "deno.json": `{ "imports": { "kafkajs": "npm:kafkajs@2.2.4" } }`,
    "deps.ts": `export const packages = 1;`,
    "src/core/a.ts": `export const a = 1;`,
    "src/core/b.ts": `import { a } from "./a.ts"; import { s } from "../store/s.ts"; a + s;`,
    "src/core/c.ts": `import type { Reader } from "../http/h.ts"; export let c: Reader;`,
    "src/store/s.ts": `import { packages } from "../../deps.ts"; export const s = packages;`,
    "src/http/h.ts": `export { s } from "../store/s.ts"; export interface Reader { x: 1 }`,
    "src/http/k.ts": `export default () => import("kafkajs");`,
    "src/kafka/gone.ts": `import "./missing.ts"; import "node:fs";`,
    "src/pipeline/p.ts": `import "node:fs"; import "../../deps.ts";`,
    "src/odd/o.ts": `export {};`,
  };
  for (const [file, text] of Object.entries(files)) {
    await Deno.mkdir(root + file.replace(/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(root + file, text);
  }
  const sources = await filesBelow(root, { under: "src", endings: [".ts"] });
  const graph = await moduleGraph(root, sources);
  assert.deepEqual(forbiddenImports(graph), [
    "src/core/b.ts imports ../store/s.ts: src/core/ may not",
    "src/core/c.ts imports ../http/h.ts: src/core/ may not",
    "src/http/h.ts imports ../store/s.ts: src/http/ may not",
    "src/http/k.ts imports kafkajs: src/http/ may not",
    "src/odd/o.ts: a room that the rules don't know",
    "src/pipeline/p.ts imports ../../deps.ts: src/pipeline/ may not",
    "src/pipeline/p.ts imports node:fs: src/pipeline/ may not",
  ]);
  assert.deepEqual(
    reach(graph, "src/core/b.ts"),
    new Set(["src/core/b.ts", "src/core/a.ts", "src/store/s.ts", "deps.ts"]),
  );
});

Deno.test("the rules, one by one", () => {
  const allowed = (file: string, target: string, late = false) => {
    const edge: Import = { specifier: target, target, typeOnly: false, late };
    return forbiddenImports(new Map([[file, [edge]]])).length === 0;
  };
  const table: [string, string, boolean][] = [
    ["src/main.ts", "src/commands/serve.ts", true],
    ["src/main.ts", "src/app.ts", false],
    ["src/app.ts", "src/store/open.ts", true],
    ["src/commands/serve.ts", "src/app.ts", true],
    ["src/commands/serve.ts", "npm:hono", false],
    ["src/commands/command_line.ts", "deps_cli.ts", true],
    ["src/app.ts", "deps_cli.ts", false],
    ["src/config/document.ts", "deps_yaml.ts", true],
    ["src/http/api.ts", "deps_yaml.ts", false],
    ["src/simulation/faults.ts", "src/core/number.ts", true],
    ["src/simulation/faults.ts", "src/config/config.ts", false],
    ["src/simulation/faults.ts", "deps.ts", false],
    ["src/simulation/faults.ts", "node:crypto", false],
    ["src/pipeline/ingest.ts", "src/core/engine.ts", true],
    ["src/pipeline/ingest.ts", "src/telemetry/log.ts", false],
    ["src/kafka/member.ts", "src/pipeline/ports.ts", true],
    ["src/kafka/member.ts", "src/pipeline/ingest.ts", false],
    ["src/kafka/member.ts", "src/store/open.ts", false],
    ["src/kafka/member.ts", "node:crypto", true],
    ["src/kafka/kafkajs/member.ts", "src/kafka/member.ts", true],
    ["src/kafka/kafkajs/member.ts", "deps_kafkajs.ts", true],
    ["src/kafka/member.ts", "deps_kafkajs.ts", false],
    ["src/app.ts", "deps_kafkajs.ts", false],
    ["src/app.ts", "src/kafka/kafkajs/client.ts", false],
    ["src/store/open.ts", "migrations/0000.sql", true],
    ["src/http/health.ts", "src/config/config.ts", false],
    ["src/config/config.ts", "src/core/tenant.ts", true],
    ["src/config/config.ts", "src/store/open.ts", false],
    ["src/migration/share.ts", "src/kafka/assignors.ts", true],
    ["src/migration/share.ts", "src/store/open.ts", false],
    ["src/telemetry/log.ts", "deps.ts", true],
    ["src/telemetry/log.ts", "deps_otel.ts", false],
    ["src/telemetry/tracing/tracing.ts", "deps_otel.ts", true],
    ["src/app.ts", "src/telemetry/tracing/tracing.ts", false],
    ["src/telemetry/log.ts", "src/config/config.ts", false],
    ["src/core/window.ts", "src/core/number.ts", true],
    ["src/core/window.ts", "https://example.org/x.ts", false],
  ];
  for (const [file, target, expected] of table) {
    assert.equal(allowed(file, target), expected, `${file} imports ${target}`);
  }
  assert.ok(allowed("src/app.ts", "src/kafka/kafkajs/client.ts", true));
});

Deno.test("impure code is found, comments are not", () => {
  const text = "// Date.now()\n/* await\n Math.random */ const x = Date.now();\nDeno.env;\n";
  assert.deepEqual(impurities("f.ts", text), [
    "f.ts:3 uses the clock; this room is pure",
    "f.ts:4 uses Deno; this room is pure",
  ]);
  assert.deepEqual(impurities("f.ts", "const at = new Date(time); // no clock: given\n"), []);
});
