/** A log line as people read it at a terminal. */

export interface Line {
  readonly level: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

const DIM = "2", BOLD = "1";
const colours: Record<string, string> = { debug: "2", info: "32", warn: "33", error: "31" };

/**
 * `12:04:05.678 INFO  message name=value`, with its line break: the time of day here, and below an error
 * where it came from. Control characters are escaped: what is shown can't forge a line or steer the
 * terminal.
 */
export function textOf(line: Line, format: "text" | "colour"): string {
  const paint = format === "colour"
    ? (text: string, colour: string) => `\x1b[${colour}m${text}\x1b[0m`
    : (text: string) => text;
  const { level, time, message, ...fields } = line;
  const date = new Date(time);
  const clock = `${date.toTimeString().slice(0, 8)}.${time.slice(20, 23)}`;
  let text = `${paint(clock, DIM)} ${paint(level.toUpperCase().padEnd(5), colours[level])} `;
  text += level === "error" ? paint(oneLine(message), BOLD) : oneLine(message);
  const stacks: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    text += ` ${paint(`${oneLine(name)}=`, DIM)}${valueOf(value, stacks)}`;
  }
  return [text, ...stacks.map((it) => paint(it, DIM))].join("\n") + "\n";
}

function valueOf(value: unknown, stacks: string[]): string {
  if (typeof value === "string") {
    return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  }
  if (!isError(value)) return oneLine(JSON.stringify(value));
  stacks.push(...value.stack.split("\n").slice(1).map((it) => `    ${oneLine(it.trim())}`));
  return JSON.stringify(reasons(value).join(": "));
}

interface ShownError {
  readonly message: string;
  readonly stack: string;
  readonly cause?: unknown;
}

function isError(value: unknown): value is ShownError {
  return typeof value === "object" && value !== null && "message" in value && "stack" in value &&
    typeof value.stack === "string";
}

/** What the error says, and what those that caused it say. */
function reasons(error: ShownError): string[] {
  const { cause } = error;
  return [String(error.message), ...isError(cause) ? reasons(cause) : []];
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
