import assert from "node:assert/strict";
import { HeapWatch } from "../../src/app/heap_watch.ts";

const MIB = 1024 ** 2;

function rig() {
  const heap = { used: 0, alive: 0, collections: 0 };
  const watch = new HeapWatch({
    used: () => heap.used,
    collect: () => {
      heap.collections++;
      heap.used = heap.alive;
    },
  });
  return { heap, watch };
}

Deno.test("with many devices no more than 64 MiB of garbage lie about between two looks", () => {
  const { heap, watch } = rig();
  heap.alive = heap.used = 200 * MIB;
  let most = 0;
  for (let look = 0; look < 1000; look++) {
    // V8 finds some of it by itself now and then.
    if (look % 37 === 0) heap.used = heap.alive;
    heap.used += 3 * MIB;
    watch.look(150 * MIB);
    most = Math.max(most, heap.used - heap.alive);
  }
  assert.ok(most <= 70 * MIB, `${most}`);
  assert.ok(heap.collections > 10 && heap.collections < 60, `${heap.collections}`);
});

Deno.test("with few devices garbage is V8's own affair", () => {
  const { heap, watch } = rig();
  for (let look = 0; look < 100; look++) {
    heap.used += 10 * MIB;
    watch.look(50 * MIB);
  }
  assert.equal(heap.collections, 0);
});
