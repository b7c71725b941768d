/** Devices: one row each, further metrics in rows of their own. */
import { count, type Database, drizzle, eq } from "../../deps.ts";
import type { DeviceReader, DeviceState, DeviceSummary, GlobalState } from "../pipeline/ports.ts";
import { GlobalRow } from "./global_row.ts";
import { devices } from "./schema.ts";
import { type MetricRow, readMetric, readStatistics, type StatisticsRow } from "./series_rows.ts";

interface DeviceRow extends StatisticsRow {
  readonly lastSeen: string;
  readonly lastSeenMs: number;
  readonly results: number;
  readonly lastProcessed: number | null;
  readonly lastScore: number | null;
  readonly journalId: number;
  /** 1: it has further metrics. Most have none, and asking for them takes as long as this row. */
  readonly hasMetrics: number;
}

/** What stands behind the windows is reached by passing over these: they may be long. */
const MAX_BYTES_PASSED = 4 << 20;

export class DeviceTable implements DeviceReader {
  readonly #orm: ReturnType<typeof drizzle>;
  readonly #global: GlobalRow;
  readonly #save: Database.Statement;
  readonly #saveMetric: Database.Statement;
  readonly #dropMetrics: Database.Statement;
  readonly #load: Database.Statement;
  readonly #loadMetrics: Database.Statement;
  readonly #tenantsOf: Database.Statement;
  readonly #lastSeen: Database.Statement;
  readonly #summaries: Database.Statement;
  readonly #pages: Record<
    "first" | "later",
    { all: Database.Statement; tenant: Database.Statement; among: Database.Statement }
  >;
  readonly #sorted: Database.Statement;

