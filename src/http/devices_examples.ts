/** Requests for lists of devices with real answers, broken into lines; the engine writes them in one. */
import type { Example } from "./description.ts";

export const devicesExamples: readonly Example[] = [{
  name: "by their last score",
  query: { sort: "score", search: "press", limit: "1" },
  status: 200,
  answer: `{"status":"ok",
 "devices":[
  {"tenant_id":"default","device_id":"press-7","last_seen":"2026-11-25T07:31:27.495Z",
   "results":2,"last_processed":"2026-11-25T07:31:27.495Z","last_score":0}],
 "next":"WzAsImRlZmF1bHQiLCJwcmVzcy03Il0"}`,
}, {
  name: "silent for ten minutes: none",
  query: { silent_for: "600" },
  status: 200,
  answer: `{"status":"ok","devices":[]}`,
}];
