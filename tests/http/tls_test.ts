/** The API over TLS: a real engine whose certificate is renewed, and what slow clients may do. */
import assert from "node:assert/strict";
import { readConfig } from "../../src/config/config.ts";
import { ConfigFaults } from "../../src/config/faults.ts";
import { openFiles } from "../../src/config/files.ts";
import { serveApi } from "../../src/http/serve.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { run } from "../../tools/kafka_jars.ts";
import { runCommand } from "../commands/command.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { apiOver } from "./in_memory.ts";

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate that has signed itself, and its key; texts. */
async function pair(dir: string): Promise<Pair> {
  const [cert, key] = [`${dir}/made-cert.pem`, `${dir}/made-key.pem`];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
  return { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) };
}

/** The status of /health by somebody who trusts this certificate alone; undefined: there was no TLS. */
async function health(address: string, { cert }: Pair): Promise<number | undefined> {
  using client = Deno.createHttpClient({ caCerts: [cert] });
  try {
    const response = await fetch(`${address}/health`, { client });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

Deno.test("a renewed certificate is taken while the engine runs; a broken one is told, and the old one stays", async () => {
  using folder = tempFolder();
  const [first, second] = [await pair(folder.path), await pair(folder.path)];
  const [TLS_CERT, TLS_KEY] = [`${folder.path}/cert.pem`, `${folder.path}/key.pem`];
  const write = ({ cert, key }: Pair) => {
    Deno.writeTextFileSync(TLS_CERT, cert);
    Deno.writeTextFileSync(TLS_KEY, key);
  };
  write(first);
  await using engine = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: `${folder.path}/data`, TLS_CERT, TLS_KEY },
  });
  await until(() => engine.stdout.includes('"address":"https://'));
  const address = /"address":"(https:\/\/[^"]+)"/.exec(engine.stdout)![1];
  assert.equal(await health(address, first), 200);
  assert.equal(await health(address, second), undefined);
  // A connection that stands goes on over every change.
  const { hostname, port } = new URL(address);
  const stands = await Deno.connectTls({ hostname, port: Number(port), caCerts: [first.cert] });
  await stands.handshake();

  write({ ...second, key: first.key });
  await until(() => engine.stdout.includes("isn't the key of the first certificate in TLS_CERT"));
  assert.equal(await health(address, first), 200);
  write({ cert: "-----BEGIN CERTIFICATE-----\n", key: second.key });
  await until(() => engine.stdout.includes("TLS_CERT holds no certificate in PEM"));
  assert.equal(await health(address, first), 200);
  write(second);
  await until(() => engine.stdout.includes("was read again; new connections get it"));
  assert.equal(await health(address, second), 200);
  assert.equal(await health(address, first), undefined);

  await stands.write(new TextEncoder().encode("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"));
  const answer = new Uint8Array(4096);
  const length = await stands.read(answer);
  const text = new TextDecoder().decode(answer.subarray(0, length!));
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /strict-transport-security: max-age=/);
  stands.close();
  assert.ok(!engine.stdout.includes("PRIVATE KEY"));

  const env = { HOST: "localhost", METRICS_PORT: port, TLS_CERT, TLS_KEY };
  const [trusting, other] = await Promise.all([
    runCommand(["healthcheck"], { ...env, PLUMBLINE_CA_FILE: TLS_CERT }),
    runCommand(["healthcheck"], env),
  ]);
  assert.deepEqual(trusting, { code: 0, stdout: "ready\n", stderr: "" });
  assert.equal(other.code, 1, "an authority that nobody knows");
});

Deno.test("clients that don't speak TLS, or never finish its handshake, hold nothing up", async () => {
  using folder = tempFolder();
  const tls = await pair(folder.path);
  const log = createLog({ level: "error", write: () => {}, now: () => 0 });
  const { port, close } = serveApi({
    app: apiOver().api,
    host: "127.0.0.1",
    port: 0,
    tls,
    limits: { waitMs: 50, maxConnections: 10 },
    log,
  });
  const open = () => Deno.connect({ hostname: "127.0.0.1", port });
  const [silent, plain] = [await open(), await open()];
  await plain.write(new TextEncoder().encode("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"));
  const ended = async (connection: Deno.Conn) => {
    const rest = await new Response(connection.readable).arrayBuffer().catch(() => null);
    return new TextDecoder().decode(rest ?? new ArrayBuffer());
  };
  assert.equal(await ended(silent), "");
  assert.doesNotMatch(await ended(plain), /HTTP/);
  const many = await Promise.all(Array.from({ length: 30 }, open));
  assert.equal(await health(`https://localhost:${port}`, tls), 200);
  for (const connection of many) connection.close();
  await close(5000);
});

Deno.test("a wrong pair is a fault at the start, and nothing of a key is shown", async () => {
  using folder = tempFolder();
  const [own, other] = [await pair(folder.path), await pair(folder.path)];
  const files = await openFiles({});
  const faults = (cert: string | null, key: string | null) => {
    const env: Record<string, string> = {};
    for (const [name, text] of [["TLS_CERT", cert], ["TLS_KEY", key]] as const) {
      if (text === null) continue;
      env[name] = `${folder.path}/${name}`;
      if (text !== "") Deno.writeTextFileSync(env[name], text);
    }
    try {
      const { tls } = readConfig(env, files);
      return [tls === undefined ? "no TLS" : "TLS"];
    } catch (error) {
      assert.ok(error instanceof ConfigFaults);
      assert.doesNotMatch(error.message, /PRIVATE|MIG/);
      return error.list.map(({ name, message }) => `${name} ${message}`);
    }
  };
  assert.deepEqual(faults(null, null), ["no TLS"]);
  assert.match(faults(own.cert, "")[0], /^TLS_KEY can't be read: /);
  assert.deepEqual(faults(own.cert, null), ["TLS_KEY is needed with TLS_CERT"]);
  assert.deepEqual(faults(null, own.key), ["TLS_CERT is needed with TLS_KEY"]);
  assert.deepEqual(faults(own.cert, other.key), [
    "TLS_KEY isn't the key of the first certificate in TLS_CERT",
  ]);
  assert.deepEqual(faults(own.key, own.cert), [
    "TLS_CERT holds no certificate in PEM",
    "TLS_KEY holds no private key in PEM",
  ]);
  assert.deepEqual(faults(own.cert, own.key), ["TLS"]);
});
