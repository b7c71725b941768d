/** Commands that a page of the documentation shows, run as they stand. */
import assert from "node:assert/strict";
import { FreshCopy } from "../../tools/readme_commands.ts";

/** An example that ends by itself takes no longer. */
const LIMIT_MS = 60_000;

export interface Example {
  readonly section: string;
  /** Its mark: `<!-- run: name -->` above it; empty: it has none. */
  readonly name: string;
  readonly commands: string;
}

/** Every block of the page that a shell could run, and those of no language, too. */
export function examplesOf(page: string): Example[] {
  return page.split(/^##+ /m).slice(1).flatMap((text) => {
    const [section] = text.split("\n", 1);
    const blocks = text.matchAll(/^(?:<!-- run: (\S+) -->\n+)?```(?:sh|bash)?\n(.*?)\n```$/gms);
    return [...blocks].map(([, name = "", commands]) => ({ section, name, commands }));
  });
}

/** Each has a mark, and none the mark of another. */
export function assertMarked(examples: readonly Example[]): void {
  for (const { section, name, commands } of examples) {
    assert.notEqual(name, "", `${section}: an example without its mark:\n${commands}`);
  }
  const names = examples.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, "two examples of one name");
}

export type Place = Awaited<ReturnType<typeof placeFor>>;

/**
 * A copy of the project to run them in, with these settings; packages are those that this machine has.
 * The engine of the page is the one on METRICS_PORT.
 */
export async function placeFor(env: Record<string, string>) {
  const copy = await FreshCopy.make();
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
  const path = `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`;
  const url = `http://127.0.0.1:${env.METRICS_PORT}`;
  return {
    dir: copy.dir,
    url,
    start: ({ commands }: Example) =>
      copy.start(commands.replaceAll("localhost:8000", `127.0.0.1:${env.METRICS_PORT}`), {
        ...env,
        DENO_DIR: denoDir,
        PATH: path,
      }),
    [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
  };
}

/** Runs it; its output. Throws with that where it fails. */
export async function toItsEnd(example: Example, { start }: Place): Promise<string> {
  const started = start(example);
  const late = setTimeout(() => started.signal("KILL"), LIMIT_MS);
  const { code } = await started.ended;
  clearTimeout(late);
  const output = started.lines.join("\n");
  assert.equal(code, 0, `${example.name}: code ${code}\n${output}`);
  return output;
}

/** Runs the example that ends with an engine: `work` while it is ready, then it is stopped by Ctrl-C. */
export async function whileReady<T>(
  example: Example,
  { start, url }: Place,
  work: () => Promise<T>,
): Promise<T> {
  const started = start(example);
  let isOver = false;
  const ended = started.ended.finally(() => isOver = true);
  try {
    const late = setTimeout(() => started.signal("KILL"), LIMIT_MS);
    while (!isOver) {
      const response = await fetch(`${url}/health/ready`).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    clearTimeout(late);
    assert.ok(!isOver, `${example.name}: it ended\n${started.lines.join("\n")}`);
    return await work();
  } finally {
    const late = setTimeout(() => started.signal("KILL"), LIMIT_MS);
    if (!isOver) await started.signal("INT");
    await ended;
    clearTimeout(late);
    assert.ok(started.lines.some((line) => line.includes("plumbline has stopped")));
  }
}

/** Readings that the engine has counted. */
export async function readingsAt({ url }: Place): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^plumbline_readings_read_total (\d+)$/m.exec(page)![1]);
}
