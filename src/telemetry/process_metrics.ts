/**
 * The process' own metrics, by their usual names. prom-client's defaults aren't used: they can't be
 * chosen one by one, and half of them reads `/proc`, which Deno allows only together with everything.
 */
import process from "node:process";
import type { MetricTexts } from "./metric_texts.ts";

export function registerProcessMetrics(texts: MetricTexts): void {
  texts.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
    labels: [],
    values: () => [[{}, (process.cpuUsage().user + process.cpuUsage().system) / 1e6]],
  });
  texts.counter({
    name: "process_cpu_user_seconds_total",
    help: "Total user CPU time spent in seconds.",
    labels: [],
    values: () => [[{}, process.cpuUsage().user / 1e6]],
  });
  texts.counter({
    name: "process_cpu_system_seconds_total",
    help: "Total system CPU time spent in seconds.",
    labels: [],
    values: () => [[{}, process.cpuUsage().system / 1e6]],
  });
  texts.gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since unix epoch in seconds.",
    labels: [],
    values: () => [[{}, performance.timeOrigin / 1000]],
  });
  texts.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    labels: [],
    values: () => [[{}, process.memoryUsage.rss()]],
  });
  texts.gauge({
    name: "plumbline_heap_bytes",
    help: "Memory that JavaScript objects use.",
    labels: [],
    values: () => [[{}, Deno.memoryUsage().heapUsed]],
  });
}
