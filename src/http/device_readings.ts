import { z } from "../../deps.ts";
import type { ReadingColumn, Statistics } from "../pipeline/ports.ts";
import { CSV_HEADERS, csvLine, downloadName } from "./csv.ts";
import { chosenTenant, noData } from "./device_choice.ts";
import { JSON_HEADERS, jsonObject } from "./json.ts";
import type { Pages } from "./pages.ts";
import { tenantParameter } from "./parameters.ts";
import { inRows } from "./reading_rows.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { deviceReadingsAbout } from "./stats_about.ts";

const query = z.object({
  tenant: tenantParameter.optional()
    .describe("Which tenant's, where several have a device of this id."),
  format: z.enum(["json", "csv"], { error: "expected json or csv" }).default("json")
    .describe("`csv`: a table for a spreadsheet."),
});

/** So many rows between which others have their turn, if it is time. */
const ROWS = 50;

interface Found {
  readonly tenant: string;
  readonly device: string;
  readonly columns: readonly ReadingColumn[];
}

/** `GET /api/stats/device/:id/readings`: what the windows hold, with times. */
export function deviceReadingsRoute(statistics: Statistics, pages: Pages): Route {
  function get(request: ApiRequest): Promise<Response> {
    const device = request.param("id") ?? "";
    const { tenant: named, format } = readQuery(query, request);
    const tenant = chosenTenant(statistics, { request, device, tenant: named });
    const gather = () => {
      const columns = statistics.readings(tenant, device);
      if (columns === undefined) throw noData(device);
      return (format === "csv" ? csvText : jsonText)({ tenant, device, columns });
    };
    const name = `filename="${downloadName(device, format)}"`;
    return pages.answer(gather, {
      ...(format === "csv" ? CSV_HEADERS : JSON_HEADERS),
      "content-disposition": `${format === "csv" ? "attachment" : "inline"}; ${name}`,
    });
  }

  return {
    path: "/api/stats/device/:id/readings",
    methods: { GET: { handler: get, about: deviceReadingsAbout(query) } },
  };
}

function* csvText({ tenant, device, columns }: Found): Iterable<string> {
  const names = columns.map(({ metric, further }) => further ? `metrics.${metric}` : metric);
  let text = csvLine(["time", "tenant_id", "device_id", ...names]);
  let rows = 0;
  for (const { time, values } of inRows(columns)) {
    text += csvLine([timeText(time), tenant, device, ...values]);
    if (++rows % ROWS > 0) continue;
    yield text;
    text = "";
  }
  yield text;
}

function* jsonText({ tenant, device, columns }: Found): Iterable<string> {
  const head = jsonObject([["status", "ok"], ["device_id", device], ["tenant_id", tenant]]).text;
  let text = `${head.slice(0, -1)},"readings":[`;
  let rows = 0;
  for (const { time, values } of inRows(columns)) {
    const own: [string, unknown][] = [["time", timeText(time)]];
    const further: [string, number][] = [];
    for (const [i, value] of values.entries()) {
      if (value === undefined) continue;
      const column = columns[i];
      (column.further ? further : own).push([column.metric, value]);
    }
    if (further.length > 0) own.push(["metrics", jsonObject(further)]);
    text += (rows === 0 ? "" : ",") + jsonObject(own).text;
    if (++rows % ROWS > 0) continue;
    yield text;
    text = "";
  }
  yield `${text}]}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
