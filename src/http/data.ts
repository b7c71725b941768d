import {
  BacklogFull,
  type BatchOutcome,
  type Intake,
  type Outcome,
  StoreUnavailable,
} from "../pipeline/ports.ts";
import { arrayRanges, lineRanges } from "./batch_body.ts";
import { Bodies, type BodyLimits } from "./body.ts";
import { dataAbout } from "./data_about.ts";
import { answer, errorAnswer, JsonText } from "./json.ts";
import { type ApiRequest, Refusal, refuseQuery, type Route } from "./request.ts";

/** After how many seconds readings may be sent again that couldn't be taken. */
const RETRY_AFTER = { "retry-after": "5" };
/** A quota has room again within a second, or somebody has to raise it. */
const QUOTA_RETRY_AFTER = { "retry-after": "1" };

const NOTHING_SENT: BatchOutcome = { accepted: 0, overQuota: 0, foreign: 0, rejected: [] };

/** `POST /api/data`: one reading or many, answered after their commit. */
export function dataRoute(options: { intake: Intake; limits: BodyLimits }): Route {
  const { intake, limits } = options;
  const bodies = new Bodies(limits);

  async function post(request: ApiRequest): Promise<Response> {
    const { raw, tenants } = request;
    refuseQuery(request);
    refuseEncoded(raw);
    const lines = isLines(raw);
    using inHand = bodies.begin();
    const body = await inHand.read(raw, { batch: lines });
    const ranges = lines ? lineRanges(body) : arrayRanges(body);
    if (ranges === null && body.length > limits.maxReadingBytes) {
      const limit = `expected at most ${limits.maxReadingBytes} bytes`;
      throw new Refusal(413, `body: ${limit} where it is no JSON array, got ${body.length}`);
    }
    try {
      if (ranges === null) return outcomeAnswer(await intake.submit(body, { tenants }));
      if (ranges.length === 0) return batchAnswer(NOTHING_SENT);
      return batchAnswer(await intake.submitBatch(body, ranges, { tenants }));
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw error;
      return errorAnswer(status, `${(error as Error).message}; nothing was taken`, RETRY_AFTER);
    }
  }

  return {
    path: "/api/data",
    methods: { POST: { handler: post, about: dataAbout, access: "write" } },
  };
}

/** Every other type is taken for JSON: programs send readings as anything from text to a form. */
function isLines(request: Request): boolean {
  const [type] = (request.headers.get("content-type") ?? "").split(";");
  return type.trim().toLowerCase() === "application/x-ndjson";
}

function refuseEncoded(request: Request): void {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return;
  throw new Refusal(415, `content-encoding: expected identity, got ${JSON.stringify(encoding)}`, {
    "accept-encoding": "identity",
  });
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof BacklogFull) return 429;
  return error instanceof StoreUnavailable ? 503 : undefined;
}

function outcomeAnswer(outcome: Outcome): Response {
  switch (outcome.kind) {
    case "result":
      return answer({ status: "ok", data: new JsonText(outcome.value) });
    case "sampled out":
      return answer({
        status: "skipped",
        message: "left out by the tenant's sampling",
        id: outcome.id,
      });
    case "rejected":
      return errorAnswer(400, outcome.reason);
    case "over quota":
      return errorAnswer(429, `nothing was taken: ${outcome.reason}`, QUOTA_RETRY_AFTER);
    case "foreign":
      return errorAnswer(403, `nothing was taken: ${outcome.reason}`);
  }
}

function batchAnswer({ accepted, overQuota, foreign, rejected }: BatchOutcome): Response {
  if (foreign > 0 && foreign === rejected.length && accepted === 0) {
    return errorAnswer(403, `nothing was taken: ${rejected[0].reason}`);
  }
  if (overQuota > 0 && overQuota === rejected.length && accepted === 0) {
    const message = `nothing was taken: ${rejected[0].reason}`;
    return errorAnswer(429, message, QUOTA_RETRY_AFTER);
  }
  const [status, word] = rejected.length === 0
    ? [200, "ok"]
    : accepted === 0
    ? [400, "error"]
    : [207, "partial"];
  return answer({
    status: word,
    message: status === 400 ? "every reading was rejected" : undefined,
    accepted,
    rejected: rejected.map(({ index, reason }) => ({ index, message: reason })),
  }, { status });
}
