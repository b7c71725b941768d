/** The HTTP API (contract, section 6) as an application that needs no port. */
import { type Context, Hono } from "../../deps.ts";
import {
  type AnomalyReader,
  type DeadLetterDesk,
  type DeviceLists,
  type Health,
  type Intake,
  type Log,
  type Statistics,
  StoreUnavailable,
  type TenantLists,
  type TenantsReload,
} from "../pipeline/ports.ts";
import type { Token } from "../core/token.ts";
import { AccessControl, type Demand, demandOf } from "./access.ts";
import { reloadRoute } from "./admin.ts";
import { anomaliesRoute } from "./anomalies.ts";
import type { BodyLimits } from "./body.ts";
import { dataRoute } from "./data.ts";
import { deadLetterRoutes } from "./dead_letters.ts";
import { deviceReadingsRoute } from "./device_readings.ts";
import { deviceStatsRoute } from "./device_stats.ts";
import { devicesRoute } from "./devices.ts";
import { docsRoute } from "./docs.ts";
import { healthRoutes } from "./health.ts";
import { indexRoute } from "./index.ts";
import { errorAnswer } from "./json.ts";
import { type HttpMetrics, metricsRoute } from "./metrics.ts";
import { type Document, openapiDocument, openapiRoute } from "./openapi.ts";
import { type PageLimits, Pages } from "./pages.ts";
import { type Operation, Refusal, type Route } from "./request.ts";
import type { Connection } from "./serve.ts";
import { statsRoute } from "./stats.ts";
import { streamRoute } from "./stream.ts";
import { EVENT_STREAM } from "./stream_about.ts";
import type { StreamReaders } from "./stream_readers.ts";
import { refuseTarget } from "./target.ts";
import { tenantsRoute } from "./tenants.ts";

export interface ApiOptions {
  readonly intake: Intake;
  readonly letters: DeadLetterDesk;
  readonly anomalies: AnomalyReader;
  readonly statistics: Statistics;
  readonly devices: DeviceLists;
  readonly tenants: TenantLists;
  readonly health: Health;
  readonly metrics: HttpMetrics;
  readonly stream: StreamReaders;
  /** null: there is no tenants' file. */
  readonly reload: TenantsReload | null;
  /** In force now; without any of them everybody is let in. The same array as long as nothing changes. */
  readonly tokens: () => readonly Token[];
  /** Whether the metrics need no token. */
  readonly metricsPublic: boolean;
  readonly limits: BodyLimits;
  /** Limits other than the usual ones. */
  readonly pages?: Partial<PageLimits>;
  readonly log: Log;
  /** ms; only differences count, fractions make them finer. */
  readonly now: () => number;
  /** ms since 1970, as the machine's clock is set now. */
  readonly wallClock: () => number;
  readonly version: string;
}

interface ApiEnvironment {
  Bindings: Partial<Connection>;
  Variables: { endpoint: string };
}

export type Api = Hono<ApiEnvironment>;

/** The label `endpoint` of requests that no route takes. */
const NO_ROUTE = "other";
const knownMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

export function createApi(options: ApiOptions): Api {
  const { now } = options;
  const api: Api = new Hono();
  const pages = new Pages({ now, limits: options.pages });
  const routes: Route[] = [
    ...healthRoutes(options),
    statsRoute(options.statistics, pages),
    deviceStatsRoute(options.statistics),
    deviceReadingsRoute(options.statistics, pages),
    devicesRoute(options.devices, { pages, wallClock: options.wallClock }),
    tenantsRoute(options.tenants, pages),
    anomaliesRoute(options.anomalies),
    dataRoute(options),
    ...deadLetterRoutes(options),
    streamRoute(options.stream),
    reloadRoute(options),
    metricsRoute(options.metrics, { open: options.metricsPublic }),
  ];
  const access = new AccessControl(options);
  measure(api, options);
  refuseWrongTargets(api);
  const { version } = options;
  const documents = new Map<boolean, Document>();
  function document(): Document {
    const asksForTokens = options.tokens().length > 0;
    const made = documents.get(asksForTokens) ??
      openapiDocument({ version, routes: all, asksForTokens });
    documents.set(asksForTokens, made);
    return made;
  }
  routes.push(openapiRoute(document), docsRoute(document));
  const all = [...routes, indexRoute({ version, routes })];
  for (const route of all) register(api, route, access);
  api.notFound((c) => {
    admit(access, c, ANY_TOKEN);
    return redirected(c.req.raw, routes) ?? errorAnswer(404, `Not found: ${c.req.path}`);
  });
  api.onError((error, c) => {
    if (error instanceof Refusal) return errorAnswer(error.status, error.message, error.headers);
    // The log has it from whoever noticed it first.
    if (error instanceof StoreUnavailable) {
      return errorAnswer(503, error.message, { "retry-after": "5" });
    }
    options.log.error("answering a request failed", {
      method: c.req.method,
      endpoint: c.get("endpoint") ?? NO_ROUTE,
      error,
      todo: "this is a defect: please report it",
    });
    return errorAnswer(500, "internal error; the log says more");
  });
  return api;
}

