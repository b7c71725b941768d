import { type Intake, type Outcome, StoreUnavailable } from "../pipeline/ports.ts";
import { answer, errorAnswer, JsonText } from "./json.ts";
import { type ApiRequest, readBody, type Route } from "./request.ts";

/** After how many seconds a reading may be sent again that couldn't be committed. */
const RETRY_AFTER = "5";

/** `POST /api/data`: one reading, answered after its commit. */
export function dataRoute(options: { intake: Intake; maxReadingBytes: number }): Route {
  async function post(request: ApiRequest): Promise<Response> {
    const reading = await readBody(request.raw, options.maxReadingBytes);
    try {
      return outcomeAnswer(await options.intake.submit(reading));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return errorAnswer(503, `the reading was not taken: ${error.message}`, {
        "retry-after": RETRY_AFTER,
      });
    }
  }
  return { path: "/api/data", methods: { POST: post } };
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
  }
}
