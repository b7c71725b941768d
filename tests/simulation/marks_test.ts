import assert from "node:assert/strict";
import { type Mark, MarkKeeper, markOf } from "../../src/simulation/marks.ts";
import { simulation } from "./fleet.ts";

const fleet = simulation({ seed: 5, devices: 20, tenants: 3 });
const READINGS = 20 * 1000;

/** What the keeper hands out for the readings up to, but not including, `end`. */
function marksUpTo(end: number): { ended: Mark[]; open: Mark[] } {
  const keeper = new MarkKeeper(fleet);
  const ended: Mark[] = [];
  for (let number = 0; number < end; number++) {
    const mark = keeper.note(number);
    if (mark) ended.push(mark);
  }
  return { ended, open: keeper.open() };
}

Deno.test("the marks name every reading with a fault, and no other", () => {
  const { ended, open } = marksUpTo(READINGS);
  const marks = [...ended, ...open];
  assert.ok(marks.length > 20 && open.length > 0);
  for (let number = 0; number < READINGS; number++) {
    const { device, tenant } = fleet.deviceOf(number);
    const time = fleet.timeOf(number);
    const fault = fleet.faultOf(number);
    const said = marks.filter((mark) =>
      mark.device === device && Date.parse(mark.from) <= time && time <= Date.parse(mark.to)
    );
    assert.deepEqual(
      said.map((mark) => [mark.kind, mark.metric, mark.tenant]),
      fault === undefined ? [] : [[fault.kind, fault.metric, tenant]],
    );
  }
});

Deno.test("a fault that goes on is marked up to the last reading that was noted", () => {
  const number = Array.from({ length: READINGS }, (_, i) => i)
    .find((it) => {
      const fault = fleet.faultOf(it);
      return fault?.kind === "silence" && fault.first + 3 === fleet.stepOf(it);
    })!;
  const mark = marksUpTo(number + 1).open.find((it) =>
    it.device === fleet.deviceOf(number).device
  )!;
  assert.equal(mark.to, new Date(fleet.timeOf(number)).toISOString());
  assert.equal(mark.from, new Date(fleet.timeOf(number - 3 * 20)).toISOString());
  assert.equal("metric" in mark, false);
});

Deno.test("where there is no fault there is nothing to mark", () => {
  const sound = Array.from({ length: READINGS }, (_, i) => i).find((it) => !fleet.faultOf(it))!;
  assert.throws(() => markOf(fleet, sound), /Mark a fault at reading \d+: there is none/);
});
