/** Requests about dead letters with real answers, broken into lines; the engine writes them in one. */
import type { Example } from "./description.ts";

const REJECTED = `{"number":1,"id":"01M88SVPKR9W7V0WK6RRXVTKP4","sink":"input","tenant_id":null,
   "reason":"temperature: expected a number, got the string \\"21.5\\"",
   "time":"2026-11-25T07:31:27.482Z","kept_at":"2026-11-25T07:31:27.483Z",
   "topic":null,"partition":null,"offset":null,"status":null,"answer":null,"attempts":0,"size":44}`;

export const listExamples: readonly Example[] = [{
  name: "the first two",
  query: { limit: "2" },
  status: 200,
  answer: `{"status":"ok",
 "letters":[
  ${REJECTED},
  {"number":2,"id":"01M88SVPM8JTHC3SH2R9RDZHWH","sink":"input","tenant_id":null,
   "reason":"device_id: required",
   "time":"2026-11-25T07:31:27.495Z","kept_at":"2026-11-25T07:31:27.496Z",
   "topic":null,"partition":null,"offset":null,"status":null,"answer":null,"attempts":0,"size":20}],
 "kept":4,"kept_bytes":67,"next":2}`,
}, {
  name: "a refused result",
  when: "the storage service has refused it",
  query: { sink: "storage" },
  status: 200,
  answer: `{"status":"ok",
 "letters":[
  {"number":1,"id":"01M887C7VWA3AYTW6R0A2SDFZS","sink":"storage","tenant_id":"north",
   "reason":"status 422",
   "time":"2026-11-25T02:08:26.496Z","kept_at":"2026-11-25T02:08:26.692Z",
   "topic":null,"partition":null,"offset":null,"status":422,
   "answer":"{\\"error\\":\\"no such sensor\\"}","attempts":1,"size":304}],
 "kept":1,"kept_bytes":304}`,
}];

export const replayExamples: readonly Example[] = [{
  name: "a dry run",
  body: `{"filter":{"reason":"temperature"},"dry_run":true}`,
  status: 200,
  answer: `{"status":"ok","dry_run":true,"matched":1,"replayed":0,"rejected_again":0,"left":0,
 "examples":[
  ${REJECTED}]}`,
}, {
  name: "a reading that is rejected again",
  body: `{"numbers":[1]}`,
  status: 200,
  answer: `{"status":"ok","dry_run":false,"matched":1,"replayed":1,"rejected_again":1,"left":0}`,
}, {
  name: "a refused result, sent again",
  when: "the storage service has refused it",
  body: `{"filter":{"sink":"storage","reason":"status 422"}}`,
  status: 200,
  answer: `{"status":"ok","dry_run":false,"matched":1,"replayed":1,"rejected_again":0,"left":0}`,
}, {
  name: "a misspelt filter",
  body: `{"filter":{"sinks":"input"}}`,
  status: 400,
  answer: `{"status":"error","message":"filter: expected no \\"sinks\\""}`,
}];

export const discardExamples: readonly Example[] = [{
  name: "rejected for one reason",
  body: `{"filter":{"sink":"input","reason":"device_id"}}`,
  status: 200,
  answer: `{"status":"ok","dry_run":false,"matched":2,"discarded":2}`,
}];

export const showExamples: readonly Example[] = [{
  name: "one letter",
  path: { number: "3" },
  status: 200,
  answer: `{"status":"ok","letter":{"number":3,"id":"01M88SVPNH8WZAX890JH862SVY","sink":"input",
 "tenant_id":null,"reason":"expected an object, got the number 1",
 "time":"2026-11-25T07:31:27.537Z","kept_at":"2026-11-25T07:31:27.537Z",
 "topic":null,"partition":null,"offset":null,"status":null,"answer":null,"attempts":0,"size":1,
 "encoding":"utf-8","value":"1"}}`,
}, {
  name: "no such letter",
  path: { number: "9" },
  status: 404,
  answer: `{"status":"error","message":"No dead letter 9"}`,
}];
