/** A broker with listeners for TLS and SASL, and a certificate authority of its own. */
import { type Broker, startBroker } from "../../tools/broker.ts";
import { run } from "../../tools/kafka_jars.ts";
import { freePort } from "../../tools/ports.ts";

export const USER = "alice";
export const PASSWORD = "wonder=land 1";

const LISTENERS = {
  ssl: { name: "SSL", protocol: "SSL" },
  /** Asks for a client's certificate. */
  mutual: { name: "MUTUAL", protocol: "SSL" },
  saslSsl: { name: "SASL_SSL", protocol: "SASL_SSL" },
  saslPlaintext: { name: "SASL_PLAINTEXT", protocol: "SASL_PLAINTEXT" },
} as const;

export type Listener = keyof typeof LISTENERS;

/** Paths of PEM files: an authority, the key and certificate that it gave to a client. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface SecureBroker extends AsyncDisposable {
  readonly broker: Broker;
  /** `host:port` of each listener; `broker.bootstrap` is the plain one. */
  readonly addresses: Readonly<Record<Listener, string>>;
  readonly certificates: Certificates;
  /** Of an authority that the broker knows nothing of. */
  readonly foreign: Certificates;
}

/** In a folder of its own, which has to be empty. Fails like `startBroker`; needs `openssl`. */
export async function startSecureBroker(
  dir: string,
  config: Record<string, string> = {},
): Promise<SecureBroker> {
  await Deno.mkdir(dir, { recursive: true });
  const certificates = await authority(`${dir}/own`);
  const foreign = await authority(`${dir}/foreign`);
  const server = await signed("server", {
    authority: `${dir}/own`,
    extension: "subjectAltName=IP:127.0.0.1,DNS:localhost",
  });
  const pem = `${dir}/server.pem`;
  await Deno.writeTextFile(pem, (await texts([server.key, server.cert])).join(""));
  const ports = {} as Record<Listener, number>;
  for (const key of Object.keys(LISTENERS) as Listener[]) ports[key] = await freePort();
  const broker = await startBroker({
    dir: `${dir}/broker`,
    listeners: (Object.keys(LISTENERS) as Listener[]).map((key) => ({
      ...LISTENERS[key],
      port: ports[key],
    })),
    scramUsers: ["SCRAM-SHA-256", "SCRAM-SHA-512"].map((mechanism) =>
      `${mechanism}=[name=${USER},password="${PASSWORD}"]`
    ),
    config: { ...sslConfig(pem, certificates.ca), ...saslConfig(), ...config },
  });
  const addresses = Object.fromEntries(
    Object.entries(ports).map(([key, port]) => [key, `127.0.0.1:${port}`]),
  ) as Record<Listener, string>;
  return {
    broker,
    addresses,
    certificates,
    foreign,
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

function sslConfig(pem: string, ca: string) {
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": pem,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": ca,
    "listener.name.mutual.ssl.client.auth": "required",
  };
}

function saslConfig() {
  const modules = "org.apache.kafka.common.security";
  const lines: Record<string, string> = {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
  };
  for (const listener of ["sasl_ssl", "sasl_plaintext"]) {
    const prefix = `listener.name.${listener}`;
    lines[`${prefix}.plain.sasl.jaas.config`] =
      `${modules}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`;
    for (const scram of ["scram-sha-256", "scram-sha-512"]) {
      lines[`${prefix}.${scram}.sasl.jaas.config`] = `${modules}.scram.ScramLoginModule required;`;
    }
  }
  return lines;
}

/** An authority in the folder, and a client's certificate from it. */
async function authority(dir: string): Promise<Certificates> {
  await Deno.mkdir(dir, { recursive: true });
  const ca = `${dir}/ca.pem`;
  await run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
    ...[
      "-keyout",
      `${dir}/ca.key`,
      "-out",
      ca,
      "-subj",
      `/CN=authority ${dir.replace(/.*\//, "")}`,
    ],
  ]);
  const client = await signed("client", {
    authority: dir,
    extension: "extendedKeyUsage=clientAuth",
  });
  return { ca, ...client };
}

async function signed(
  name: string,
  { authority: dir, extension }: { authority: string; extension: string },
): Promise<{ cert: string; key: string }> {
  const [key, request, cert, extensions] = ["key", "csr", "pem", "ext"].map((ending) =>
    `${dir}/${name}.${ending}`
  );
  await run("openssl", [
    ...["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`],
    ...["-keyout", key, "-out", request],
  ]);
  await Deno.writeTextFile(extensions, `${extension}\n`);
  await run("openssl", [
    ...["x509", "-req", "-days", "2", "-in", request, "-out", cert, "-extfile", extensions],
    ...["-CA", `${dir}/ca.pem`, "-CAkey", `${dir}/ca.key`, "-CAcreateserial"],
  ]);
  return { cert, key };
}

function texts(paths: readonly string[]): Promise<string[]> {
  return Promise.all(paths.map((path) => Deno.readTextFile(path)));
}
