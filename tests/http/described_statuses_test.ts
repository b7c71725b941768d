/** Every status that the document describes is one that can come, in the form that is described. */
import assert from "node:assert/strict";
import { ownText } from "../../src/http/description.ts";
import type { Document } from "../../src/http/openapi.ts";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { serveApi } from "../../src/http/serve.ts";
import { DescribedAnswers } from "./described_answers.ts";
import { apiOver, DevicesInMemory, NO_LETTERS } from "./in_memory.ts";
import { BELIEVED, PROVOKED } from "./provoked_answers.ts";

const document: Document = JSON.parse((await apiOver().get("/openapi.json")).text);

/** Those that a route describes as its own, beside what every one may answer. */
function ownStatuses(): string[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.entries(responses as Record<string, { description: string }>)
        .filter(([, it]) => ownText(it.description) !== "")
        .map(([status]) => `${method.toUpperCase()} ${path} ${status}`)
    )
  );
}

Deno.test("each route's own statuses are provoked, or there is a reason not to", async () => {
  const listed = [...Object.keys(PROVOKED), ...Object.keys(BELIEVED)];
  assert.deepEqual(listed.sort(), ownStatuses().sort());
  for (const [name, provoke] of Object.entries(PROVOKED)) {
    const response = await provoke();
    assert.equal(response.status, Number(name.split(" ").at(-1)), name);
    await response.text(); // held to the description as it is read
  }
});

/** A request to each operation. */
function requests(): { method: string; path: string }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{\w+\}/g, "1"),
    }))
  );
}

Deno.test("whatever is asked for: 400, 500 and 501 in the form of every error", async () => {
  const broken = () => {
    throw new Error("a defect");
  };
  const provoked: [number, Parameters<typeof apiOver>[0], Record<string, string>][] = [
    [400, {}, { host: "a/b" }],
    [500, { now: broken }, {}],
    [501, {}, { "transfer-encoding": "gzip, chunked" }],
  ];
  for (const { method, path } of requests()) {
    for (const [status, options, headers] of provoked) {
      const response = await apiOver(options).api.request(path, { method, headers });
      assert.equal(response.status, status, `${method} ${path}`);
      assert.equal((await response.json()).status, "error");
    }
  }
});

Deno.test("whatever reads the store: 503 while it can't be read", async () => {
  const fails = () => {
    throw new StoreUnavailable("reading: no disk");
  };
  const statistics = new DevicesInMemory([]);
  Object.assign(statistics, { page: fails, tenantsOf: fails });
  const letters = { ...NO_LETTERS, letters: { ...NO_LETTERS.letters, heads: fails, get: fails } };
  const anomalies = { page: fails, counts: () => ({ kept: 0, dropped: 0 }) };
  const { api } = apiOver({ statistics, letters, anomalies });
  const reading = [
    ...["/api/stats", "/api/stats/device/a", "/api/stats/device/a/readings", "/api/anomalies"],
    ...["/api/dead-letters", "/api/dead-letters/1"],
  ];
  for (const path of reading) {
    const response = await api.request(path);
    assert.equal(response.status, 503, path);
    await response.text(); // held to the description as it is read
  }
});

Deno.test("whatever is asked for: 503 while the engine stops", async () => {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const held = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  const app = {
    fetch: () => {
      asked.resolve();
      return held.promise;
    },
  };
  const server = serveApi({ app, host: "127.0.0.1", port: 0, log });
  const address = `http://127.0.0.1:${server.port}`;
  const inHand = fetch(address);
  await asked.promise;
  const closing = server.close(30_000);
  const described = new DescribedAnswers(document);
  for (const { method, path } of requests()) {
    const response = await fetch(address + path, { method });
    assert.equal(response.status, 503, path);
    await described.watched({ method, path }, response).text();
  }
  held.resolve(new Response());
  await (await inHand).text();
  await closing;
});
