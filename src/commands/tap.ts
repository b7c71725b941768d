import { ConfigFaults } from "../config/faults.ts";
import { apiAddress } from "./api_address.ts";
import { apiClient, type Ask, tokenHint } from "./api_client.ts";
import { coloursWanted } from "./colours.ts";
import { EventStream } from "./event_stream.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";
import { pause, stopSignal } from "./stop_signal.ts";
import { gapLine, resultLine } from "./tap_line.ts";

export interface TapOptions {
  readonly url?: string;
  readonly tenant?: string;
  readonly device?: string;
  readonly anomalies?: boolean;
  readonly count?: number;
  readonly json?: boolean;
}

/** A stream says something every 15 s: one that is silent for so long is dead. */
const SILENCE_MS = 45_000;
const RETRY_MS = 1_000;

/** What can't be mended by coming back. */
class Refused extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Nobody reads what is written any more. */
class OutputGone extends Error {}

/** Prints results as they are committed, until it is interrupted or has as many as wanted; the exit code. */
export async function tap(options: TapOptions): Promise<number> {
  const stop = stopSignal();
  try {
    await new Tap(options, stop).run();
    return exitCodes.done;
  } catch (error) {
    if (stop.aborted || error instanceof OutputGone) return exitCodes.done;
    if (error instanceof ConfigFaults) {
      say(error.message);
      return exitCodes.usage;
    }
    if (!(error instanceof Refused)) throw error;
    say(error.message);
    return error.exitCode;
  }
}

class Tap {
  readonly #options: TapOptions;
  readonly #stop: AbortSignal;
  readonly #address: string;
  readonly #ask: Ask;
  readonly #url: string;
  readonly #colours = coloursWanted();
  #lastId = "";
  #retryMs = RETRY_MS;
  #seen = 0;
  /** The stream was there once: from then on it is waited for. */
  #begun = false;
  /** It was told that the stream is gone. */
  #told = false;

  constructor(options: TapOptions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = stop;
    const env = Deno.env.toObject();
    this.#address = options.url ?? apiAddress(env);
    this.#ask = apiClient(env);
    const { tenant, device, anomalies } = options;
    const query = new URLSearchParams(
      Object.entries({ tenant, device, anomalies }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]]
      ),
    );
    this.#url = `${this.#address}/api/stream?${query}`;
  }

  async run(): Promise<void> {
    for (;;) {
      let reason: string;
      try {
        if (await this.#read()) return;
        reason = "it has ended";
      } catch (error) {
        if (this.#stop.aborted || error instanceof Refused || error instanceof OutputGone) {
          throw error;
        }
        reason = reasonOf(error);
        if (!this.#begun) throw new Refused(`no answer from ${this.#address}: ${reason}`);
      }
      if (this.#stop.aborted) return;
      if (!this.#told) say(`the stream from ${this.#address} is gone (${reason}); trying again`);
      this.#told = true;
      await pause(this.#retryMs, this.#stop);
      if (this.#stop.aborted) return;
    }
  }

  /** One connection, to its end; true: there are as many results as wanted. */
  async #read(): Promise<boolean> {
    using silence = new Silence();
    const signal = AbortSignal.any([this.#stop, silence.signal]);
    const headers = this.#lastId === "" ? undefined : { "last-event-id": this.#lastId };
    const response = await this.#ask(this.#url, { headers, signal });
    await this.#refuse(response);
    this.#begun = true;
    if (this.#told) say("the stream is there again");
    this.#told = false;
    const stream = new EventStream(response.body!, {
      lastId: this.#lastId,
      onBytes: () => silence.broken(),
    });
    for await (const events of stream.events()) {
      const lines: string[] = [];
      for (const { type, data } of events) {
        if (type === "gap") say(gapLine(data));
        if (type !== "result" && type !== "anomaly") continue;
        lines.push(this.#options.json ? data : resultLine(data, { colours: this.#colours }));
        if (++this.#seen === this.#options.count) break;
      }
      if (lines.length > 0) print(`${lines.join("\n")}\n`);
      if (this.#seen === this.#options.count) return true;
      this.#lastId = stream.lastId;
      this.#retryMs = stream.retry ?? this.#retryMs;
    }
    // An id may have come behind the last event.
    this.#lastId = stream.lastId;
    return false;
  }

  /** Throws unless it is a stream. */
  async #refuse(response: Response): Promise<void> {
    const type = response.headers.get("content-type") ?? "";
    if (response.status === 200 && type.startsWith("text/event-stream")) return;
    const { status } = response;
    const said = messageIn(await response.text()) + tokenHint(status);
    const message = `${this.#address} has no stream for us: ${said}`;
    // It may be on its way up or down.
    if (this.#begun && status >= 500) throw new Error(`status ${status}`);
    throw new Refused(message, status === 400 ? exitCodes.usage : exitCodes.failed);

    function messageIn(text: string): string {
      try {
        const { message } = JSON.parse(text);
        if (typeof message === "string") return message;
      } catch {
        // Some other server's answer.
      }
      return `status ${status}, ${type || "no type"}`;
    }
  }
}

/** Aborts when nothing came for too long. */
class Silence implements Disposable {
  readonly #controller = new AbortController();
  #timer = this.#start();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(
      () => this.#controller.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`)),
      SILENCE_MS,
    );
  }
}

function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputGone();
    throw error;
  }
}

/** What isn't a result. It may quote somebody: it can't steer the terminal. */
function say(message: string): void {
  console.error(`plumbline: ${message.replace(/[^\P{Cc}\n]/gu, "\ufffd")}`);
}
