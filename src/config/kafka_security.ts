/** What the settings of Kafka's security come to together: files read, contradictions found. */
import type { KeyObject } from "node:crypto";
import type { ConfigFault } from "./faults.ts";
import { kafkaSettings, type SaslMechanism } from "./kafka_settings.ts";
import { certificatesIn, fit, PemFault, privateKeyIn } from "./pem.ts";
import type { SettingValues } from "./settings.ts";

/** How the brokers are spoken to; undefined: not encrypted, or nobody in particular. */
export interface KafkaSecurity {
  /** Texts in PEM. Without `ca` the well-known authorities count. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: SaslMechanism;
    readonly username: string;
    readonly password: string;
  };
}

/** Where a file is read from and a fault goes to. */
export interface Reading {
  /** Throws where it can't. */
  readonly read: (path: string) => string;
  readonly faults: ConfigFault[];
}

type KafkaValues = Partial<SettingValues>;
type Key = keyof typeof kafkaSettings;

const SASL_KEYS = [
  "kafkaSaslMechanism",
  "kafkaSaslUsername",
  "kafkaSaslPassword",
  "kafkaSaslPasswordFile",
] as const;
const SSL_KEYS = [
  "kafkaSslCaFile",
  "kafkaSslCertFile",
  "kafkaSslKeyFile",
  "kafkaSslKeyPassword",
] as const;

/** A value that was at fault itself is undefined in `values`; what depends on it isn't judged. */
export function kafkaSecurity(values: KafkaValues, reading: Reading): KafkaSecurity {
  const protocol = values.kafkaSecurityProtocol;
  if (protocol === undefined) return {};
  const report = reporter(values, reading.faults);
  const withSsl = protocol === "SSL" || protocol === "SASL_SSL";
  const withSasl = protocol.startsWith("SASL_");
  // Ignored, such a setting would leave somebody in the belief that it protects.
  for (const key of [...(withSsl ? [] : SSL_KEYS), ...(withSasl ? [] : SASL_KEYS)]) {
    if (values[key]) report(key, `has no effect with KAFKA_SECURITY_PROTOCOL=${protocol}`);
  }
  const tls = withSsl ? tlsOf(values, { ...reading, report }) : undefined;
  const sasl = withSasl ? saslOf(values, { ...reading, report }) : undefined;
  return { ...(tls && { tls }), ...(sasl && { sasl }) };
}

type Report = (key: Key, message: string) => void;

function reporter(values: KafkaValues, faults: ConfigFault[]): Report {
  return (key, message) => {
    const { name, allowed } = kafkaSettings[key];
    faults.push({ name, value: String(values[key] ?? ""), message, allowed });
  };
}

function saslOf(
  values: KafkaValues,
  reading: Reading & { report: Report },
): KafkaSecurity["sasl"] {
  const { report } = reading;
  const { kafkaSaslUsername: username, kafkaSaslPassword, kafkaSaslPasswordFile: file } = values;
  if (username === "") {
    report(
      "kafkaSaslUsername",
      `is needed with KAFKA_SECURITY_PROTOCOL=${values.kafkaSecurityProtocol}`,
    );
  }
  if (kafkaSaslPassword && file) {
    report("kafkaSaslPasswordFile", "and KAFKA_SASL_PASSWORD are both set");
    return undefined;
  }
  let password = kafkaSaslPassword;
  if (file) {
    password = readFile("kafkaSaslPasswordFile", { ...reading, path: file })?.replace(/\r?\n$/, "");
    if (password === "") report("kafkaSaslPasswordFile", "is empty");
  } else if (password === "") {
    report("kafkaSaslPassword", "is needed with SASL, here or in KAFKA_SASL_PASSWORD_FILE");
  }
  if (!username || !password || values.kafkaSaslMechanism === undefined) return undefined;
  return { mechanism: values.kafkaSaslMechanism || "PLAIN", username, password };
}

function tlsOf(values: KafkaValues, reading: Reading & { report: Report }): KafkaSecurity["tls"] {
  const { report } = reading;
  const { kafkaSslCaFile, kafkaSslCertFile, kafkaSslKeyFile, kafkaSslKeyPassword } = values;
  const ca = kafkaSslCaFile
    ? certificates("kafkaSslCaFile", { ...reading, path: kafkaSslCaFile })
    : undefined;
  if (kafkaSslCertFile && kafkaSslKeyFile === "") {
    report("kafkaSslKeyFile", "is needed with KAFKA_SSL_CERT_FILE");
  }
  if (kafkaSslKeyFile && kafkaSslCertFile === "") {
    report("kafkaSslCertFile", "is needed with KAFKA_SSL_KEY_FILE");
  }
  if (kafkaSslKeyPassword && kafkaSslKeyFile === "") {
    report("kafkaSslKeyPassword", "is set, but no KAFKA_SSL_KEY_FILE");
  }
  if (!kafkaSslCertFile || !kafkaSslKeyFile) return { ca };
  const cert = certificates("kafkaSslCertFile", { ...reading, path: kafkaSslCertFile });
  const key = privateKey(kafkaSslKeyPassword, { ...reading, path: kafkaSslKeyFile });
  if (cert === undefined || key === undefined) return { ca };
  if (!fit(cert, key)) {
    report("kafkaSslKeyFile", "isn't the key of the first certificate in KAFKA_SSL_CERT_FILE");
  }
  // The runtime's TLS takes no passphrase: it is given the key as it is.
  return { ca, cert, key: String(key.export({ type: "pkcs8", format: "pem" })) };
}

function readFile(
  key: Key,
  { read, report, path }: Reading & { report: Report; path: string },
): string | undefined {
  try {
    return read(path);
  } catch (error) {
    // Whoever writes the password itself where its file belongs must not find it in the log.
    const said = (error as Error).message.replaceAll(path, "…");
    report(key, `can't be read: ${said}`);
    return undefined;
  }
}

/** The file's text, if every certificate in it is one. */
function certificates(
  key: Key,
  reading: Reading & { report: Report; path: string },
): string | undefined {
  const text = readFile(key, reading);
  return text === undefined ? undefined : taken({ key, ...reading }, () => certificatesIn(text));
}

function privateKey(
  passphrase: string | undefined,
  reading: Reading & { report: Report; path: string },
): KeyObject | undefined {
  const text = readFile("kafkaSslKeyFile", reading);
  if (text === undefined || passphrase === undefined) return undefined;
  const encrypted = text.includes("ENCRYPTED");
  return taken({ key: "kafkaSslKeyFile", ...reading }, () => {
    if (encrypted && passphrase === "") {
      throw new PemFault("is encrypted: KAFKA_SSL_KEY_PASSWORD is needed");
    }
    return privateKeyIn(text, {
      passphrase: passphrase || undefined,
      wrong: encrypted ? "doesn't open with KAFKA_SSL_KEY_PASSWORD" : "holds no private key in PEM",
    });
  });
}

function taken<T>({ key, report }: { key: Key; report: Report }, take: () => T): T | undefined {
  try {
    return take();
  } catch (error) {
    if (!(error instanceof PemFault)) throw error;
    report(key, error.message);
    return undefined;
  }
}
