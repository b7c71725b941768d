/** One engine of the run: its process, over all its starts, and its data folder. */
import { type Exit, type Program, startProgram } from "../harness/process.ts";
import { CLOCK_STEP_MS } from "./clock_step.ts";

const MAIN = new URL("movable_clock.ts", import.meta.url).pathname;
const LOOK_MS = 500;
const PATIENCE_MS = 60_000;
const POLL_MS = 25;

/** A line of the engine's log, as far as the run looks at it. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly todo?: string;
  readonly partitions?: number[];
  readonly acknowledged?: number;
  readonly sent?: number;
  readonly resultsLost?: readonly { readings: string; from: number; to: number }[];
}

export class Node implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  /** What no run may show: ends that nobody has caused, defects in the log, a live check that fails. */
  readonly faults: string[] = [];
  starts = 0;
  /** Its database was damaged: where that shows late it ends, once, to begin anew. */
  mayEndByItself = false;
  /** Results that the engine says may stand twice in the output topic. */
  unsure = 0;
  /** Most memory that a process of this engine ever had, in MiB. */
  peakMiB = 0;
  /** How often each error was logged. */
  readonly errors = new Map<string, number>();
  readonly #env: Record<string, string>;
  #program: Program | undefined;
  #ending = false;
  #frozen = false;
  #clockMs = 0;
  /** Lines of the program that were looked at. */
  #looked = 0;
  readonly #timer: ReturnType<typeof setInterval>;
  #asking: Promise<void> | undefined;

  constructor(name: string, options: { folder: string; env: Record<string, string> }) {
    this.name = name;
    this.folder = options.folder;
    this.#env = options.env;
    this.#timer = setInterval(() => this.#asking ??= this.#look(), LOOK_MS);
  }

  get storeFile(): string {
    return `${this.folder}/plumbline.db`;
  }

  get running(): boolean {
    return this.#program !== undefined && !this.#ending;
  }

  get pid(): number {
    return this.#current().pid;
  }

  /** Returns when the process runs, which is before it is ready. */
  async start(): Promise<void> {
    const env = { ...this.#env, DATA_DIR: this.folder, CHAOS_CLOCK_MS: String(this.#clockMs) };
    const program = await startProgram({ env, main: MAIN });
    this.#program = program;
    this.#looked = 0;
    this.#ending = false;
    this.starts++;
    program.exited.then((exit) => {
      if (this.#program === program && !this.#ending) this.#endedByItself(program, exit);
    });
  }

  #endedByItself({ lines }: Program, { code, signal }: Exit): void {
    const isPromised = this.mayEndByItself && code === 1;
    this.mayEndByItself = false;
    if (!isPromised) {
      const last = lines.slice(-5).join("\n    ");
      this.faults.push(`${this.name} ended by itself: code ${code}, signal ${signal}\n    ${last}`);
    }
    this.#read();
    this.#program = undefined;
    // As a service manager would.
    void this.start();
  }

  /** Ends the process; by SIGTERM it must end with code 0. Nothing happens if it doesn't run. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const program = this.#program;
    if (program === undefined) return;
    // Until then a signal other than SIGKILL meets a program that doesn't listen yet.
    if (signal === "SIGTERM") await this.address();
    this.#ending = true;
    this.#sample();
    const exit = await program.kill(signal);
    if (signal === "SIGTERM" && exit.code !== 0) {
      this.faults.push(`${this.name} stopped with code ${exit.code}, signal ${exit.signal}`);
    }
    this.#read();
    this.#program = undefined;
  }

  freeze(): void {
    this.#frozen = true;
    this.#current().signal("SIGSTOP");
  }

  thaw(): void {
    this.#current().signal("SIGCONT");
    this.#frozen = false;
  }

  /** Sets the clock an hour on (1) or back (-1), of this process and those that follow. */
  async turnClock(direction: 1 | -1): Promise<void> {
    if (this.running) {
      await this.address();
      this.#program?.signal(direction > 0 ? "SIGWINCH" : "SIGURG");
    }
    this.#clockMs += direction * CLOCK_STEP_MS;
  }

  async address(): Promise<string> {
    return await this.#current().address(PATIENCE_MS);
  }

  /** Where requests go to now; undefined while it doesn't run or hasn't begun to listen. */
  addressNow(): string | undefined {
    if (!this.running) return undefined;
    const line = this.#program?.lines.find((line) => line.includes('"address"'));
    return line && JSON.parse(line).address;
  }

  /** Waits until its last join of the group has given it partitions. Throws after a minute. */
  async ownsPartitions(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const joined = this.log().findLast((line) => line.message === "joined the consumer group");
      if ((joined?.partitions?.length ?? 0) > 0) return;
      if (performance.now() > deadline) {
        throw new Error(`Wait for ${this.name} to own partitions: none after ${PATIENCE_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** What a health check says against it; empty: nothing. */
  async failing(check: "live" | "ready"): Promise<string> {
    const address = this.addressNow();
    if (address === undefined) return `${this.name}: it doesn't listen yet`;
    try {
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${address}/health/${check}`, { signal });
      const text = await answer.text();
      return answer.status === 200 ? "" : `${this.name}: ${text}`;
    } catch (error) {
      return `${this.name}: ${error}`;
    }
  }

  /** What the process that runs now has logged, from a line on. */
  log(from = 0): LogLine[] {
    const lines = this.#program?.lines.slice(from) ?? [];
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  /** Its last lines, for those who look for what went wrong. */
  lastLines(): string {
    return this.#program?.lines.slice(-15).join("\n") ?? `${this.name} doesn't run`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#asking;
    this.#ending = true;
    await this.#program?.kill();
  }

  #current(): Program {
    if (this.#program === undefined) throw new Error(`Ask for the engine ${this.name}: it is down`);
    return this.#program;
  }

  /** Whatever else goes on: alive is what a process says of itself all the time. */
  async #look(): Promise<void> {
    try {
      this.#sample();
      this.#read();
      if (this.running && !this.#frozen) {
        const program = this.#program;
        const failing = await this.failing("live");
        if (failing.includes('"status":"error"') && program === this.#program) {
          this.faults.push(`not live: ${failing}`);
        }
      }
    } finally {
      this.#asking = undefined;
    }
  }

  #sample(): void {
    if (this.#program === undefined || Deno.build.os !== "linux") return;
    try {
      const status = Deno.readTextFileSync(`/proc/${this.#program.pid}/status`);
      const peak = Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
      this.peakMiB = Math.max(this.peakMiB, peak);
    } catch {
      // it has just ended
    }
  }

  /** Takes from the log what counts. */
  #read(): void {
    const lines = this.#program?.lines.length ?? 0;
    for (const line of this.log(this.#looked)) {
      if (line.message === "output topic: records go out again that the broker may have") {
        this.unsure += (line.sent ?? 0) - (line.acknowledged ?? 0);
      }
      if (line.level !== "error") continue;
      this.errors.set(line.message, (this.errors.get(line.message) ?? 0) + 1);
      if (line.todo?.includes("please report")) {
        this.faults.push(`${this.name} logs a defect: ${JSON.stringify(line)}`);
      }
    }
    this.#looked = lines;
  }
}
