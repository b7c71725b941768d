/**
 * Whether one commit costs more CPU time a reading than another, on the whole road: their runs alternate on
 * one broker and one input topic, and a difference counts only if it is larger than the spread.
 */
import { tempFolder } from "../harness/temp.ts";
import { type Contender, verdict } from "./difference.ts";
import { loadNow } from "./machine.ts";
import { fillInput, measureRoad } from "./road.ts";
import { openStage, type Stage } from "./stage.ts";

const ROOT = new URL("../..", import.meta.url).pathname.slice(0, -1);
const FIGURE = "engine us CPU/reading";

interface Candidate extends Contender {
  /** Its checkout. */
  readonly root: string;
  readonly runs: number[];
}

export interface CompareOptions {
  /** Of each commit. */
  readonly runs: number;
  readonly readings: number;
  readonly print: (line: string) => void;
}

/** One commit is compared with the files as they are. Throws where git doesn't know a commit. */
export async function compareCommits(
  commits: readonly string[],
  { runs, readings, print }: CompareOptions,
): Promise<void> {
  if (commits.length < 1 || commits.length > 2) {
    throw new Error(`Compare commits: expected one or two, got ${commits.length}`);
  }
  using folder = tempFolder("bench-compare-");
  await using checkouts = new AsyncDisposableStack();
  const candidates: Candidate[] = [];
  for (const [index, commit] of commits.entries()) {
    const root = `${folder.path}/${index}`;
    const name = await git(["describe", "--always", `${commit}^{commit}`]);
    await git(["worktree", "add", "--detach", root, `${commit}^{commit}`]);
    checkouts.defer(async () => void await git(["worktree", "remove", "--force", root]));
    candidates.push({ name, root, runs: [] });
  }
  if (commits.length === 1) candidates.push({ name: "as it is", root: ROOT, runs: [] });
  await using stage = await openStage();
  const input = await fillInput(stage, readings);
  for (let round = 0; round < runs; round++) {
    // Who is first changes: the first one may find the machine otherwise than the second.
    const order = round % 2 === 0 ? candidates : candidates.toReversed();
    for (const candidate of order) {
      const used = await measure(stage, { candidate, input });
      candidate.runs.push(used);
      const shown = `${candidate.name}: ${used.toFixed(3)} us CPU/reading`;
      print(`run ${round + 1} of ${runs}, ${shown}, load ${loadNow()}`);
    }
  }
  print(verdict(candidates[0], candidates[1]));
}

async function measure(
  stage: Stage,
  { candidate, input }: { candidate: Candidate; input: Parameters<typeof measureRoad>[1]["input"] },
): Promise<number> {
  const { root } = candidate;
  const figures = await measureRoad(stage, { input, verify: false, print: () => {}, root });
  return figures[FIGURE];
}

async function git(args: string[]): Promise<string> {
  const command = new Deno.Command("git", { args, cwd: ROOT, stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`git ${args.join(" ")}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim();
}