  constructor(db: Database.Database) {
    this.#orm = drizzle(db);
    this.#global = new GlobalRow(this.#orm);
    this.#save = db.prepare(SAVE);
    this.#saveMetric = db.prepare(SAVE_METRIC);
    this.#dropMetrics = db.prepare(
      "DELETE FROM device_metrics WHERE tenant_id = ? AND device_id = ? AND position >= ?",
    );
    this.#load = db.prepare(LOAD);
    this.#loadMetrics = db.prepare(
      'SELECT name, count, sum, min, max, exact, "window" FROM device_metrics ' +
        "WHERE tenant_id = ? AND device_id = ? ORDER BY position",
    );
    this.#tenantsOf = db.prepare(
      "SELECT tenant_id FROM devices WHERE device_id = ? ORDER BY tenant_id",
    ).pluck();
    this.#lastSeen = db.prepare(
      "SELECT last_seen FROM devices WHERE tenant_id = ? AND device_id = ?",
    ).pluck();
    // In the order in which the rows lie on the disk. (A blob's length is known without reading it.)
    this.#summaries = db.prepare(`
      SELECT rowid AS number, tenant_id AS tenant, device_id AS device, last_seen_ms AS lastSeenMs,
        results, last_processed_ms AS lastProcessed, last_score AS lastScore,
        length(temperature_window) + length(humidity_window) AS bytes
      FROM devices NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT ?`);
    const page = (...conditions: string[]) => db.prepare(pageSql(conditions.join(" AND ")));
    const among = (...conditions: string[]) =>
      db.prepare(pageSql(conditions.join(" AND "), "AND other.tenant_id IN " + LISTED));
    const ofTenant = "tenant_id = @tenant";
    const later = "(tenant_id, device_id) > (@afterTenant, @afterDevice)";
    this.#pages = {
      first: { all: page("true"), tenant: page(ofTenant), among: among(ofTenant) },
      later: {
        all: page(later),
        tenant: page(ofTenant, later),
        among: among(ofTenant, later),
      },
    };
    // In the order of the pages, which isn't JavaScript's.
    this.#sorted = db.prepare(
      "SELECT value FROM json_each(@tenants) WHERE @from IS NULL OR value >= @from ORDER BY value",
    ).pluck();
  }

  save(state: DeviceState): void {
    const { tenant, device, temperature, humidity, metrics } = state;
    this.#save.run(
      tenant,
      device,
      state.lastSeen,
      state.lastSeenMs,
      state.results,
      state.lastProcessed,
      state.lastScore,
      state.journalId,
      temperature.count,
      temperature.sum,
      temperature.min,
      temperature.max,
      humidity.count,
      humidity.sum,
      humidity.min,
      humidity.max,
      temperature.exact,
      temperature.window,
      humidity.exact,
      humidity.window,
    );
    for (const [position, { name, series }] of metrics.entries()) {
      const { count, sum, min, max } = series;
      this.#saveMetric.run(
        tenant,
        device,
        position,
        name,
        count,
        sum,
        min,
        max,
        series.exact,
        series.window,
      );
    }
    this.#dropMetrics.run(tenant, device, metrics.length);
  }

  saveGlobal(state: GlobalState): void {
    this.#global.save(state);
  }

  count(tenant?: string): number {
    const ofTenant = tenant === undefined ? undefined : eq(devices.tenantId, tenant);
    return this.#orm.select({ count: count() }).from(devices).where(ofTenant).get()?.count ?? 0;
  }

  load(tenant: string, device: string): DeviceState | undefined {
    const row = this.#load.get(tenant, device) as DeviceRow | undefined;
    if (row === undefined) return undefined;
    const metrics = row.hasMetrics === 1
      ? this.#loadMetrics.all(tenant, device) as MetricRow[]
      : [];
    return {
      tenant,
      device,
      lastSeen: row.lastSeen,
      lastSeenMs: row.lastSeenMs,
      results: row.results,
      lastProcessed: row.lastProcessed,
      lastScore: row.lastScore,
      journalId: row.journalId,
      ...readStatistics(row),
      metrics: metrics.map(readMetric),
    };
  }

  tenantsOf(device: string): string[] {
    return this.#tenantsOf.all(device) as string[];
  }

  lastSeen(tenant: string, device: string): string | undefined {
    return this.#lastSeen.get(tenant, device) as string | undefined;
  }

  summaries(after: number, limit: number): DeviceSummary[] {
    const found: DeviceSummary[] = [];
    let passed = 0;
    const rows = this.#summaries.iterate(after, limit);
    for (const row of rows as IterableIterator<DeviceSummary & { bytes: number }>) {
      const { bytes, ...summary } = row;
      found.push(summary);
      passed += bytes;
      if (passed > MAX_BYTES_PASSED) break;
    }
    return found;
  }

  page(options: Parameters<DeviceReader["page"]>[0]): ReturnType<DeviceReader["page"]> {
    const { after, tenant, tenants = null, limit } = options;
    if (tenants !== null) return this.#pageAmong({ after, tenant, tenants, limit });
    const kind = tenant === undefined ? "all" : "tenant";
    return this.#rows(kind, { after, limit, ...(tenant === undefined ? {} : { tenant }) });
  }

  /** One tenant after the other: each page costs what it shows, however many devices others have. */
  #pageAmong(
    { after, tenant, tenants, limit }: {
      after: DeviceKey | undefined;
      tenant: string | undefined;
      tenants: ReadonlySet<string>;
      limit: number;
    },
  ): ReturnType<DeviceReader["page"]> {
    const all = JSON.stringify([...tenants]);
    const wanted = tenant === undefined ? all : JSON.stringify([tenant].filter(has(tenants)));
    const names = this.#sorted.all({ tenants: wanted, from: after?.tenant ?? null }) as string[];
    const rows: ReturnType<DeviceReader["page"]> = [];
    for (const name of names) {
      if (rows.length >= limit) break;
      const rest = { tenant: name, limit: limit - rows.length, tenants: all };
      rows.push(
        ...this.#rows("among", { after: after?.tenant === name ? after : undefined, ...rest }),
      );
    }
    return rows;
  }

  #rows(
    kind: "all" | "tenant" | "among",
    { after, ...given }: { after: DeviceKey | undefined; limit: number; [name: string]: unknown },
  ): ReturnType<DeviceReader["page"]> {
    const statement = this.#pages[after === undefined ? "first" : "later"][kind];
    const parameters = after === undefined
      ? given
      : { ...given, afterTenant: after.tenant, afterDevice: after.device };
    const rows = statement.all(parameters) as { tenant: string; device: string; shared: number }[];
    return rows.map(({ tenant, device, shared }) => ({ tenant, device, shared: shared === 1 }));
  }

  loadGlobal(): GlobalState | undefined {
    return this.#global.load();
  }
}

interface DeviceKey {
  readonly tenant: string;
  readonly device: string;
}

function has(tenants: ReadonlySet<string>): (tenant: string) => boolean {
  return (tenant) => tenants.has(tenant);
}

/** Tenants in a parameter, as a JSON array. */
const LISTED = "(SELECT value FROM json_each(@tenants))";

function pageSql(condition: string, others = ""): string {
  return `
    SELECT tenant_id AS tenant, device_id AS device, EXISTS (
      SELECT 1 FROM devices AS other INDEXED BY devices_by_device
      WHERE other.device_id = devices.device_id AND other.tenant_id <> devices.tenant_id
        ${others}
    ) AS shared
    FROM devices WHERE ${condition} ORDER BY tenant_id, device_id LIMIT @limit`;
}

const SAVE = `
  INSERT INTO devices (
    tenant_id, device_id, last_seen, last_seen_ms, results, last_processed_ms, last_score, journal_id,
    temperature_count, temperature_sum, temperature_min, temperature_max,
    humidity_count, humidity_sum, humidity_min, humidity_max,
    temperature_exact, temperature_window, humidity_exact, humidity_window
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, device_id) DO UPDATE SET
    last_seen = excluded.last_seen,
    last_seen_ms = excluded.last_seen_ms,
    results = excluded.results,
    last_processed_ms = excluded.last_processed_ms,
    last_score = excluded.last_score,
    journal_id = excluded.journal_id,
    temperature_count = excluded.temperature_count,
    temperature_sum = excluded.temperature_sum,
    temperature_min = excluded.temperature_min,
    temperature_max = excluded.temperature_max,
    humidity_count = excluded.humidity_count,
    humidity_sum = excluded.humidity_sum,
    humidity_min = excluded.humidity_min,
    humidity_max = excluded.humidity_max,
    temperature_exact = excluded.temperature_exact,
    temperature_window = excluded.temperature_window,
    humidity_exact = excluded.humidity_exact,
    humidity_window = excluded.humidity_window`;

const SAVE_METRIC = `
  INSERT INTO device_metrics (
    tenant_id, device_id, position, name, count, sum, min, max, exact, "window"
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (tenant_id, device_id, position) DO UPDATE SET
    name = excluded.name,
    count = excluded.count,
    sum = excluded.sum,
    min = excluded.min,
    max = excluded.max,
    exact = excluded.exact,
    "window" = excluded."window"`;

const LOAD = `
  SELECT
    last_seen AS lastSeen,
    last_seen_ms AS lastSeenMs,
    results,
    last_processed_ms AS lastProcessed,
    last_score AS lastScore,
    journal_id AS journalId,
    temperature_count AS temperatureCount,
    temperature_sum AS temperatureSum,
    temperature_min AS temperatureMin,
    temperature_max AS temperatureMax,
    humidity_count AS humidityCount,
    humidity_sum AS humiditySum,
    humidity_min AS humidityMin,
    humidity_max AS humidityMax,
    temperature_exact AS temperatureExact,
    temperature_window AS temperatureWindow,
    humidity_exact AS humidityExact,
    humidity_window AS humidityWindow,
    EXISTS (
      SELECT 1 FROM device_metrics AS metric
      WHERE metric.tenant_id = devices.tenant_id AND metric.device_id = devices.device_id
    ) AS hasMetrics
  FROM devices WHERE tenant_id = ? AND device_id = ?`;
