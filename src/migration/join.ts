/** Brings together what both engines made of the same reading. */
import type { Row, Side } from "./result_table.ts";

export interface JoinTo {
  /** `exact`: they have the same temperature and humidity. */
  both(old: Row, now: Row, how: { exact: boolean }): void;
  /** `alike`: so many pairs there are of the same place, second and values. */
  only(side: Side, row: Row, how: { alike: number }): void;
  /** Whether a partner may still come; such a row is left to `keep`. */
  isFresh(row: Row): boolean;
  keep(side: Side, row: Row, how: { alike: number }): void;
}

/** Of one device and second, without a partner of the same values. */
const MAX_LEFT = 10_000;

interface Left {
  readonly row: Row;
  readonly alike: number;
}

/**
 * Both in the order of `ResultTable.rows`. Of one place and second those with the same values belong
 * together, in their order, as the old engines' topics don't keep a device's; then the rest in its order.
 * Without seconds nothing tells which of the rest belong together: they stay alone.
 */
export function join(
  olds: IterableIterator<Row>,
  news: IterableIterator<Row>,
  { bySecond, ...to }: JoinTo & { bySecond: boolean },
): void {
  let [a, b] = [olds.next(), news.next()];
  let left: Record<Side, Left[]> = { old: [], new: [] };
  let group: Row | undefined;
  let pair: Row | undefined;
  let alike = 0;
  const alone = (side: Side, { row, alike }: Left) => {
    if (to.isFresh(row)) to.keep(side, row, { alike });
    else to.only(side, row, { alike });
  };
  const settle = () => {
    const { old, new: now } = left;
    left = { old: [], new: [] };
    for (const list of [old, now]) list.sort((x, y) => x.row.number - y.row.number);
    // While partners may come nothing tells which of the rest belong together.
    const isOver = bySecond && ![...old, ...now].some(({ row }) => to.isFresh(row));
    const pairs = isOver ? Math.min(old.length, now.length) : 0;
    for (let i = 0; i < pairs; i++) to.both(old[i].row, now[i].row, { exact: false });
    const settled = (side: Side, one: Left) => {
      if (bySecond && !isOver) to.keep(side, one.row, one);
      else alone(side, one);
    };
    for (const one of old.slice(pairs)) settled("old", one);
    for (const one of now.slice(pairs)) settled("new", one);
  };
  const enter = (row: Row) => {
    if (group !== undefined && groupOrder(group, row) === 0) return;
    settle();
    group = row;
  };
  const leave = (side: Side, row: Row) => {
    enter(row);
    const now = pair !== undefined && order(pair, row) === 0 ? alike : 0;
    const one = { row, alike: row.alike + now };
    // One more of what is paired already has no partner among others.
    if (one.alike === 0 && left[side].length < MAX_LEFT) left[side].push(one);
    else alone(side, one);
  };
  while (!a.done || !b.done) {
    const which = a.done ? 1 : b.done ? -1 : order(a.value, b.value);
    if (which === 0) {
      enter(a.value!);
      alike = pair !== undefined && order(pair, a.value!) === 0 ? alike + 1 : 1;
      pair = a.value!;
      to.both(a.value!, b.value!, { exact: true });
    } else if (which < 0) leave("old", a.value!);
    else leave("new", b.value!);
    if (which <= 0) a = olds.next();
    if (which >= 0) b = news.next();
  }
  settle();
}

function groupOrder(a: Row, b: Row): number {
  return a.place - b.place || a.second - b.second;
}

function order(a: Row, b: Row): number {
  return groupOrder(a, b) || a.measured - b.measured;
}
