/** `deno task docs`: writes the pages of docs/ that are made from the code. */
import { apiText } from "../src/http/api_text.ts";
import type { Document } from "../src/http/openapi.ts";
import { type Setting, settings } from "../src/config/settings.ts";
import { builtInSettings } from "../src/config/tenants.ts";
import { tenantsJsonSchema } from "../src/config/tenants_schema.ts";
import { choosePort, startEngine } from "./demo_engine.ts";

const SETTINGS_PAGE = new URL("../docs/settings.md", import.meta.url);
const API_PAGE = new URL("../docs/api.md", import.meta.url);
const TENANTS_SCHEMA = new URL("../docs/tenants.schema.json", import.meta.url);

/** `docs/settings.md`, from the table that the engine reads its settings by. */
export function settingsPage(): string {
  const rows = Object.values<Setting<unknown>>(settings).map(settingRow);
  return `# Settings

This page is made from \`src/config/settings.ts\` by \`deno task docs\`.

Settings are environment variables. A variable that is empty counts as not set, unless the table says
what empty means. Everything wrong is reported at once, before anything is started: wrong values,
values that contradict each other, names that begin with \`PLUMBLINE_\` (but for those below, which commands read) and faults in
the tenants' file. \`deno task plumbline check\` shows the settings as the engine understands them, and
where each comes from; \`--json\` for programs.

Where two names stand, the second is the old Python engine's. Both work; set to different values they
are a fault.

| name | default | what may be written | what it does |
|---|---|---|---|
${rows.join("\n")}

Variables whose names speak of a password, token, secret or key are never shown, neither by \`check\` nor
in a fault; neither are user, password, query and fragment of an address. \`KAFKA_SSL_KEY_FILE\` is shown:
it says where the key is.

Commands that ask a running engine (\`dead-letters\`, \`simulate\`, \`tap\`, \`top\`) read a token from \`PLUMBLINE_TOKEN\`, or
from the file that \`PLUMBLINE_TOKEN_FILE\` names, its address from \`PLUMBLINE_URL\` and its authority from
\`PLUMBLINE_CA_FILE\`; [security.md](security.md) says how tokens are made.

A variable whose name is one slip away from a setting's (\`METRICS_PROT\`, \`KAFKA_BROKERS\`) is warned of
by \`check\` and at the start. It is no fault: the environment belongs to other programs, too.

## Memory

\`FLEET_MAX_BYTES\` bounds the devices and tenants in memory; up to a quarter of it more can be room that
others have left and that is used again. Measured with the defaults and 10,000 tenants of ten devices each,
all of which send again and again (\`deno task bench fleet\`), the whole process takes 0.7 GB while all of them
fit, and 0.9 GB once their windows are full and half of them are always on disk, where a reading costs two to
four times as much. Plan for 300 MB and 2.5 times \`FLEET_MAX_BYTES\`. A supervisor that runs \`deno\` itself should pass
\`--v8-flags=--max-semi-space-size=2,--expose-gc\`, as \`deno task start\` does: without the second flag
V8 leaves up to 0.4 GB of garbage lying about. Bodies over HTTP come on top, up to four
times \`MAX_BATCH_BYTES\`, and 64 MiB of statistics pages that nobody reads.

## The tenants' file

\`TENANTS_FILE\` names a file in JSON or YAML:
\`{"defaults": {…}, "tenants": {"name": {…}, …}, "tokens": […]}\`. A tenant
that isn't named has the defaults; what a tenant leaves out it takes from them, and they from the
built-in settings. An unknown key is a fault, and so is a name that is given twice.
[tenants.schema.json](tenants.schema.json) is its JSON Schema, for editors; a file may name it as
\`$schema\`.

| key | built in | what may be written | what it does |
|---|---|---|---|
| \`unknown_tenants\` | \`accept\` | accept or reject; beside \`defaults\` and \`tenants\` | reject: a reading of a tenant that isn't named is a dead letter |
| \`tokens\` | none | a list; beside \`defaults\` and \`tenants\` | who may ask for what over HTTP: [security.md](security.md) |
| \`threshold\` | \`${builtInSettings.threshold}\` | a number of 0 or above | the score from which a reading is an anomaly |
| \`sampling\` | \`${builtInSettings.sampling}\` | 0 to 1 | share of the readings that is taken; which ones follows from tenant, device and id |
| \`max_readings\` | \`MAX_READINGS\` | 1 to 100000 | length of the windows of its devices |
| \`quotas\` | none | see below | what the tenant may send at most |
| \`detectors\` | see below | at most 64 | replaces those of the defaults |
| \`display_name\` | the tenant's name | 1 to 256 characters; not in the defaults | a name for people |

The file is read again while the engine runs: by SIGHUP, by \`POST /api/admin/reload\`, and when it
changes. With a fault the settings before it stay, and the log says what is wrong. Windows that become
longer fill up again; those that become shorter keep their newest values.

Quotas are \`{"readings_per_second": 100, "burst": 1000, "devices": 50, "backlog_share": 0.25, "over": "drop"}\`; what is left out
has no bound, but for \`burst\`, which is ten seconds' worth then. The rate is a token bucket that holds
\`burst\` readings; sampled-out readings count, too. A reading over HTTP beyond them is refused with 429
and counted nowhere else; one from Kafka is dropped and counted (\`over\`: \`drop\`), or becomes a dead
letter (\`dead_letter\`; a flood of them would push those of others out). \`backlog_share\` is the part of each
sink's backlog (\`BACKLOG_MAX_BYTES\`) that the tenant's results may take while they wait, from the time on
at which it has that quota: a tenant whose results pile up can't stop the others. What it takes counts from
the oldest result on that the sink still needs, and may pass its share by what one batch brings. A tenant over its quotas costs
little more than the parsing of what it sends.

A detector is \`{"type": "range", "metric": "temperature", "min": 10, "max": 30, "weight": 1}\`. It fires
where the metric is below \`min\` or above \`max\`; one of the two may be left out. Its \`weight\` (1, if
left out) goes into the score: the score is the sum of the weights of all that fire. Built in are

${builtInSettings.detectors.map((it) => `- \`${JSON.stringify(it)}\``).join("\n")}

