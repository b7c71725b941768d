/** compose.yaml by the specification's schema, deploy/Containerfile by hadolint: no container engine is needed. */
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { commands } from "../../src/commands/command_line.ts";
import { settings } from "../../src/config/settings.ts";
import { hasPython, pythonPrograms } from "../harness/python.ts";
import { tempFolder } from "../harness/temp.ts";
import { promtool } from "./promtool.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const FIXTURES = `${ROOT}tests/fixtures/containers`;
const CONTAINERFILE = `${ROOT}deploy/Containerfile`;
const COMPOSE = Deno.readTextFileSync(`${ROOT}compose.yaml`);

interface Service {
  readonly user?: string;
  readonly image: string;
  readonly profiles?: string[];
  readonly read_only?: boolean;
  readonly cap_drop?: string[];
  readonly security_opt?: string[];
  readonly privileged?: boolean;
  readonly command?: string[];
  readonly environment?: Record<string, string>;
  readonly healthcheck?: { readonly test?: string[]; readonly disable?: boolean };
  readonly deploy: { readonly resources: { readonly limits: Record<string, unknown> } };
  readonly logging?: { readonly options?: Record<string, string> };
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly depends_on?: Record<string, { readonly condition: string }>;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
}

/** As the specification has it: anchors are resolved, `<<` is merged. */
function understood(text: string): Compose {
  return parse(text, { merge: true });
}

/** What the schema says against it. */
function faults(text: string): string[] {
  const schema = JSON.parse(Deno.readTextFileSync(`${FIXTURES}/compose-spec.json`));
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.validate(schema, understood(text));
  return (ajv.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message} ${JSON.stringify(params)}`
  );
}

const { services, volumes } = understood(COMPOSE);

Deno.test("compose.yaml is one, by the specification's schema", () => {
  assert.deepEqual(faults(COMPOSE), []);
  for (
    const [from, to] of [
      ["read_only:", "readonly:"],
      ["condition: service_healthy", "condition: healthy"],
      ["ports: [", "ports: [[], "],
      ["interval: 10s", "interval: []"],
    ]
  ) {
    assert.ok(COMPOSE.includes(from), from);
    assert.notEqual(faults(COMPOSE.replaceAll(from, to)).length, 0, to);
  }
});

Deno.test("compose.yaml: what is named is there, and an old engine comes only where it is asked for", () => {
  const usual = Object.keys(services).filter((name) => !services[name].profiles);
  assert.deepEqual(usual.sort(), [
    ...["engine", "grafana", "kafka", "prometheus", "simulator", "storage", "topics"],
  ]);
  assert.deepEqual(services.legacy.profiles, ["legacy"]);
  for (const [name, service] of Object.entries(services)) {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.ok(usual.includes(other), `${name} waits for ${other}`);
      if (condition === "service_healthy") {
        assert.ok((services[other].healthcheck?.test?.length ?? 0) > 1, `${name}: ${other}`);
      }
    }
    for (const volume of service.volumes ?? []) {
      const [source, , how] = volume.split(":");
      if (!source.startsWith("./")) assert.ok(source in volumes, volume);
      else assert.deepEqual([Deno.statSync(ROOT + source).isFile, how], [true, "ro"], volume);
    }
  }
  const used = Object.values(services).flatMap((it) => it.volumes ?? []);
  for (const name of Object.keys(volumes)) {
    assert.ok(used.some((it) => it.startsWith(`${name}:`)), name);
  }
});

for (const [name, service] of Object.entries(services)) {
  Deno.test(`compose.yaml: ${name} can do little, and takes no more than it may`, () => {
    const { user = "", healthcheck, deploy, ports = [] } = service;
    assert.doesNotMatch(user, /^(root|0)?(:|$)/);
    assert.equal(service.read_only, true);
    assert.deepEqual(service.cap_drop, ["ALL"]);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"]);
    assert.equal(service.privileged, undefined);
    assert.match(service.image, /:v?\d+\.\d+\.\d+$|^plumbline$|^\$\{LEGACY_IMAGE:-/);
    assert.notEqual(healthcheck?.test?.[0], "CMD-SHELL");
    for (const limit of ["cpus", "memory", "pids"]) {
      assert.ok(deploy.resources.limits[limit], limit);
    }
    assert.ok(service.logging?.options?.["max-size"]);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
  });
}

Deno.test("compose.yaml: all but those that nobody can ask have a health check", () => {
  const without = Object.keys(services).filter((name) => !services[name].healthcheck?.test);
  assert.deepEqual(without.sort(), ["legacy", "simulator", "topics"]);
});

Deno.test("compose.yaml: the engine's variables are settings, the simulator's options options", () => {
  const names = new Set<string>(Object.values(settings).map(({ name }) => name));
  for (const name of ["engine", "simulator"]) {
    const unknown = Object.keys(services[name].environment!).filter((it) => !names.has(it));
    assert.deepEqual(unknown, []);
  }
  const [command, ...args] = services.simulator.command!;
  const { operands, unknown } = commands(() => {}).commands
    .find((it) => it.name() === command)!.parseOptions(args);
  assert.deepEqual([operands, unknown], [[], []]);
});

Deno.test("hadolint has nothing to say against the image's file, and would", {
  ignore: !hasPython(),
}, async () => {
  const requirements = `${FIXTURES}/requirements.txt`;
  const programs = await pythonPrograms({ name: "hadolint", requirements });
  const hadolint = async (file: string) => {
    const args = ["--no-color", file];
    const { code, stdout } = await new Deno.Command(`${programs}/hadolint`, { args }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  };
  assert.deepEqual(await hadolint(CONTAINERFILE), { code: 0, text: "" });
  using folder = tempFolder();
  const wrong = `${folder.path}/Containerfile`;
  const text = Deno.readTextFileSync(CONTAINERFILE);
  Deno.writeTextFileSync(wrong, text.replace("debian:bookworm-slim", "debian"));
  const found = await hadolint(wrong);
  assert.equal(found.code, 1);
  assert.match(found.text, /DL3006/);
});

Deno.test("the image's file names the engine's own places, and its user isn't root", () => {
  const text = Deno.readTextFileSync(CONTAINERFILE);
  assert.match(text, /^USER 10001:10001$/m);
  assert.match(text, /^VOLUME \/var\/lib\/plumbline$/m);
  assert.match(text, /^ENV DATA_DIR=\/var\/lib\/plumbline /m);
  const { deno } = Deno.version;
  assert.ok(text.includes(`deno@${deno} task package `), "the version of Deno");
  assert.equal(services.storage.image, `denoland/deno:${deno}`);
});

Deno.test("Prometheus takes its configuration, with the rules beside it", async () => {
  using folder = tempFolder();
  for (const name of ["prometheus.yml", "alerts.yml"]) {
    Deno.copyFileSync(`${ROOT}deploy/${name}`, `${folder.path}/${name}`);
  }
  const { code, text } = await promtool(["check", "config", `${folder.path}/prometheus.yml`]);
  assert.equal(code, 0, text);
  assert.match(text, /rule files found/);
});
