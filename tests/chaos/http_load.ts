/**
 * Readings by POST /api/data, each of a device of its own and posted until an answer comes: a lost answer
 * makes it one that may be counted more than once, and its device tells how often it was.
 */

export interface Posted {
  readonly device: string;
  readonly body: string;
  /** Requests that were sent. */
  attempts: number;
  /** What the last request was answered, if it was counted: the result's own text. */
  result: string | undefined;
}

const PATIENCE_MS = 3_000;
const PAUSE_MS = 250;
const START = Date.parse("2026-01-01T00:00:00.000Z");
const PREFIX = '{"status":"ok","data":';

export class HttpLoad {
  readonly #addresses: () => readonly string[];
  readonly #random: () => number;
  readonly #perSecond: number;
  #number = 0;
  #going = false;
  #running: Promise<unknown> = Promise.resolve();
  /** Since the last `take`. */
  #posted: Posted[] = [];

  /** `addresses`: of the engines that run now. */
  constructor(
    addresses: () => readonly string[],
    options: { random: () => number; perSecond: number },
  ) {
    this.#addresses = addresses;
    this.#random = options.random;
    this.#perSecond = options.perSecond;
  }

  start(): void {
    this.#going = true;
    this.#running = this.#run();
  }

  /** Waits until everything is answered. */
  async stop(): Promise<void> {
    this.#going = false;
    await this.#running;
  }

  /** What was posted since the last call; the load must have stopped. */
  take(): Posted[] {
    return this.#posted.splice(0);
  }

  async #run(): Promise<void> {
    const posting = new Set<Promise<void>>();
    while (this.#going) {
      const one = this.#post(this.#make());
      posting.add(one);
      void one.finally(() => posting.delete(one));
      await passed(1000 / this.#perSecond);
    }
    await Promise.all(posting);
  }

  #make(): Posted {
    const number = this.#number++;
    const device = `posted-${number}`;
    const temperature = (5 + this.#random() * 30).toFixed(2);
    const timestamp = new Date(START + number).toISOString();
    const body = JSON.stringify({ device_id: device, temperature: Number(temperature), timestamp });
    const posted = { device, body, attempts: 0, result: undefined };
    this.#posted.push(posted);
    return posted;
  }

  async #post(reading: Posted): Promise<void> {
    for (let turn = Math.floor(this.#random() * 2);; turn++) {
      const addresses = this.#addresses();
      if (addresses.length > 0) {
        reading.attempts++;
        const text = await ask(addresses[turn % addresses.length], reading.body);
        if (text !== undefined) {
          reading.result = text.slice(PREFIX.length, -1);
          return;
        }
      }
      await passed(PAUSE_MS);
    }
  }
}

/** The answer's text; undefined: none came, or one that says that it wasn't taken. */
async function ask(address: string, body: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(`${address}/api/data`, { method: "POST", body, signal });
    const text = await answer.text();
    return answer.status === 200 ? text : undefined;
  } catch {
    return undefined;
  }
}

/** A load has a rate: nothing is waited for here, only time passes. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
