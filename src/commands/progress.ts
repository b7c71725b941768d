import { cliProgress } from "../../deps_cli.ts";

/** The share that is drawn, in thousandths: more often than it changes nothing is drawn. */
const WHOLE = 1000;

/** How far something is, on a terminal's standard error; elsewhere nothing. It is gone in the end. */
export class Progress implements Disposable {
  readonly #what: string;
  readonly #bar: InstanceType<typeof cliProgress.SingleBar> | undefined;
  #shown = 0;

  constructor(what: string) {
    this.#what = what;
    if (!Deno.stderr.isTerminal()) return;
    this.#bar = new cliProgress.SingleBar(
      {
        format: "{bar} {percentage} %  {what}",
        barsize: 24,
        // With it hidden the library would take Ctrl-C to show it again, and go on.
        hideCursor: false,
        gracefulExit: false,
        clearOnComplete: true,
      },
      cliProgress.Presets.rect,
    );
    this.#bar.start(WHOLE, 0, { what });
  }

  show(done: number, total: number): void {
    const share = Math.min(WHOLE, Math.floor(WHOLE * done / Math.max(1, total)));
    if (share === this.#shown) return;
    this.#shown = share;
    this.#bar?.update(share, { what: this.#what });
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
