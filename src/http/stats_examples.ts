/** Requests for statistics with real answers, broken into lines; the engine writes them in one. */
import type { Example } from "./description.ts";

export const statsExamples: readonly Example[] = [{
  name: "a page of one device",
  query: { limit: "1" },
  status: 200,
  answer: `{"status":"ok",
 "data":{
  "temperature":{"count":3,"sum":78.7,"min":21.5,"max":35.2,"avg":26.233333333333334},
  "humidity":{"count":1,"sum":90.5,"min":90.5,"max":90.5,"avg":90.5},
  "metrics":{"co2":{"count":1,"sum":412,"min":412,"max":412,"avg":412}},
  "devices":{
   "default/press-7":{
    "temperature":{"readings":[35.2,21.5],"avg":28.35,"min":21.5,"max":35.2,"count":2},
    "humidity":{"readings":[90.5],"avg":90.5,"min":90.5,"max":90.5,"count":1},
    "last_seen":"2026-11-25T07:31:27.495Z"}}},
 "processing":{"running":true,"messages_processed":5,"last_processed":"2026-11-25T07:31:27.508Z",
  "last_started":"2026-11-25T07:31:27.318Z","errors":4,"sampled_out":0},
 "next":"WyJkZWZhdWx0IiwicHJlc3MtNyJd"}`,
}, {
  name: "the page behind it, without values",
  query: { limit: "1", after: "WyJkZWZhdWx0IiwicHJlc3MtNyJd", readings: "false" },
  status: 200,
  answer: `{"status":"ok",
 "data":{
  "temperature":{"count":3,"sum":78.7,"min":21.5,"max":35.2,"avg":26.233333333333334},
  "humidity":{"count":1,"sum":90.5,"min":90.5,"max":90.5,"avg":90.5},
  "metrics":{"co2":{"count":1,"sum":412,"min":412,"max":412,"avg":412}},
  "devices":{
   "press-8":{
    "temperature":{"avg":null,"min":null,"max":null,"count":0},
    "humidity":{"avg":null,"min":null,"max":null,"count":0},
    "metrics":{"co2":{"avg":412,"min":412,"max":412,"count":1}},
    "last_seen":"2026-11-25T07:31:27.495Z"}}},
 "processing":{"running":true,"messages_processed":5,"last_processed":"2026-11-25T07:31:27.508Z",
  "last_started":"2026-11-25T07:31:27.318Z","errors":4,"sampled_out":0},
 "next":"WyJkZWZhdWx0IiwicHJlc3MtOCJd"}`,
}, {
  name: "a wrong parameter",
  query: { tenant: "north", limit: "0" },
  status: 400,
  answer:
    `{"status":"error","message":"limit: expected a whole number from 1 to 1000, got \\"0\\""}`,
}, {
  name: "an unknown parameter",
  query: { Limit: "5" },
  status: 400,
  answer: `{"status":"error","message":"\\"Limit\\": unknown; did you mean limit?"}`,
}];

export const deviceStatsExamples: readonly Example[] = [{
  name: "one device",
  path: { id: "press-7" },
  query: { tenant: "default" },
  status: 200,
  answer: `{"status":"ok","device_id":"press-7","tenant_id":"default",
 "data":{
  "temperature":{"readings":[35.2,21.5],"avg":28.35,"min":21.5,"max":35.2,"count":2},
  "humidity":{"readings":[90.5],"avg":90.5,"min":90.5,"max":90.5,"count":1},
  "last_seen":"2026-11-25T07:31:27.495Z"}}`,
}, {
  name: "an unknown device",
  path: { id: "press-6" },
  status: 404,
  answer: `{"status":"error","message":"No data for device press-6"}`,
}, {
  name: "an id that two tenants have",
  path: { id: "press-7" },
  status: 409,
  answer: `{"status":"error",
 "message":"Device press-7 exists in 2 tenants: default, north; name one with ?tenant="}`,
}];

export const deviceReadingsExamples: readonly Example[] = [{
  name: "one device's values with their times",
  path: { id: "press-7" },
  query: { tenant: "default" },
  status: 200,
  answer: `{"status":"ok","device_id":"press-7","tenant_id":"default",
 "readings":[{"time":"2026-11-23T18:12:36.000Z","temperature":35.2,"humidity":90.5},
             {"time":"2026-11-25T07:31:27.495Z","temperature":21.5}]}`,
}, {
  name: "the same as a table",
  path: { id: "press-7" },
  query: { tenant: "default", format: "csv" },
  status: 200,
  media: "text/csv",
  answer: `time,tenant_id,device_id,temperature,humidity
2026-11-23T18:12:36.000Z,default,press-7,35.2,90.5
2026-11-25T07:31:27.495Z,default,press-7,21.5,
`,
}];
