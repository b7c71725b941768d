/** The command line as people meet it: a process, its output, its exit code. */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

async function run(args: string[], env: Record<string, string> = {}) {
  using folder = tempFolder();
  await using program = await startProgram({ args, env: { DATA_DIR: folder.path, ...env } });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const COMMANDS = [
  ...["serve", "check", "simulate", "healthcheck", "dead-letters", "token"],
  ...["doctor", "completions", "man", "install-service"],
];

Deno.test("every command has help with examples, in three ways of asking", async () => {
  const asked = COMMANDS.flatMap((name) => [[name, "--help"], [name, "-h"], ["help", name]]);
  const answers = await Promise.all(asked.map((args) => run(args)));
  for (const [i, { code, stdout, stderr }] of answers.entries()) {
    assert.equal(code, 0, asked[i].join(" "));
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`^Usage: plumbline ${COMMANDS[Math.floor(i / 3)]}`));
    assert.match(stdout, /Examples:\n {2}\$ plumbline /);
    assert.match(stdout, /Exit codes/);
  }
});

Deno.test("--help lists the commands, --version says the version", async () => {
  const { code, stdout } = await run(["--help"]);
  assert.equal(code, 0);
  for (const name of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${name}\\b`, "m"));
  const { version } = JSON.parse(
    Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)),
  );
  assert.deepEqual(await run(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
});

Deno.test("what isn't understood is answered with what was probably meant, and code 2", async () => {
  const table: [string[], RegExp][] = [
    [["simulat"], /unknown command 'simulat'\n\(Did you mean simulate\?\)/],
    [["helthcheck"], /Did you mean healthcheck\?/],
    [["nonsense"], /unknown command 'nonsense'/],
    [["check", "--jsn"], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [["simulate", "--device", "3"], /unknown option '--device'\n\(Did you mean --devices\?\)/],
    [["serve", "--metrics-port", "9000"], /Settings are variables: METRICS_PORT=…/],
    [["--broker", "kafka:9092"], /Settings are variables: KAFKA_BROKER=…/],
    [["serve", "now"], /too many arguments for 'serve'/],
    [["install-service", "--program", "plumbline"], /Expected an absolute path/],
    [["completions", "csh"], /Allowed choices are bash, zsh, fish/],
    [["simulate", "--to", "kafak"], /Allowed choices are http, kafka/],
    [["simulate", "--faults", "spike,drfit"], /"drfit" is none of them. Expected none, or some of/],
    [["simulate", "--devices", "0"], /Expected a whole number from 1 to 1000000/],
    [["simulate", "--rate", "-1"], /Expected a number of 0 or above/],
    [["simulate", "--duration", "soon"], /Expected a time above 0/],
    [["simulate", "--start", "yesterday"], /Expected a time like 2026-01-31T08:00:00Z/],
    [["simulate", "--url", "ftp://a"], /It has the scheme ftp. Expected http:\/\/host:port/],
    [["simulate", "--marks", "/nowhere/marks"], /writing marks to \/nowhere\/marks/],
    [["healthcheck", "--timeout", "x"], /Expected a number of 0.001 or above/],
  ];
  const answers = await Promise.all(
    table.map(([args]) => run(args, { METRICS_PORT: "1" })),
  );
  for (const [i, { code, stderr }] of answers.entries()) {
    assert.match(stderr, table[i][1]);
    assert.equal(code, 2, table[i][0].join(" "));
  }
});

Deno.test("serve and check say the same about wrong settings, and both end with 2", async () => {
  const env = {
    MAX_READINGS: "0",
    PORT: "9",
    METRICS_PORT: "10",
    PLUMBLINE_API_TOKEN: "hush-hush",
  };
  const [serve, check] = await Promise.all([run(["serve"], env), run(["check"], env)]);
  assert.deepEqual([serve.code, check.code], [2, 2]);
  const faults = serve.stderr.trim().split("\n").slice(1);
  assert.equal(faults.length, 3);
  for (const fault of faults) assert.ok(check.stdout.includes(fault), fault);
  assert.doesNotMatch(serve.stderr + check.stdout, /hush-hush/);
});

Deno.test("check --json is one object", async () => {
  const { code, stdout } = await run(["check", "--json"], { KAFKA_TOPIC: "in" });
  assert.equal(code, 0);
  const { ok, settings } = JSON.parse(stdout);
  assert.equal(ok, true);
  assert.deepEqual(
    settings.find(({ name }: { name: string }) => name === "INPUT_TOPIC"),
    { name: "INPUT_TOPIC", value: "in", text: "in", from: "KAFKA_TOPIC" },
  );
});
