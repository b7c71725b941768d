/**
 * The process' own metrics, by the names of prom-client's defaults. Those aren't used themselves: they
 * can't be chosen one by one, and their event loop monitor keeps a timer running.
 */
import process from "node:process";
import { prom } from "../../deps.ts";

export function registerProcessMetrics(registry: prom.Registry): void {
  const registers = [registry];
  cpu("process_cpu_user_seconds_total", {
    help: "Total user CPU time spent in seconds.",
    seconds: () => process.cpuUsage().user / 1e6,
  });
  cpu("process_cpu_system_seconds_total", {
    help: "Total system CPU time spent in seconds.",
    seconds: () => process.cpuUsage().system / 1e6,
  });
  cpu("process_cpu_seconds_total", {
    help: "Total user and system CPU time spent in seconds.",
    seconds: () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  });
  new prom.Gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since unix epoch in seconds.",
    registers,
  }).set(performance.timeOrigin / 1000);
  new prom.Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new prom.Gauge({
    name: "plumbline_heap_bytes",
    help: "Memory that JavaScript objects use.",
    registers,
    collect() {
      this.set(Deno.memoryUsage().heapUsed);
    },
  });

  function cpu(name: string, options: { help: string; seconds: () => number }): void {
    new prom.Counter({
      name,
      help: options.help,
      registers,
      collect() {
        this.reset();
        this.inc(options.seconds());
      },
    });
  }
}