\`deploy/tenants.legacy.json\` has what the old engines had built in, \`deploy/tenants.demo.json\` is the
demo's: there one metric out of range is enough.
`;
}

/** `docs/api.md`, from the document that the engine serves. */
export function apiPage(document: Document): string {
  const [title, ...rest] = apiText(document).split("\n");
  const source = "This page is made from what the routes in `src/http` say of themselves, by " +
    "`deno task docs`. A running engine shows the same at `/docs`, and to programs at `/openapi.json`.";
  return [title, "", source, ...rest].join("\n");
}

/** Asks a real engine: only that knows all its routes. */
async function servedDocument(): Promise<Document> {
  const dataDir = await Deno.makeTempDir({ prefix: "plumbline-docs-" });
  const port = await choosePort(0);
  const engine = await startEngine({ dataDir, port, tell: (line) => console.error(line) });
  try {
    return await (await fetch(`${engine.address}/openapi.json`)).json();
  } finally {
    await engine.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

function settingRow(
  { name, oldName, default: text, emptyMeans, allowed, meaning }: Setting<unknown>,
) {
  const names = oldName === undefined ? code(name) : `${code(name)}, ${code(oldName)}`;
  const standard = text === "" ? `empty: ${emptyMeans}` : code(text);
  const empty = text === "" || emptyMeans === undefined ? "" : `; empty: ${emptyMeans}`;
  return `| ${[names, standard, allowed + empty, meaning].map(cell).join(" | ")} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  Deno.writeTextFileSync(SETTINGS_PAGE, settingsPage());
  Deno.writeTextFileSync(TENANTS_SCHEMA, `${JSON.stringify(tenantsJsonSchema(), null, 2)}\n`);
  Deno.writeTextFileSync(API_PAGE, apiPage(await servedDocument()));
  console.log("docs/api.md, docs/settings.md and docs/tenants.schema.json written");
}
