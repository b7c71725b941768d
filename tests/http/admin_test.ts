import assert from "node:assert/strict";
import type { ReloadOutcome } from "../../src/pipeline/ports.ts";
import { apiOver } from "./in_memory.ts";

async function reloaded(outcome: ReloadOutcome | null) {
  const reload = outcome === null ? undefined : { reload: () => outcome };
  const response = await apiOver({ reload }).api.request("/api/admin/reload", { method: "POST" });
  return {
    status: response.status,
    retry: response.headers.get("retry-after"),
    body: await response.json(),
  };
}

Deno.test("POST /api/admin/reload tells what came of it", async () => {
  assert.deepEqual(await reloaded({ kind: "done", named: 3 }), {
    status: 200,
    retry: null,
    body: { status: "ok", tenants: 3 },
  });
  assert.deepEqual(await reloaded({ kind: "wrong", faults: ["tenants: a", "tenants: b"] }), {
    status: 422,
    retry: null,
    body: {
      status: "error",
      message: "the tenants' file is wrong; the settings in force stay",
      faults: ["tenants: a", "tenants: b"],
    },
  });
  assert.deepEqual(await reloaded({ kind: "unavailable", reason: "disk full" }), {
    status: 503,
    retry: "5",
    body: { status: "error", message: "disk full" },
  });
  assert.deepEqual(await reloaded(null), {
    status: 409,
    retry: null,
    body: { status: "error", message: "no TENANTS_FILE is set: nothing can be read again" },
  });
});
