/**
 * The program with a clock that can be moved while it runs: SIGWINCH is an hour ahead, SIGURG an hour
 * back (nobody else minds these two), CHAOS_CLOCK_MS how far off it is from the start on. As on a machine whose clock is set: what
 * `performance.now` measures isn't touched.
 */
import { CLOCK_STEP_MS } from "./clock_step.ts";

const now = Date.now.bind(Date);
let offMs = Number(Deno.env.get("CHAOS_CLOCK_MS") ?? 0);

const TrueDate = Date;
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args) =>
    args.length === 0 ? new target(now() + offMs) : Reflect.construct(target, args),
});
TrueDate.now = () => now() + offMs;

Deno.addSignalListener("SIGWINCH", () => offMs += CLOCK_STEP_MS);
Deno.addSignalListener("SIGURG", () => offMs -= CLOCK_STEP_MS);
// A file over its limit is an error for who writes it, as a full disk is, and not the end.
Deno.addSignalListener("SIGXFSZ", () => {});

await import("../../src/main.ts");
