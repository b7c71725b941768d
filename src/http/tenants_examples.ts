/** Requests for tenants with real answers, broken into lines; the engine writes them in one. */
import type { Example } from "./description.ts";

export const tenantsExamples: readonly Example[] = [{
  name: "one tenant",
  query: { tenant: "north" },
  status: 200,
  answer: `{"status":"ok",
 "others":{"threshold":2,"sampling":1,"max_readings":100,
  "detectors":[{"type":"range","metric":"temperature","min":10,"max":30,"weight":1},
               {"type":"range","metric":"humidity","min":20,"max":80,"weight":1}]},
 "tenants":[
  {"tenant_id":"north","display_name":"north","named":false,"devices":1,"results":1,
   "last_processed":"2026-11-25T07:31:27.508Z",
   "settings":{"threshold":2,"sampling":1,"max_readings":100,
    "detectors":[{"type":"range","metric":"temperature","min":10,"max":30,"weight":1},
                 {"type":"range","metric":"humidity","min":20,"max":80,"weight":1}]}}]}`,
}];
