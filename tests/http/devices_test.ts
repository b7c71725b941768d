/** `GET /api/devices` over a real engine and a real store. */
import assert from "node:assert/strict";
import { devicesRoute } from "../../src/http/devices.ts";
import { Pages } from "../../src/http/pages.ts";
import { StateDeviceLists } from "../../src/pipeline/device_lists.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "../pipeline/node.ts";
import { askAs } from "./as_tenants.ts";
import { apiOver } from "./in_memory.ts";

const TIME = Date.parse("2026-01-02T03:00:00Z");
const encoder = new TextEncoder();

interface Answer {
  readonly devices: readonly { readonly tenant_id: string; readonly device_id: string }[];
  readonly next?: string;
}

/** Half of the devices rest on the disk. */
async function rig() {
  const folder = tempFolder();
  const clock = { time: TIME };
  const node = startNode({ dir: folder.path, clock, output: false });
  const lists = new StateDeviceLists(node.state, { store: node.store });
  const pages = new Pages({ now: () => 0 });
  const { api } = apiOver({ devices: lists, wallClock: () => clock.time });
  const route = devicesRoute(lists, { pages, wallClock: () => clock.time });
  async function send(reading: Record<string, unknown>) {
    await node.ingest.submit(encoder.encode(JSON.stringify(reading)));
  }
  const hot = { temperature: 40, humidity: 90 };
  await send({ device_id: "press-1", ...hot, timestamp: "2026-01-01T00:00:03.5+01:00" });
  await send({ device_id: "Press-2", tenant_id: "north", temperature: 20 });
  node.ingest.checkpointAll();
  node.state.engine.fleet.forget([...node.state.engine.fleet.devices]);
  clock.time += 60_000;
  await send({ device_id: "mill-1", temperature: 5 });
  await send({ device_id: "press-1", tenant_id: "south", temperature: 20 });
  return {
    clock,
    send,
    lists,
    /** A refusal's message, where it is one. */
    async ask(query = "", tenants: ReadonlySet<string> | null = null): Promise<Answer | string> {
      if (tenants !== null) {
        const { status, text } = await askAs(tenants, route, { query });
        return status === 200 ? JSON.parse(text) as Answer : text;
      }
      const response = await api.request(`/api/devices?${query}`);
      const body = await response.json();
      return response.status === 200 ? body as Answer : body.message as string;
    },
    [Symbol.dispose]() {
      node.crash();
      folder[Symbol.dispose]();
    },
  };
}

type Rig = Awaited<ReturnType<typeof rig>>;

async function keys(it: Rig, query: string, tenants: ReadonlySet<string> | null = null) {
  const answer = await it.ask(query, tenants);
  assert.ok(typeof answer !== "string", `${query}: ${answer}`);
  return answer.devices.map(({ tenant_id, device_id }) => `${tenant_id}/${device_id}`);
}

Deno.test("devices say when they were seen and processed last, and their last score", async () => {
  using it = await rig();
  assert.deepEqual(await it.ask("limit=9"), {
    status: "ok",
    devices: [
      {
        tenant_id: "default",
        device_id: "mill-1",
        last_seen: "2026-01-02T03:01:00.000Z",
        results: 1,
        last_processed: "2026-01-02T03:01:00.000Z",
        last_score: 1,
      },
      {
        tenant_id: "south",
        device_id: "press-1",
        last_seen: "2026-01-02T03:01:00.000Z",
        results: 1,
        last_processed: "2026-01-02T03:01:00.000Z",
        last_score: 0,
      },
      {
        tenant_id: "north",
        device_id: "Press-2",
        last_seen: "2026-01-02T03:00:00.000Z",
        results: 1,
        last_processed: "2026-01-02T03:00:00.000Z",
        last_score: 0,
      },
      {
        tenant_id: "default",
        device_id: "press-1",
        last_seen: "2026-01-01T00:00:03.5+01:00",
        results: 1,
        last_processed: "2026-01-02T03:00:00.000Z",
        last_score: 2,
      },
    ],
  });
});

Deno.test("sorted either way, searched, silent ones, one tenant's", async () => {
  using it = await rig();
  const [mill, south, north, press] = [
    "default/mill-1",
    "south/press-1",
    "north/Press-2",
    "default/press-1",
  ];
  const table: [string, string[]][] = [
    ["sort=last_seen&order=asc", [press, north, mill, south]],
    ["sort=score", [press, mill, north, south]],
    ["sort=score&order=asc", [north, south, mill, press]],
    ["search=PRESS", [south, north, press]],
    ["search=press-1&tenant=south", [south]],
    ["search=.", []],
    ["tenant=north", [north]],
    ["tenant=west", []],
    ["silent_for=59.9", [north, press]],
    ["silent_for=60", []],
    ["silent_for=5.99e1", [north, press]],
    ["silent_for=1e300", []],
    ["silent_for=30&sort=score", [press, north]],
  ];
  for (const [query, expected] of table) assert.deepEqual(await keys(it, query), expected, query);
});

Deno.test("pages go on where the last one ended, in every order", async () => {
  using it = await rig();
  for (const order of ["sort=score", "sort=score&order=asc", "sort=last_seen", "order=asc"]) {
    const whole = await keys(it, order);
    const found: string[] = [];
    let next: string | undefined;
    do {
      const after = next === undefined ? "" : `&after=${next}`;
      const page = await it.ask(`${order}&limit=1${after}`);
      assert.ok(typeof page !== "string");
      found.push(...page.devices.map((one) => `${one.tenant_id}/${one.device_id}`));
      next = page.next;
    } while (next !== undefined);
    assert.deepEqual(found, whole, order);
  }
});

Deno.test("who may see one tenant's data finds no other device", async () => {
  using it = await rig();
  const south = new Set(["south"]);
  assert.deepEqual(await keys(it, "", south), ["south/press-1"]);
  assert.deepEqual(await keys(it, "search=press", south), ["south/press-1"]);
  assert.deepEqual(await keys(it, "tenant=north", south), []);
  assert.deepEqual(await keys(it, "", new Set()), []);
});

Deno.test("what is wrong is named; the answer is made as a page is", async () => {
  using it = await rig();
  assert.equal(
    await it.ask("sort=name&order=up&silent_for=-1&after=x&limit=1001"),
    'sort: expected last_seen or score, got "name"; order: expected desc or asc, got "up"; ' +
      'silent_for: expected a number of seconds, got "-1"; ' +
      'limit: expected a whole number from 1 to 1000, got "1001"; ' +
      'after: expected the `next` of an earlier answer, got "x"',
  );
  const { api } = apiOver({ devices: it.lists, pages: { making: 0, waiting: 0 } });
  const response = await api.request("/api/devices");
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "1");
  await response.text();
});
