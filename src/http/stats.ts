import { z } from "../../deps.ts";
import type { DeviceView, Statistics } from "../pipeline/ports.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { answer, jsonObject, type JsonText } from "./json.ts";
import { type ApiRequest, readQuery, type Route } from "./request.ts";
import { deviceJson, seriesJson, timeJson } from "./views.ts";

type ListedDevice = ReturnType<Statistics["page"]>["devices"][number];

const MAX_PAGE = 1000;
const limitRule = `expected a whole number from 1 to ${MAX_PAGE}`;

const query = z.object({
  limit: z.string().regex(/^[0-9]{1,4}$/, { error: limitRule }).transform(Number)
    .pipe(z.number().min(1, { error: limitRule }).max(MAX_PAGE, { error: limitRule }))
    .default(MAX_PAGE),
  after: z.string().transform(readCursor)
    .refine((it) => it !== null, { error: "expected the `next` of an earlier answer" })
    .optional(),
  tenant: z.string().min(1, { error: "expected a tenant's name" }).optional(),
  readings: z.enum(["true", "false"], { error: "expected true or false" }).default("true"),
});

/** `GET /api/stats`: the global statistics and a page of devices. */
export function statsRoute(statistics: Statistics): Route {
  function get(request: ApiRequest): Response {
    const { limit, after, tenant, ...rest } = readQuery(query, request);
    const readings = rest.readings === "true";
    const page = statistics.page({ limit, after: after ?? undefined, tenant, readings });
    const last = page.devices.at(-1);
    return answer({
      status: "ok",
      data: dataJson(statistics, { devices: page.devices, readings }),
      processing: processingJson(statistics),
      next: page.more && last !== undefined ? writeCursor(last) : undefined,
    });
  }
  return { path: "/api/stats", methods: { GET: get } };
}

function dataJson(
  statistics: Statistics,
  options: { devices: readonly ListedDevice[]; readings: boolean },
): JsonText {
  const { temperature, humidity, metrics } = statistics.global();
  const further = metrics.map(({ name, series }) => [name, seriesJson(series)] as const);
  const names = deviceNames(options.devices);
  return jsonObject([
    ["temperature", seriesJson(temperature)],
    ["humidity", seriesJson(humidity)],
    ["metrics", further.length === 0 ? undefined : jsonObject(further)],
    [
      "devices",
      jsonObject(options.devices.map((view, i) => [names[i], deviceJson(view, options)] as const)),
    ],
  ]);
}

/**
 * A device's id where only one tenant has it, `tenant_id/device_id` otherwise. An id with a slash that
 * looks like another device's long name takes its long name, too: no name stands for two devices.
 */
function deviceNames(devices: readonly ListedDevice[]): string[] {
  const long = (view: DeviceView) => `${view.tenant}/${view.device}`;
  const taken = new Set(devices.filter(({ shared }) => shared).map(long));
  return devices.map((view) => view.shared || taken.has(view.device) ? long(view) : view.device);
}

function processingJson(statistics: Statistics): JsonText {
  const it = statistics.processing();
  return jsonObject(Object.entries({
    running: it.running,
    messages_processed: it.messagesProcessed,
    last_processed: timeJson(it.lastProcessed),
    last_started: timeJson(it.lastStarted),
    errors: it.errors,
    sampled_out: it.sampledOut,
  }));
}
