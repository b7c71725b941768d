import assert from "node:assert/strict";
import { CONNECTION_LIMITS, Connections, type HeldConnection } from "../../src/http/connections.ts";

function rig(maxConnections = 3) {
  const clock = { time: 0 };
  const limits = { ...CONNECTION_LIMITS, maxConnections };
  const connections = new Connections({ limits, now: () => clock.time });
  /** A new connection, with what has become of it. */
  function add() {
    const state = { cut: false };
    const held = connections.add(() => state.cut = true);
    return held && Object.assign(state, held);
  }
  return { clock, connections, add };
}

Deno.test("of too many connections the one goes whose client is waited for longest", () => {
  const { connections, add } = rig();
  const [first, second, third] = [1, 2, 3].map(() => add()!);
  const asked = first.request();
  asked.whole();
  add();
  assert.deepEqual([first, second, third].map((it) => it.cut), [false, true, false]);
  asked.over();
  add();
  assert.equal(third.cut, true);
  assert.equal(first.cut, false, "answered last, it has waited least");
  assert.deepEqual([connections.open, connections.dropped], [3, 2]);
});

Deno.test("where all are at work a new one isn't taken; one that has ended makes room", () => {
  const { connections, add } = rig(2);
  const held = [1, 2].map(() => add()!);
  for (const it of held) it.request().whole();
  assert.equal(add(), undefined);
  assert.deepEqual(held.map((it) => it.cut), [false, false]);
  held[0].closed();
  assert.ok(add());
  assert.deepEqual([connections.open, connections.dropped], [2, 1]);
});

Deno.test("whoever was answered before he had sent everything has waited least, too", () => {
  const { add } = rig(2);
  const [first, second] = [add()!, add()!];
  first.request().over();
  add();
  assert.deepEqual([first.cut, second.cut], [false, true]);
});

Deno.test("a request whose body is still to come is one that its client is waited for", () => {
  const { add } = rig(1);
  const slow = add()!;
  slow.request();
  assert.ok(add());
  assert.equal(slow.cut, true);
});

Deno.test("clients that are slow with a request, a body, or reading their answer", () => {
  const { waitMs, bodyMs, answerMs } = CONNECTION_LIMITS;
  type On = (connection: HeldConnection | undefined) => void;
  const begun: On = (it) => void it!.request();
  const answered: On = (it) => {
    const request = it!.request();
    request.whole();
    request.answered();
  };
  const over: On = (it) => {
    const request = it!.request();
    request.whole();
    request.answered();
    request.over();
  };
  const table: [On, number][] = [
    [() => {}, waitMs],
    [begun, bodyMs],
    [answered, answerMs],
    [over, waitMs],
    [(it) => it!.request().whole(), Infinity],
  ];
  for (const [i, [act, patience]] of table.entries()) {
    const { connections, clock, add } = rig();
    const connection = add();
    clock.time = 1000;
    connection!.request().over();
    act(connection);
    clock.time += Math.min(patience, 1e9);
    connections.sweep();
    assert.equal(connection!.cut, false, String(i));
    clock.time += 1;
    connections.sweep();
    assert.equal(connection!.cut, patience < Infinity, String(i));
    assert.equal(connections.open, patience < Infinity ? 0 : 1);
  }
});

Deno.test("what is said twice, or too late, counts once", () => {
  const { connections, add } = rig(2);
  const it = add()!;
  const request = it.request();
  request.whole();
  request.whole();
  request.over();
  request.over();
  request.whole();
  request.answered();
  add();
  add();
  assert.equal(it.cut, true, "it waits, and for longest");
  it.closed();
  assert.equal(connections.open, 2);
});
