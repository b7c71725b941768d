import assert from "node:assert/strict";
import fc from "fast-check";
import { apiOver, deviceOf, DevicesInMemory } from "./in_memory.ts";

async function namesOf(devices: readonly (readonly [string, string])[], query = "") {
  const statistics = new DevicesInMemory(
    devices.map(([tenant, device]) => deviceOf(tenant, device)),
  );
  const { get } = apiOver({ statistics });
  return Object.keys(JSON.parse((await get(`/api/stats${query}`)).text).data.devices);
}

Deno.test("an id of several tenants is named tenant_id/device_id; a slash in a part is encoded", async () => {
  const shared = [["a", "b/c"], ["a/b", "c"], ["z", "b/c"], ["z", "c"]] as const;
  assert.deepEqual(await namesOf(shared), ["a/b%2Fc", "a%2Fb/c", "z/b%2Fc", "z/c"]);
  assert.deepEqual(await namesOf([["a", "100%"], ["b", "100%"]]), ["a/100%25", "b/100%25"]);
  assert.deepEqual(await namesOf([["plant 1", "mill-3"], ["plant 2", "mill-3"]]), [
    "plant 1/mill-3",
    "plant 2/mill-3",
  ]);
});

Deno.test("an id of one tenant stays as it is, unless it reads as another device's long name", async () => {
  assert.deepEqual(
    await namesOf([["t", "a/b/c"], ["t", "hall/mill"], ["t", "50%"], ["u", "x%2Fy"]]),
    [
      "50%",
      "a/b/c",
      "hall/mill",
      "x%2Fy",
    ],
  );
  const reading = [["a", "b"], ["t", "a/b"], ["t", "t/a%2Fb"], ["z", "b"]] as const;
  assert.deepEqual(await namesOf(reading), ["a/b", "t/a%2Fb", "t/t%2Fa%252Fb", "z/b"]);
});

Deno.test("no two devices have one name, whatever tenants and ids are called, on whatever page", async () => {
  const parts = ["a", "b", "a/b", "b/a", "%2F", "a%2Fb", "%25"];
  // Tenants that have the same ids: their long names are what could be the same.
  const several = fc.tuple(
    fc.subarray(parts),
    fc.subarray(parts),
  )
    .map(([tenants, ids]) => tenants.flatMap((it) => ids.map((id) => [it, id] as const)));
  const single = fc.array(fc.tuple(fc.constantFrom(...parts), fc.constantFrom(...parts)), {
    maxLength: 4,
  });
  const devices = fc.tuple(several, single).map(([some, others]) => [
    ...new Map([...some, ...others].map((it) => [JSON.stringify(it), it])).values(),
  ]);
  await fc.assert(
    fc.asyncProperty(devices, async (devices) => {
      const names = await namesOf(devices);
      assert.equal(new Set(names).size, devices.length, names.join(" "));
      const tenants = [...new Set(devices.map(([tenant]) => tenant))];
      const pages = await Promise.all(
        tenants.map((it) => namesOf(devices, `?tenant=${encodeURIComponent(it)}`)),
      );
      assert.deepEqual(pages.flat().sort(), names.sort());
    }),
    { numRuns: 300 },
  );
});