function refuseWrongTargets(api: Api): void {
  api.use(async (c, next) => {
    refuseTarget(c.req.raw);
    await next();
  });
}

function measure(api: Api, { metrics, now }: ApiOptions): void {
  api.use(async (c, next) => {
    const start = now();
    await next();
    if (c.req.method === "HEAD") await announceLength(c.res);
    metrics.request({
      endpoint: c.get("endpoint") ?? NO_ROUTE,
      method: knownMethods.includes(c.req.method) ? c.req.method : "other",
      status: c.res.status,
      seconds: Math.max(0, now() - start) / 1000,
    });
  });
}

/** The body is dropped later: a HEAD must announce what a GET would bring, not nothing. A stream has no length. */
async function announceLength(response: Response): Promise<void> {
  if (response.headers.get("content-type") === EVENT_STREAM) return;
  if (response.headers.has("content-length")) return await response.body?.cancel();
  const { length } = await response.clone().bytes();
  response.headers.set("content-length", String(length));
}

/** These routes alone, unmeasured: for an engine that waits, and for whoever asks within the process. */
export function routesOnly(routes: readonly Route[]): Api {
  const api: Api = new Hono();
  refuseWrongTargets(api);
  for (const route of routes) register(api, route);
  api.notFound((c) => errorAnswer(404, `Not found: ${c.req.path}`));
  api.onError((error) => {
    if (error instanceof Refusal) return errorAnswer(error.status, error.message, error.headers);
    throw error;
  });
  return api;
}

/** What isn't there, or not so, is told only to those who may ask for something. */
const ANY_TOKEN: Demand = { access: "any token", everybodys: false };

/** Hono answers HEAD by the route's GET, without the body. Without `access` everybody is let in. */
function register(api: Api, route: Route, access?: AccessControl): void {
  const { path, methods } = route;
  const operations: [string, Operation][] = Object.entries(methods);
  const allowed = Object.keys(methods).flatMap((it) => it === "GET" ? ["GET", "HEAD"] : [it]);
  for (const [method, operation] of operations) {
    const { handler } = operation;
    const demand = demandOf(method, operation);
    api.on(method, path, (c) => {
      c.set("endpoint", path);
      return handler({
        raw: c.req.raw,
        query: () => c.req.query(),
        param: (name) => c.req.param(name),
        tenants: admit(access, c, demand),
        completed: c.env?.completed,
      });
    });
  }
  const isOpen = operations.every(([method, it]) => demandOf(method, it).access === "open");
  api.all(path, (c) => {
    c.set("endpoint", path);
    if (!isOpen) admit(access, c, ANY_TOKEN);
    return errorAnswer(405, `${c.req.method} isn't allowed here`, { allow: allowed.join(", ") });
  });
}

function admit(
  access: AccessControl | undefined,
  c: Context<ApiEnvironment>,
  demand: Demand,
): ReadonlySet<string> | null {
  if (access === undefined) return null;
  const { raw, method } = c.req;
  const endpoint = c.get("endpoint") ?? NO_ROUTE;
  return access.admit({ headers: raw.headers, method, endpoint, connection: c.env }, demand);
}

/** A path that a route would take without its trailing slash; never another host (`//host/`). */
function redirected(request: Request, routes: readonly Route[]): Response | undefined {
  // null: the host may be one that could stand in an address and yet be none ("[1").
  const { pathname, search } = URL.parse(request.url) ?? { pathname: "", search: "" };
  const path = pathname.replace(/\/+$/, "");
  if (path === pathname || !routes.some((route) => takes(route, path))) return undefined;
  const headers = { location: path + search, "cache-control": "no-store" };
  return new Response(null, { status: 308, headers });
}

function takes(route: Route, path: string): boolean {
  const parts = path.split("/");
  const wanted = route.path.split("/");
  return parts.length === wanted.length &&
    wanted.every((it, i) => it.startsWith(":") ? parts[i] !== "" : it === parts[i]);
}
