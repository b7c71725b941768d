/** The terminal, drawn anew again and again, and given back as it was. */
import { print } from "./standard_output.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Second page, no cursor, no wrapping. */
const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

export class Screen implements Disposable {
  #lines: (size: Size) => readonly string[] = () => [];
  readonly #resized = () => this.#paint();

  /** Standard output has to be a terminal. */
  constructor() {
    print(OPEN);
    Deno.addSignalListener("SIGWINCH", this.#resized);
  }

  /** Draws it, and again whenever the terminal's size changes. */
  draw(lines: (size: Size) => readonly string[]): void {
    this.#lines = lines;
    this.#paint();
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGWINCH", this.#resized);
    print(CLOSE);
  }

  /** Each line is cleared behind its text, and everything below the last: no flicker. */
  #paint(): void {
    const lines = this.#lines(sizeNow());
    print(`\x1b[H${lines.join("\x1b[K\r\n")}\x1b[K\x1b[J`);
  }
}

/** A terminal that doesn't tell, or that is gone, is taken for an old one. */
function sizeNow(): Size {
  try {
    const { columns, rows } = Deno.consoleSize();
    if (columns > 0 && rows > 0) return { columns, rows };
  } catch {
    // What is written to it now goes nowhere.
  }
  return { columns: 80, rows: 24 };
}
