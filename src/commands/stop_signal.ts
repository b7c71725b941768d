import { exitCodes } from "./exit_codes.ts";

/** Ctrl-C can arrive twice at once: from the terminal, and from a task runner that passes it on. */
const ECHO_MS = 500;

/**
 * Aborted by the first SIGINT, SIGTERM or SIGHUP. Another one, half a second later or after that,
 * ends the process at once.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let first: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      first ??= Date.now();
      if (Date.now() - first >= ECHO_MS) Deno.exit(exitCodes.failed);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Longer waits are none at all to `setTimeout`. */
const LONGEST_MS = 2 ** 31 - 1;

/** Waits, but not beyond the signal. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(milliseconds, LONGEST_MS));
    signal.addEventListener("abort", end);
  });
}
