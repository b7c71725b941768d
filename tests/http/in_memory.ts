/**
 * Small in-memory implementations of the ports that the API stands on. They keep the ports' promises
 * (order, pages, tenants of a device); the real ones have tests of their own.
 */
import { type Api, type ApiOptions, createApi } from "../../src/http/api.ts";
import type { BodyLimits } from "../../src/http/body.ts";
import type { PageLimits } from "../../src/http/pages.ts";
import type {
  AnomalyReader,
  BatchOutcome,
  DeadLetterDesk,
  DeviceLists,
  DeviceView,
  FailedChecks,
  Health,
  Intake,
  Log,
  Outcome,
  ReadingColumn,
  Sender,
  SeriesView,
  Statistics,
  Tail,
  TenantLists,
  TenantsReload,
  WindowView,
} from "../../src/pipeline/ports.ts";
import { DescribedAnswers } from "./described_answers.ts";
import { STREAM_LIMITS, type StreamLimits, StreamReaders } from "../../src/http/stream_readers.ts";
import type { Token } from "../../src/core/token.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { SILENT } from "../store/samples.ts";
import { IDLE } from "../telemetry/sources.ts";

export function windowOf(...readings: number[]): WindowView {
  if (readings.length === 0) return { readings, avg: null, min: null, max: null, count: 0 };
  const sum = readings.reduce((a, b) => a + b, 0);
  return {
    readings,
    avg: sum / readings.length,
    min: Math.min(...readings),
    max: Math.max(...readings),
    count: readings.length,
  };
}

export function deviceOf(
  tenant: string,
  device: string,
  view: Partial<DeviceView> = {},
): DeviceView {
  return {
    tenant,
    device,
    temperature: windowOf(20, 22),
    humidity: windowOf(),
    metrics: [],
    lastSeen: "2026-01-01T00:00:00Z",
    ...view,
  };
}

const noSeries: SeriesView = { count: 0, sum: 0, min: null, max: null, avg: null };

export class DevicesInMemory implements Statistics {
  readonly devices: DeviceView[];
  globals: ReturnType<Statistics["global"]> = {
    temperature: noSeries,
    humidity: noSeries,
    metrics: [],
  };
  progress: ReturnType<Statistics["processing"]> = {
    running: true,
    messagesProcessed: 0,
    lastProcessed: 0,
    lastStarted: 0,
    errors: 0,
    sampledOut: 0,
  };

  constructor(devices: DeviceView[]) {
    this.devices = [...devices].sort(byKey);
  }

  global() {
    return this.globals;
  }

  processing() {
    return this.progress;
  }

  device(tenant: string, device: string): DeviceView | undefined {
    return this.devices.find((it) => it.tenant === tenant && it.device === device);
  }

  /** One value a second since 1970: `device_readings_test.ts` asks a real engine. */
  readings(tenant: string, device: string): ReadingColumn[] | undefined {
    const found = this.device(tenant, device);
    if (found === undefined) return undefined;
    const { readings: values } = found.temperature;
    const times = values.map((_, i) => i * 1000);
    return [{ metric: "temperature", further: false, values, times }];
  }

  knows(tenant: string, device: string): boolean {
    return this.device(tenant, device) !== undefined;
  }

  tenantsOf(device: string): string[] {
    return this.devices.filter((it) => it.device === device).map((it) => it.tenant);
  }

  page(options: Parameters<Statistics["page"]>[0]) {
    const { after, tenant, tenants = null, limit } = options;
    const seen = (name: string) => tenants === null || tenants.has(name);
    const rest = this.devices.filter((it) =>
      seen(it.tenant) && (after === undefined || byKey(it, after) > 0) &&
      (tenant === undefined || it.tenant === tenant)
    );
    const devices = rest.slice(0, limit).map((it) => ({
      ...it,
      shared: this.tenantsOf(it.device).filter(seen).length > 1,
    }));
    return { devices, more: rest.length > limit };
  }
}

interface Key {
  readonly tenant: string;
  readonly device: string;
}

