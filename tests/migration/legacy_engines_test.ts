/** The stand-ins against what the real engines answered, and the comparison of what they make of the cases. */
import assert from "node:assert/strict";
import { loadMessages } from "../contract/cases.ts";
import { goFinal } from "../fixtures/legacy/go_final.ts";
import { pythonV2 } from "../fixtures/legacy/python_v2.ts";

type Samples = Record<string, { count: number; outputs: string[] }>;

const FOLDER = new URL("../fixtures/legacy/", import.meta.url);
const encoder = new TextEncoder();

async function samples(engine: string): Promise<Samples> {
  return JSON.parse(await Deno.readTextFile(new URL(`${engine}.samples.json`, FOLDER)));
}

function bytes(value: string | Uint8Array | null): Uint8Array | null {
  return typeof value === "string" ? encoder.encode(value) : value;
}

/** Without the times that depend on the clock. */
function timeless(output: string): string {
  const untimed = output.replace(/("processed_at": ?)("[^"]*"|[\d.e+]+)/, "$1-");
  return untimed.replace(/"timestamp":"2026-11-[^"]*"/, '"timestamp":-');
}

async function outcomes(make: (value: Uint8Array | null) => string | null) {
  const found = new Map<string, string[]>();
  for (const message of await loadMessages()) {
    const made = make(bytes(message.record.value));
    const list = found.get(message.case) ?? [];
    found.set(message.case, list);
    if (made !== null && made !== "ends") list.push(timeless(made));
  }
  return found;
}

function check(real: Samples, found: ReadonlyMap<string, string[]>): void {
  for (const [name, { count, outputs }] of Object.entries(real)) {
    const made = found.get(name);
    assert.ok(made !== undefined, name);
    // Half of the 200, by chance.
    const chance = name.startsWith("tenant2 x200") && count > 0;
    if (!chance) assert.equal(made.length, count, name);
    for (const output of outputs) {
      // The samples keep the beginning of a long one.
      const [begin, cut] = timeless(output).split(/\.\.\.\[\d+ chars in all\]$/);
      const found = made.some((one) => cut === undefined ? one === begin : one.startsWith(begin));
      assert.ok(found, `${name}: ${output.slice(0, 300)}`);
    }
  }
}

Deno.test("the stand-in for the Go engine answers all 89 cases as the real one did", async () => {
  const real = await samples("go_final");
  assert.equal(Object.keys(real).length, 89);
  const now = Date.parse("2026-11-23T14:47:46Z");
  let coin = 0;
  check(real, await outcomes((value) => goFinal(value, { now, random: () => coin++ % 2 })));
});

Deno.test("the stand-in for Python v2 answers its 77 cases as the real one did, and ends by the others", async () => {
  const real = await samples("python_v2");
  assert.equal(Object.keys(real).length, 77);
  check(real, await outcomes((value) => pythonV2(value, { now: 1795445266130.4 })));
  for (const text of ["", "not json", '{"a":1}{"b":2}', "\ufeff{}"]) {
    assert.equal(pythonV2(encoder.encode(text), { now: 0 }), "ends", text);
  }
  assert.equal(pythonV2(null, { now: 0 }), "ends");
  for (const text of ["null", "[]", '"x"', "7"]) {
    assert.equal(pythonV2(encoder.encode(text), { now: 0 }), null, text);
  }
});
