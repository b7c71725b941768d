/** Requests to `POST /api/data` with real answers, broken into lines; the engine writes them in one. */
import type { Example } from "./description.ts";

export const dataExamples: readonly Example[] = [{
  name: "one reading",
  body: `{"device_id":"press-7","temperature":35.2,"humidity":90.5,
 "timestamp":"2026-11-23T18:12:36Z"}`,
  status: 200,
  answer: `{"status":"ok","data":{"device_id":"press-7","temperature":35.2,"humidity":90.5,
 "timestamp":"2026-11-23T18:12:36Z","processed_at":"2026-11-25T07:31:27.422Z",
 "tenant_id":"default","is_anomaly":true,"anomaly_score":2,
 "temperature_stats":{"avg":35.2,"min":35.2,"max":35.2},
 "humidity_stats":{"avg":90.5,"min":90.5,"max":90.5},
 "reasons":[{"detector":"range","metric":"temperature","score":1,"detail":"35.2 is above 30"},
            {"detector":"range","metric":"humidity","score":1,"detail":"90.5 is above 80"}],
 "id":"01M88SVPHJNWC9DQKD35PR32ZE"}}`,
}, {
  name: "left out by sampling",
  when: "the tenant takes a share of its readings only",
  status: 200,
  answer: `{"status":"skipped","message":"left out by the tenant's sampling",
 "id":"01M88SVPQQA14E6WXSN3GHEJVP"}`,
}, {
  name: "no reading",
  body: `{"device_id":"press-7","temperature":"21.5"}`,
  status: 400,
  answer:
    `{"status":"error","message":"temperature: expected a number, got the string \\"21.5\\""}`,
}, {
  name: "an array, of which one is no reading",
  body: `[{"device_id":"press-7","temperature":21.5},
 {"device_id":"press-8","metrics":{"co2":412}},
 {"temperature":21.5}]`,
  status: 207,
  answer: `{"status":"partial","accepted":2,
 "rejected":[{"index":2,"message":"device_id: required"}]}`,
}, {
  name: "lines",
  type: "application/x-ndjson",
  body: `{"device_id":"press-7","temperature":22,"tenant_id":"north"}

{"device_id":"press-9"}`,
  status: 200,
  answer: `{"status":"ok","accepted":2,"rejected":[]}`,
}, {
  name: "an array without a reading",
  body: `[1,{}]`,
  status: 400,
  answer: `{"status":"error","message":"every reading was rejected","accepted":0,
 "rejected":[{"index":0,"message":"expected an object, got the number 1"},
             {"index":1,"message":"device_id: required"}]}`,
}, {
  name: "a compressed body",
  when: "the request has the header content-encoding",
  status: 415,
  answer: `{"status":"error","message":"content-encoding: expected identity, got \\"gzip\\""}`,
}, {
  name: "a tenant over its quota",
  when: "the tenant may have one device, and has it",
  status: 429,
  answer: `{"status":"error",
 "message":"nothing was taken: quota: expected at most 1 devices of tenant \\"small\\", got one more"}`,
}];
