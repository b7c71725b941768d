/** The manual page: what groff makes of it, and that it has what `--help` has. */
import assert from "node:assert/strict";
import { allCommands, commandTree } from "../../src/commands/command_tree.ts";
import { commands } from "../../src/commands/command_line.ts";
import { settings } from "../../src/config/settings.ts";
import { literal, text } from "../../src/commands/roff.ts";
import { runCommand } from "./command.ts";

/** As `man` runs it, with all warnings; they go to standard error. */
async function groff(page: string): Promise<{ page: string; warnings: string }> {
  const child = new Deno.Command("groff", {
    args: ["-ww", "-man", "-Tutf8", "-P-c", "-P-b", "-P-o", "-P-u", "-rLL=100n"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { page: decoder.decode(stdout), warnings: decoder.decode(stderr) };
}

Deno.test("groff has no warning, and every command, option, note and setting is on the page", async () => {
  const { code, stdout, stderr } = await runCommand(["man"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const { page, warnings } = await groff(stdout);
  assert.equal(warnings, "");
  const shown = page.replace(/\s+/g, " ");
  const tree = commandTree(commands(() => {}));
  for (const { path, options, args, notes } of allCommands(tree)) {
    const part = path.length === 0
      ? page
      : page.slice(page.indexOf(`\n   ${["plumbline", ...path].join(" ")}\n`));
    assert.ok(part.length > 1, path.join(" "));
    const words = part.replace(/\s+/g, " ");
    for (const { term, about } of options) assert.ok(words.includes(`${term} ${about}`), term);
    for (const { name, about } of args) assert.ok(words.includes(`${name} ${about}`), name);
    for (const line of notes.split("\n")) {
      assert.ok(words.includes(line.trim().replace(/\s+/g, " ")), line);
    }
  }
  for (const { name, meaning } of Object.values(settings)) {
    assert.ok(shown.includes(name) && shown.includes(meaning), name);
  }
});

Deno.test("what would command in roff is shown as it is", async () => {
  const lines = [
    `.SH it's "so" \\fBno\\fR ^ ~ \` --flag -x a-b …`,
    "'br",
    "\\n(xx",
    "--url <address>",
  ];
  const { page, warnings } = await groff(
    [".TH X 1", ".SH NAME", ".nf", ...lines.map(literal), ...lines.map(text), ".fi", ""].join("\n"),
  );
  assert.equal(warnings, "");
  for (const line of lines) {
    assert.equal(page.split(line).length, 3, `${line}\n${page}`);
  }
});
