/** Compares what the HTTP API says with what it must say: global statistics, every device's window. */
import { isClose } from "./decimal.ts";
import type { Expectation, ExpectedDevice } from "./expectation.ts";
import type { Findings } from "./findings.ts";
import type { Series } from "./series.ts";
import { parseTimestamp } from "./timestamp.ts";

type Json = Record<string, unknown>;

interface Against {
  readonly expectation: Expectation;
  readonly findings: Findings;
}

const PAGE = 1000;

/** `url`: the engine's address, without a slash at its end. Throws where an answer isn't 200. */
export async function checkApi(url: string, against: Against): Promise<void> {
  const { expectation, findings } = against;
  const first = await getJson(`${url}/api/stats?limit=${PAGE}`);
  checkGlobal(objectOf(first.data), against);
  const processing = objectOf(first.processing);
  findings.compare("wrong processing", {
    at: "/api/stats",
    got: [processing.sampled_out, processing.errors],
    expected: [expectation.sampledOut, expectation.rejections.length],
  });
  const devices = await allDevices(url, first);
  const expected = new Map<string, ExpectedDevice>();
  const homonyms = new Map<string, number>();
  for (const { device } of expectation.devices.values()) {
    homonyms.set(device, (homonyms.get(device) ?? 0) + 1);
  }
  for (const one of expectation.devices.values()) {
    const ambiguous = (homonyms.get(one.device) ?? 0) > 1;
    expected.set(ambiguous ? `${one.tenant}/${one.device}` : one.device, one);
  }
  for (const [name, device] of expected) {
    const got = devices.get(name);
    if (got === undefined) findings.add("device missing in /api/stats", name);
    else checkDevice(got, { at: name, expected: device, findings });
  }
  for (const name of devices.keys()) {
    if (!expected.has(name)) findings.add("unknown device in /api/stats", name);
  }
}

/** Asks for single devices: `/api/stats/device/:id`, with the tenant named. */
export async function checkDevices(
  url: string,
  against: Against & { devices: Iterable<ExpectedDevice> },
): Promise<void> {
  for (const expected of against.devices) {
    const { device, tenant } = expected;
    const query = `tenant=${encodeURIComponent(tenant)}`;
    const path = `/api/stats/device/${encodeURIComponent(device)}?${query}`;
    const { findings } = against;
    const answer = await getJson(url + path);
    findings.compare("wrong device", {
      at: path,
      got: [answer.status, answer.device_id, answer.tenant_id],
      expected: ["ok", device, tenant],
    });
    checkDevice(objectOf(answer.data), { at: path, expected, findings });
  }
}

async function allDevices(url: string, first: Json): Promise<Map<string, Json>> {
  const devices = new Map<string, Json>();
  for (let page = first;;) {
    const before = devices.size;
    for (const [name, device] of Object.entries(objectOf(objectOf(page.data).devices))) {
      devices.set(name, objectOf(device));
    }
    if (typeof page.next !== "string") return devices;
    if (devices.size === before) throw new Error(`paging: nothing new on the page at ${page.next}`);
    const after = encodeURIComponent(page.next);
    page = await getJson(`${url}/api/stats?limit=${PAGE}&after=${after}`);
  }
}

function checkGlobal(data: Json, against: Against): void {
  const { global } = against.expectation;
  const metrics = objectOf(data.metrics ?? {});
  const series: [string, unknown, Series][] = [
    ["temperature", data.temperature, global.temperature],
    ["humidity", data.humidity, global.humidity],
    ...[...global.metrics].map(([name, one]): [string, unknown, Series] => [
      `metrics.${name}`,
      Object.hasOwn(metrics, name) ? metrics[name] : undefined,
      one,
    ]),
  ];
  for (const [name, shown, expected] of series) {
    const got = objectOf(shown ?? {});
    const { count } = expected;
    const { sum, magnitude } = expected.total();
    const right = got.count === count &&
      isClose(got.sum, sum, { magnitude }) &&
      got.min === (count === 0 ? null : expected.min) &&
      got.max === (count === 0 ? null : expected.max) &&
      (count === 0
        ? got.avg === null
        : isClose(got.avg, sum / count, { magnitude: magnitude / count }));
    if (right) continue;
    const { min, max } = expected;
    const wanted = JSON.stringify({ count, sum, min, max });
    const found = JSON.stringify(shown);
    against.findings.add("wrong global statistics", `${name}: got ${found}, expected ${wanted}`);
  }
}

function checkDevice(
  got: Json,
  against: { at: string; expected: ExpectedDevice; findings: Findings },
): void {
  const { expected, findings } = against;
  const metrics = objectOf(got.metrics ?? {});
  checkWindow(got.temperature, { ...against, name: "temperature", series: expected.temperature });
  checkWindow(got.humidity, { ...against, name: "humidity", series: expected.humidity });
  for (const [name, series] of expected.metrics) {
    const shown = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
    checkWindow(shown, { ...against, name: `metrics.${name}`, series });
  }
  findings.compare("wrong metrics of a device", {
    at: against.at,
    got: Object.keys(metrics).sort(),
    expected: [...expected.metrics.keys()].sort(),
  });
  const seen = parseTimestamp(String(got.last_seen));
  // Two texts may name the same moment: either is the latest.
  if (seen?.instant !== expected.lastSeen?.instant || !String(got.last_seen).match(/Z$|:\d\d$/)) {
    const wanted = expected.lastSeen?.text;
    findings.add("wrong last_seen", `${against.at}: got ${got.last_seen}, expected ${wanted}`);
  }
}

function checkWindow(
  shown: unknown,
  against: { at: string; name: string; series: Series; findings: Findings },
): void {
  const { at, name, series, findings } = against;
  const got = objectOf(shown ?? {});
  const statistics = series.statistics();
  const readings = JSON.stringify(got.readings) === JSON.stringify(series.window);
  const numbers = statistics === undefined
    ? got.avg === null && got.min === null && got.max === null
    : got.min === statistics.min && got.max === statistics.max &&
      isClose(got.avg, statistics.avg, statistics);
  if (readings && numbers && got.count === series.count) return;
  const wanted = JSON.stringify({ readings: series.window, ...statistics, count: series.count });
  findings.add(
    "wrong window of a device",
    `${at} ${name}: got ${JSON.stringify(shown)}, expected ${wanted}`,
  );
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? value as Json : {};
}

async function getJson(url: string): Promise<Json> {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200) {
    throw new Error(`GET ${url}: expected 200, got ${response.status} ${text.slice(0, 200)}`);
  }
  return JSON.parse(text);
}
