/** Who may import whom in `src`, as docs/architecture.md has it. */
import type { ModuleGraph } from "../../tools/module_graph.ts";

const ANYTHING = ["src/", "migrations/", "deps.ts", "deno.json"];
const OUTER_ROOM = ["src/core/", "src/pipeline/ports.ts", "src/telemetry/", "deps.ts"];

/** What the files of a room may import besides their own room: folders end with "/". */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "src/main.ts": ["src/commands/", "src/version.ts"],
  "src/version.ts": ["deno.json"],
  "src/app.ts": ANYTHING,
  "src/app/": ANYTHING,
  "src/commands/": [...ANYTHING, "deps_cli.ts", "deploy/plumbline.service"],
  "src/core/": [],
  "src/simulation/": ["src/core/"],
  "src/pipeline/": ["src/core/"],
  "src/kafka/kafkajs/": [...OUTER_ROOM, "src/kafka/", "deps_kafkajs.ts"],
  "src/kafka/": OUTER_ROOM,
  "src/storage_service/": OUTER_ROOM,
  "src/store/": [...OUTER_ROOM, "migrations/"],
  "src/http/": OUTER_ROOM,
  "src/migration/": ["src/core/", "src/config/", "src/kafka/", "deps.ts"],
  "src/telemetry/tracing/": ["src/telemetry/", "src/pipeline/ports.ts", "deps_otel.ts"],
  "src/telemetry/": ["src/pipeline/ports.ts", "deps.ts"],
  "src/config/": ["src/core/", "deps.ts", "deps_yaml.ts"],
  "migrations/": [],
};

/** Loaded only where it is asked for: from outside the room by `await import()` alone. */
const LOADED_LATE = ["src/kafka/kafkajs/", "src/telemetry/tracing/"];

/** No clock, no network: not even what the runtime itself brings. */
const WITHOUT_RUNTIME = ["src/core/", "src/pipeline/", "src/simulation/"];

/** One sentence for each forbidden import in the graph. */
export function forbiddenImports(graph: ModuleGraph): string[] {
  const faults: string[] = [];
  for (const [file, imports] of graph) {
    if (!file.startsWith("src/") && !file.startsWith("migrations/")) continue;
    const room = Object.keys(ROOMS).find((name) => contains(name, file));
    if (!room) {
      faults.push(`${file}: a room that the rules don't know`);
      continue;
    }
    for (const { specifier, target, typeOnly, late } of imports) {
      const allowed = target.startsWith("node:")
        ? !WITHOUT_RUNTIME.includes(room)
        : [room, ...ROOMS[room]].some((name) => contains(name, target));
      if (!allowed) faults.push(`${file} imports ${specifier}: ${room} may not`);
      const lateRoom = LOADED_LATE.find((name) => contains(name, target));
      if (lateRoom && lateRoom !== room && !typeOnly && !late) {
        faults.push(`${file} imports ${specifier}: only by await import()`);
      }
    }
  }
  return faults.sort();
}

/** Whatever makes a result depend on more than readings, their order, settings and state. */
const IMPURE: readonly [RegExp, string][] = [
  [/\bDeno\./, "Deno"],
  [/\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\./, "the clock"],
  [/\bMath\.random\b|\bcrypto\./, "random numbers"],
  [/\bawait\b|\basync\b|\bPromise\b|\bsetTimeout\b|\bqueueMicrotask\b/, "asynchronous code"],
  [/\bfetch\(|\bconsole\./, "input and output"],
  [/\bglobalThis\b|\bprocess\./, "the runtime"],
];

/** Rooms whose results depend on nothing but what they are given. */
export const pureRooms = ["src/core", "src/simulation"];

/** One sentence for each impure thing that the text of a file in a pure room uses. */
export function impurities(file: string, text: string): string[] {
  const code = text
    .replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
    .replace(/(^|\s)\/\/.*$/gm, "");
  return code.split("\n").flatMap((line, i) =>
    IMPURE.filter(([pattern]) => pattern.test(line))
      .map(([, what]) => `${file}:${i + 1} uses ${what}; this room is pure`)
  );
}

function contains(room: string, file: string): boolean {
  return room.endsWith("/") ? file.startsWith(room) : file === room;
}
