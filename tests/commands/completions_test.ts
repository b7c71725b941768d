/** The completions, asked of the shells themselves. */
import assert from "node:assert/strict";
import { allCommands, commandTree } from "../../src/commands/command_tree.ts";
import { commands } from "../../src/commands/command_line.ts";
import { tempFolder } from "../harness/temp.ts";
import { runCommand } from "./command.ts";

const CAPTURE = new URL("../fixtures/zsh_capture.zsh", import.meta.url).pathname;
/** Longer than any shell takes: one that shows nothing of what is expected is ended. */
const LIMIT_S = "20";

/** What stands on the line, and all that may follow; files of a folder that has `one.ndjson` and `two/`. */
const LINES: readonly [string, readonly string[]][] = [
  ["plumbline che", ["check"]],
  ["plumbline check --js", ["--json"]],
  ["plumbline simulate --to ", ["http", "kafka"]],
  ["plumbline simulate --d", ["--devices", "--duration"]],
  ["plumbline dead-letters ", ["discard", "list", "replay", "show"]],
  ["plumbline dead-letters list --at", ["--at-rest"]],
  ["plumbline dead-letters replay --sink o", ["output"]],
  ["plumbline completions ", ["bash", "fish", "zsh"]],
  ["plumbline dry-run o", ["one.ndjson"]],
  ["plumbline simulate --marks o", ["one.ndjson"]],
  ["plumbline inspect ", ["two/"]],
  // Descriptions with brackets and colons.
  ["plumbline token new --j", ["--json"]],
  ["plumbline token new --name ", []],
];

async function inFolder(command: string, args: string[], cwd: string) {
  const home = `${cwd}/..`;
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    // Whatever a shell keeps for its user goes beside the folder.
    env: { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

async function place(shell: string) {
  const folder = tempFolder();
  const { code, stdout, stderr } = await runCommand(["completions", shell]);
  assert.equal(code, 0, stderr);
  const script = `${folder.path}/completions`;
  const dir = `${folder.path}/here`;
  Deno.writeTextFileSync(script, stdout);
  Deno.mkdirSync(`${dir}/two`, { recursive: true });
  Deno.writeTextFileSync(`${dir}/one.ndjson`, "");
  return { script, dir, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** Where nothing was begun some shells show options, too, and others don't: they are left out there. */
function sorted(words: string[], line: string): string[] {
  const all = words.filter((word) => word !== "").sort();
  return line.endsWith(" ") ? all.filter((word) => !word.startsWith("-")) : all;
}

Deno.test("bash", async (t) => {
  using at = await place("bash");
  const ask = `source "$1"; line=$2; read -ra COMP_WORDS <<< "$line"
[[ $line != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _plumbline; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const asked = async (line: string) => {
    const { code, out, err } = await inFolder(
      "bash",
      ["--norc", "-c", ask, "bash", at.script, line],
      at.dir,
    );
    assert.deepEqual([code, err], [0, ""]);
    // bash adds the slash itself where it is told that these are files.
    return sorted(out.split("\n").map((it) => it === "two" ? "two/" : it), line);
  };
  for (const [line, expected] of LINES) {
    await t.step(line, async () => assert.deepEqual(await asked(line), expected));
  }
  await t.step("--to=", async () => {
    assert.deepEqual(await asked("plumbline simulate --to = k"), ["kafka"]);
  });
});

Deno.test("fish", async (t) => {
  using at = await place("fish");
  const ask = "source $argv[1]; complete -C $argv[2]";
  for (const [line, expected] of LINES) {
    await t.step(line, async () => {
      const args = ["--no-config", "-c", ask, "--", at.script, line];
      const { code, out, err } = await inFolder("fish", args, at.dir);
      assert.deepEqual([code, err], [0, ""]);
      const words = out.split("\n").map((it) => it.split("\t")[0]);
      assert.deepEqual(sorted(words, line), expected);
    });
  }
});

Deno.test("zsh", async (t) => {
  using at = await place("zsh");
  await Promise.all(
    LINES.filter(([, expected]) => expected.length > 0).map(([line, expected]) => {
      // What was typed comes back, too: nothing of that may count as an answer.
      const typed = line.slice(line.lastIndexOf(" ") + 1);
      const pattern = expected.length === 1
        ? `*${line}${expected[0].slice(typed.length)}*`
        : `*${expected.join("*")}*`;
      return t.step({
        name: line,
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
        fn: async () => {
          const args = [LIMIT_S, "zsh", "-f", CAPTURE, at.script, line, pattern];
          const { code, out, err } = await inFolder("timeout", args, at.dir);
          assert.deepEqual([code, err], [0, ""], `${pattern}\n${out}`);
        },
      });
    }),
  );
});

Deno.test("every command and option is in all of them", async () => {
  const tree = commandTree(commands(() => {}));
  const all = allCommands(tree);
  assert.ok(all.length > 15);
  const names = new Set(all.flatMap(({ path, options }) => [
    ...path,
    ...options.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith("--"))),
  ]));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await runCommand(["completions", shell]);
    const words = new Set(stdout.split(/[^\w-]+/));
    const missing = [...names].filter((name) =>
      !words.has(shell === "fish" ? name.replace(/^--/, "") : name)
    );
    assert.deepEqual(missing, [], shell);
  }
});