function byKey(a: Key, b: Key): number {
  return compare(a.tenant, b.tenant) || compare(a.device, b.device);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Takes everything that it is given, by the answers it was made with. */
export class IntakeInMemory implements Intake {
  /** What was submitted alone. */
  readonly readings: string[] = [];
  /** Whom each request may speak for. */
  readonly senders: (ReadonlySet<string> | null)[] = [];
  /** What was submitted together. */
  readonly batches: string[][] = [];
  readonly #answer: () => Promise<Outcome>;
  readonly #batchAnswer: (readings: string[]) => Promise<BatchOutcome>;

  constructor(
    answer: Outcome | (() => Promise<Outcome>),
    batchAnswer: (readings: string[]) => Promise<BatchOutcome>,
  ) {
    this.#answer = typeof answer === "function" ? answer : () => Promise.resolve(answer);
    this.#batchAnswer = batchAnswer;
  }

  submit(reading: Uint8Array, sender?: Sender): Promise<Outcome> {
    this.senders.push(sender?.tenants ?? null);
    this.readings.push(new TextDecoder().decode(reading));
    return this.#answer();
  }

  submitBatch(
    body: Uint8Array,
    ranges: readonly number[],
    sender?: Sender,
  ): Promise<BatchOutcome> {
    this.senders.push(sender?.tenants ?? null);
    const readings: string[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      readings.push(new TextDecoder().decode(body.subarray(ranges[i], ranges[i + 1])));
    }
    this.batches.push(readings);
    return this.#batchAnswer(readings);
  }
}

export class HealthInMemory implements Health {
  state: ReturnType<Health["kafka"]> = "connecting";
  failed: { live: FailedChecks; ready: FailedChecks } = {
    live: new Map(),
    ready: new Map(),
  };

  running(): boolean {
    return true;
  }

  kafka() {
    return this.state;
  }

  live(): FailedChecks {
    return this.failed.live;
  }

  ready(): FailedChecks {
    return this.failed.ready;
  }
}

const NOTHING = { matched: 0, examples: [], done: 0, rejected: 0, marked: 0, left: 0 };

/** There are none; `dead_letters_test.ts` asks a real store. */
export const NO_LETTERS: DeadLetterDesk = {
  letters: {
    heads: () => ({ letters: [], end: undefined }),
    get: () => undefined,
    counts: IDLE.letters,
  },
  replay: () => Promise.resolve(NOTHING),
  discard: () => Promise.resolve(NOTHING),
};

/** Every answer of such an API, as the test reads it, is one that the OpenAPI document describes. */
function holdToDescription(api: Api, parts: ApiOptions): void {
  const ask = api.request;
  api.request = async (input, init, ...more) => {
    // Not of this one: it may ask for a token, and would count the request.
    const document = () => createApi({ ...parts, tokens: () => [] }).request("/openapi.json");
    described ??= new DescribedAnswers(await (await document()).json());
    const [method, path] = input instanceof Request ? [input.method, input.url] : [
      init?.method ?? "GET",
      new URL(
        typeof input === "string" && input.startsWith("/") ? `http://localhost${input}` : input,
      ).href,
    ];
    return described.watched({ method, path }, await ask(input, init, ...more));
  };
}

let described: DescribedAnswers | undefined;

/** The same: `anomalies_test.ts` asks a real store. */
const NO_ANOMALIES: AnomalyReader = {
  page: () => ({ anomalies: [], end: undefined }),
  counts: IDLE.anomalies,
};

/** The same: `devices_test.ts` asks a real engine. */
const NO_LISTS: DeviceLists = {
  // deno-lint-ignore require-yield
  *list() {
    return { devices: [], next: undefined };
  },
};

/** The same: `tenants_test.ts` asks a real engine. */
const NO_TENANTS: TenantLists = {
  // deno-lint-ignore require-yield
  *list() {
    return { tenants: [], next: undefined };
  },
  others: () => undefined,
};

/** There are no results; `stream_test.ts` looks on at real ones. */
class TailInMemory implements Tail {
  readonly folder = "00000000";

  end() {
    return { row: 1, record: 0, results: 0 };
  }

  next() {
    return undefined;
  }

  watch() {
    return { [Symbol.dispose]() {} };
  }

  onRows() {}
}

/** Readers of a tail; unless told, of one without results. */
export function streamOver(
  tail: Tail = new TailInMemory(),
  options: { limits?: Partial<StreamLimits>; now?: () => number; log?: Log } = {},
): StreamReaders {
  const { now = () => 0, log = SILENT } = options;
  return new StreamReaders({
    tail,
    limits: { ...STREAM_LIMITS, readers: 10, ...options.limits },
    now,
    log,
  });
}

export interface TestApi {
  readonly api: Api;
  readonly intake: IntakeInMemory;
  readonly lines: string[];
  readonly metrics: Metrics;
  readonly health: HealthInMemory;
  /** One GET, its status and its body as text. */
  get(path: string): Promise<{ status: number; text: string }>;
}

export function apiOver(options: {
  statistics?: Statistics;
  letters?: DeadLetterDesk;
  anomalies?: AnomalyReader;
  devices?: DeviceLists;
  tenants?: TenantLists;
  outcome?: Outcome | (() => Promise<Outcome>);
  /** Of a batch; without it every reading is accepted. */
  batchOutcome?: (readings: string[]) => Promise<BatchOutcome>;
  limits?: Partial<BodyLimits>;
  reload?: TenantsReload;
  /** Nobody's results unless given. */
  stream?: StreamReaders;
  tokens?: readonly Token[] | (() => readonly Token[]);
  metricsPublic?: boolean;
  pages?: Partial<PageLimits>;
  /** Clocks that stand still unless given. */
  now?: () => number;
  wallClock?: () => number;
} = {}): TestApi {
  const lines: string[] = [];
  const log = createLog({ level: "debug", write: (line) => lines.push(line), now: () => 0 });
  const intake = new IntakeInMemory(
    options.outcome ?? { kind: "sampled out", id: "x" },
    options.batchOutcome ??
      ((readings) =>
        Promise.resolve({ accepted: readings.length, overQuota: 0, foreign: 0, rejected: [] })),
  );
  const health = new HealthInMemory();
  const metrics = new Metrics({
    version: "0",
    sources: IDLE,
  });
  const tokens = typeof options.tokens === "object" ? options.tokens : [];
  const parts: ApiOptions = {
    intake,
    letters: options.letters ?? NO_LETTERS,
    anomalies: options.anomalies ?? NO_ANOMALIES,
    devices: options.devices ?? NO_LISTS,
    tenants: options.tenants ?? NO_TENANTS,
    statistics: options.statistics ?? new DevicesInMemory([]),
    health,
    metrics,
    stream: options.stream ?? streamOver(),
    reload: options.reload ?? null,
    tokens: typeof options.tokens === "function" ? options.tokens : () => tokens,
    metricsPublic: options.metricsPublic ?? false,
    limits: {
      maxReadingBytes: 1000,
      maxBatchBytes: 10_000,
      maxTotalBytes: 100_000,
      ...options.limits,
    },
    log,
    pages: options.pages,
    now: options.now ?? (() => 0),
    wallClock: options.wallClock ?? (() => Date.parse("2026-01-02T03:04:05.678Z")),
    version: "1.2.3",
  };
  const api = createApi(parts);
  holdToDescription(api, parts);
  async function get(path: string) {
    const response = await api.request(path);
    return { status: response.status, text: await response.text() };
  }
  return { api, intake, lines, metrics, health, get };
}
