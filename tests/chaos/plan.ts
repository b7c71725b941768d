/** Which faults come, in which order and for how long: all of it follows from the seed. */

/** Seconds that a fault lasts: from, to. Where nothing lasts they say nothing. */
const SECONDS = {
  "engine killed": [0, 0],
  "engine killed while it starts": [0.02, 0.8],
  "engine frozen": [11, 13],
  "broker killed": [0, 0],
  "broker away": [3, 7],
  "storage answers 500": [2, 4],
  "storage answers 503 with Retry-After": [2, 4],
  "storage answers 429 with Retry-After": [2, 4],
  "storage answers 401": [2, 4],
  "storage refuses some by 400": [2, 4],
  "storage refuses all by 422": [1, 2],
  "storage hangs": [3, 5],
  "storage resets connections": [2, 4],
  "storage talks garbage": [2, 4],
  "storage loses its answers": [2, 4],
  "storage slow": [2, 4],
  "disk full": [2, 5],
  "disk takes no writes": [2, 5],
  "clock an hour ahead": [2, 4],
  "clock an hour back": [2, 4],
  "second engine comes and goes": [2, 4],
  "second engine killed": [1, 3],
  "first of two engines killed": [1, 3],
  "first of two engines frozen": [11, 13],
} as const;

export type FaultKind = keyof typeof SECONDS;

export const FAULT_KINDS = Object.keys(SECONDS) as FaultKind[];

export interface Fault {
  readonly kind: FaultKind;
  readonly seconds: number;
  /** Seconds that it begins after the step. */
  readonly after: number;
}

/** Faults that overlap; the next step comes when the engine has recovered. */
export type Step = readonly Fault[];

/** Every kind at least once, and what is worst together. */
const DECK: readonly (readonly FaultKind[])[] = [
  ["engine killed"],
  ["engine killed while it starts"],
  ["engine frozen"],
  ["broker killed"],
  ["broker away", "engine killed"],
  ["broker away", "storage answers 500"],
  ["storage answers 500", "engine killed"],
  ["storage answers 503 with Retry-After", "clock an hour back"],
  ["storage answers 429 with Retry-After"],
  ["storage answers 401", "broker killed"],
  ["storage refuses some by 400", "engine killed"],
  ["storage refuses all by 422"],
  ["storage hangs", "engine killed"],
  ["storage resets connections"],
  ["storage talks garbage", "clock an hour ahead"],
  ["storage loses its answers"],
  ["storage slow"],
  ["disk full"],
  ["disk takes no writes"],
  ["clock an hour ahead"],
  ["clock an hour back"],
  ["second engine comes and goes"],
  ["second engine killed"],
  ["first of two engines killed"],
  ["first of two engines frozen"],
];

/** What may come meanwhile, from the second deck on. */
const COMPANIONS: readonly FaultKind[] = [
  "engine killed",
  "broker killed",
  "clock an hour ahead",
  "clock an hour back",
];

/** So long, about, it takes to recover from a step. */
const RECOVERY_SECONDS = 3;

/** Steps for so many seconds, but a whole deck at least. */
export function makePlan(random: () => number, seconds: number): Step[] {
  const steps: Step[] = [];
  let left = seconds;
  for (let deck = 0; deck === 0 || left > 0; deck++) {
    for (const kinds of shuffled(DECK, random)) {
      if (deck > 0 && left <= 0) break;
      const step = makeStep(deck === 0 ? kinds : varied(kinds, random), random);
      steps.push(step);
      left -= Math.max(...step.map(({ after, seconds }) => after + seconds)) + RECOVERY_SECONDS;
    }
  }
  return steps;
}

/** For people: `storage hangs for 3.4 s, 1.2 s later engine killed`. */
export function describeStep(step: Step): string {
  return step.map(({ kind, seconds, after }) => {
    const when = after > 0 ? `${after.toFixed(1)} s later ` : "";
    return `${when}${kind}${seconds > 0 ? ` for ${seconds.toFixed(1)} s` : ""}`;
  }).join(", ");
}

function varied(kinds: readonly FaultKind[], random: () => number): readonly FaultKind[] {
  if (!kinds[0].startsWith("storage")) return kinds;
  const companion = COMPANIONS[Math.floor(random() * COMPANIONS.length)];
  return random() < 0.5 ? [kinds[0], companion] : [kinds[0]];
}

function makeStep(kinds: readonly FaultKind[], random: () => number): Step {
  const [main, ...others] = kinds.map((kind) => ({
    kind,
    seconds: between(SECONDS[kind], random),
  }));
  // The others begin while the main one lasts.
  const rest = others.map((fault) => ({ ...fault, after: random() * main.seconds * 0.8 }));
  return [{ ...main, after: 0 }, ...rest];
}

function between([from, to]: readonly [number, number], random: () => number): number {
  return from + random() * (to - from);
}

/** In an order by chance. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}
