/** What Linux says about the machine and about processes, from /proc. */

/** Ticks a second of the times in /proc; 100 on every Linux that Deno runs on. */
const TICKS = 100;

export function describeMachine(): string {
  const info = Deno.readTextFileSync("/proc/cpuinfo");
  const model = info.match(/^model name\s*:\s*(.*)$/m)?.[1] ?? Deno.build.arch;
  const memory = Deno.systemMemoryInfo().total / 1024 ** 3;
  return `${navigator.hardwareConcurrency} x ${model}, ${memory.toFixed(1)} GiB, ` +
    `Deno ${Deno.version.deno}, load ${loadNow()}`;
}

/** Load averages over 1, 5 and 15 minutes. */
export function loadNow(): string {
  return Deno.loadavg().map((load) => load.toFixed(2)).join(" ");
}

/** CPU time that a process has used, in seconds; children that have ended aren't in it. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The command's name, in parentheses, may hold spaces: fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory in MiB: now, and the most it ever was. */
export function memory(pid: number): { now: number; peak: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kib = (name: string) => Number(status.match(new RegExp(`^${name}:\\s*(\\d+)`, "m"))?.[1]);
  return { now: kib("VmRSS") / 1024, peak: kib("VmHWM") / 1024 };
}

/** CPU time that the whole machine has used since its start, in seconds. */
export function machineCpuSeconds(): number {
  const line = Deno.readTextFileSync("/proc/stat").split("\n")[0];
  const [user, nice, system, , , irq, softirq, steal] = line.trim().split(/\s+/).slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS;
}

/** CPU time by whom, between its making and `read()`. */
export class CpuMeter {
  readonly #pids: ReadonlyMap<string, number>;
  readonly #before = new Map<string, number>();
  readonly #machine = machineCpuSeconds();

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = new Map(Object.entries(pids));
    for (const [name, pid] of this.#pids) this.#before.set(name, cpuSeconds(pid));
  }

  /** Seconds by name, and `others`: all the rest of the machine. */
  read(): Record<string, number> {
    const used: Record<string, number> = {};
    let known = 0;
    for (const [name, pid] of this.#pids) {
      used[name] = cpuSeconds(pid) - (this.#before.get(name) ?? 0);
      known += used[name];
    }
    return { ...used, others: Math.max(0, machineCpuSeconds() - this.#machine - known) };
  }
}
