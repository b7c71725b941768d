/** What a supervisor that waits for it (systemd with Type=notify) is told of the engine. */
import type { Environment } from "../config/setting_value.ts";
import type { Log } from "../pipeline/ports.ts";
import { type NotifySocket, openNotifySocket } from "./notify_socket.ts";

/** Signs of life within the time that the supervisor waits for one. */
const BEATS = 3;

const UNREACHED = "the supervisor isn't reached: it may end the engine";
const REMEDY =
  "see that NOTIFY_SOCKET names the supervisor's socket, and that the program may use " +
  "it: as docs/operations.md has it, or a service without Type=notify and WatchdogSec";

export interface SupervisorOptions {
  /** undefined: nobody wants to be told. */
  readonly socket: NotifySocket | undefined;
  /** ms; undefined: nobody waits for signs of life. */
  readonly watchdogMs: number | undefined;
  /** Why the engine isn't alive; undefined: it is. */
  readonly failure: () => string | undefined;
  readonly log: Log;
}

/** Never throws: an engine whose supervisor isn't reached goes on; that is told once. */
export class Supervisor implements Disposable {
  readonly #options: SupervisorOptions;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #lost = false;
  #isFailing = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { socket, watchdogMs } = options;
    if (socket === undefined || watchdogMs === undefined) return;
    this.#timer = setInterval(() => this.beat(), watchdogMs / BEATS);
  }

  ready(): void {
    this.#send("READY=1");
  }

  stopping(): void {
    this.#send("STOPPING=1");
  }

  /** One sign of life; none, but the reason, where the engine says that only a new start may help. */
  beat(): void {
    const failure = this.#options.failure();
    if (failure === undefined) {
      if (this.#isFailing) this.#send("STATUS=");
      this.#isFailing = false;
      this.#send("WATCHDOG=1");
      return;
    }
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#send(`STATUS=${failure}`);
    this.#options.log.error("not alive: the supervisor gets no signs of life", {
      cause: failure,
      todo: "none: it starts the engine anew",
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#options.socket?.[Symbol.dispose]();
  }

  #send(text: string): void {
    this.#options.socket?.send(text).then(() => this.#lost = false, (error) => {
      if (this.#lost) return;
      this.#lost = true;
      const { log } = this.#options;
      log.warn(UNREACHED, { error, todo: REMEDY });
    });
  }
}

/** As the environment has it. Where the socket can't be used that is told, and nobody is told the rest. */
export function openSupervisor(
  of: { env: Environment; dataDir: string } & Pick<SupervisorOptions, "failure" | "log">,
): Supervisor {
  const { env, dataDir, failure, log } = of;
  let socket: NotifySocket | undefined;
  try {
    socket = openNotifySocket(env, dataDir);
  } catch (error) {
    log.warn(UNREACHED, { error, todo: REMEDY });
  }
  return new Supervisor({ socket, watchdogMs: watchdogTime(env, Deno.pid), failure, log });
}

/** undefined: nobody waits for signs of life of this process. */
export function watchdogTime(env: Environment, pid: number): number | undefined {
  const { WATCHDOG_USEC: microseconds = "", WATCHDOG_PID: whose = "" } = env;
  if (whose !== "" && whose !== String(pid)) return undefined;
  return /^[1-9]\d*$/.test(microseconds) ? Number(microseconds) / 1000 : undefined;
}
