import assert from "node:assert/strict";
import { Pauses } from "../../src/kafka/pauses.ts";
import { Turns } from "../../src/kafka/turns.ts";

/** Turns whose pauses last as long as the test wants; `asked` has their lengths. */
function rig() {
  const asked: number[] = [];
  const open: (() => void)[] = [];
  const pauses = new Pauses();
  pauses.begin = (ms) => {
    asked.push(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    open.push(resolve);
    return { over: promise, end: resolve };
  };
  const turns = new Turns({ pauses, random: () => 1 });
  const going: string[] = [];
  return {
    turns,
    asked,
    going,
    pauses,
    take: (who: string, placeOf = () => "a") => {
      void turns.take(who, placeOf).then(() => going.push(who));
    },
    /** The pause that was begun first is over. */
    async over(): Promise<void> {
      await settled();
      open.shift()?.();
      await settled();
    },
  };
}

/** Everything that was waiting for nothing else has run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("where nothing fails everybody goes at once", async () => {
  const { take, going, asked } = rig();
  for (const who of ["1", "2", "3"]) take(who);
  await settled();
  assert.deepEqual(going, ["1", "2", "3"]);
  assert.deepEqual(asked, []);
});

Deno.test("where one has failed one at a time tries it, less and less often", async () => {
  const { turns, take, going, asked, over } = rig();
  for (const who of ["1", "2", "3"]) turns.failed("a", who); // of one lost connection
  for (const who of ["1", "2", "3"]) take(who);
  await settled();
  assert.deepEqual([going, asked], [[], [200]]);
  await over();
  assert.deepEqual(going, ["1"]);
  turns.failed("a", "2"); // hasn't the turn: that is no news
  turns.failed("a", "1");
  take("1");
  await over();
  assert.deepEqual([going, asked], [["1", "2"], [200, 400]]);
  turns.failed("a", "2");
  await over();
  assert.deepEqual([going, asked], [["1", "2", "3"], [200, 400, 800]]);
});

Deno.test("when it works again all that wait go on, the pause of the next one is over, too", async () => {
  const { turns, take, going, over } = rig();
  turns.failed("a", "1");
  for (const who of ["1", "2", "3"]) take(who);
  await over();
  turns.failed("a", "1");
  await settled();
  turns.passed("a");
  await settled();
  assert.deepEqual(going.toSorted(), ["1", "2", "3"]);
  take("4");
  await settled();
  assert.equal(going.at(-1), "4");
});

Deno.test("who has the turn keeps it until it fails, passes or leaves", async () => {
  const { turns, take, going, over } = rig();
  turns.failed("a", "1");
  take("1");
  take("2");
  await over();
  await over();
  assert.deepEqual(going, ["1"]);
  take("1"); // settles twice before it can send
  await over();
  assert.deepEqual(going, ["1", "1"]);
  turns.leave("1");
  await settled();
  await over();
  assert.deepEqual(going, ["1", "1", "2"]);
});

Deno.test("places don't wait for one another, and a lane whose leader has moved goes there", async () => {
  const { turns, take, going } = rig();
  let place = "a";
  turns.failed("a", "1");
  take("1");
  take("2", () => place);
  take("3", () => "b");
  await settled();
  assert.deepEqual(going, ["3"]);
  place = "b";
  turns.look();
  await settled();
  assert.deepEqual(going, ["3", "2"]);
});

Deno.test("when the pauses have ended nobody is kept", async () => {
  const { turns, take, going, pauses, over } = rig();
  turns.failed("a", "1");
  for (const who of ["1", "2"]) take(who);
  pauses.end();
  turns.look();
  await over();
  assert.deepEqual(going.toSorted(), ["1", "2"]);
});
