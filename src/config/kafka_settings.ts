/** Settings of the way to Kafka: the client, and who it is to the brokers. Names as people know them. */
import { setting } from "./setting.ts";
import { oneOf, oneOfOrEmpty, plainText } from "./values.ts";

const SECURITY_PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] as const;
const SASL_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const PEM_FILE = "path of a PEM file, or nothing";

export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number];
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export const kafkaSettings = {
  kafkaClient: setting({
    name: "KAFKA_CLIENT",
    default: "platformatic",
    allowed: "platformatic or kafkajs",
    meaning:
      "Library that speaks to Kafka. kafkajs sends results at least once, platformatic exactly once.",
    parse: oneOf("platformatic", "kafkajs"),
  }),
  outputDelivery: setting({
    name: "OUTPUT_DELIVERY",
    default: "",
    emptyMeans: "what KAFKA_CLIENT can do",
    allowed: "exactly_once or at_least_once, or nothing; exactly_once isn't there with kafkajs",
    meaning:
      "The least that must hold for the output topic; the engine doesn't start if its client can't.",
    parse: oneOfOrEmpty("exactly_once", "at_least_once"),
  }),
  kafkaSecurityProtocol: setting({
    name: "KAFKA_SECURITY_PROTOCOL",
    default: "PLAINTEXT",
    allowed: SECURITY_PROTOCOLS.join(", "),
    meaning: "How the brokers are spoken to: SSL encrypts, SASL says who the engine is.",
    parse: oneOf(...SECURITY_PROTOCOLS),
  }),
  kafkaSaslMechanism: setting({
    name: "KAFKA_SASL_MECHANISM",
    default: "",
    emptyMeans: "PLAIN, where KAFKA_SECURITY_PROTOCOL has SASL",
    allowed: SASL_MECHANISMS.join(", "),
    meaning: "How user and password are proved to the brokers.",
    parse: oneOfOrEmpty(...SASL_MECHANISMS),
  }),
  kafkaSaslUsername: setting({
    name: "KAFKA_SASL_USERNAME",
    default: "",
    emptyMeans: "no user",
    allowed: "1 to 255 characters, no control characters; needed with SASL",
    meaning: "User that the engine is to the brokers.",
    parse: plainText(255),
  }),
  kafkaSaslPassword: setting({
    name: "KAFKA_SASL_PASSWORD",
    default: "",
    emptyMeans: "no password here",
    allowed: "1 to 4096 characters, no control characters",
    meaning: "The user's password.",
    parse: plainText(4096),
  }),
  kafkaSaslPasswordFile: setting({
    name: "KAFKA_SASL_PASSWORD_FILE",
    default: "",
    emptyMeans: "KAFKA_SASL_PASSWORD counts",
    allowed: "path of a file, or nothing",
    meaning: "File that holds the user's password; a line break at its end doesn't count.",
    parse: plainText(4096),
  }),
  kafkaSslCaFile: setting({
    name: "KAFKA_SSL_CA_FILE",
    default: "",
    emptyMeans: "the well-known authorities",
    allowed: PEM_FILE,
    meaning: "Certificates of the authorities that vouch for the brokers.",
    parse: plainText(4096),
  }),
  kafkaSslCertFile: setting({
    name: "KAFKA_SSL_CERT_FILE",
    default: "",
    emptyMeans: "no certificate of its own",
    allowed: PEM_FILE,
    meaning:
      "Certificate that the engine shows to the brokers, with those between it and its authority.",
    parse: plainText(4096),
  }),
  kafkaSslKeyFile: setting({
    name: "KAFKA_SSL_KEY_FILE",
    default: "",
    emptyMeans: "no key",
    allowed: PEM_FILE,
    meaning: "Private key of KAFKA_SSL_CERT_FILE.",
    parse: plainText(4096),
  }),
  kafkaSslKeyPassword: setting({
    name: "KAFKA_SSL_KEY_PASSWORD",
    default: "",
    emptyMeans: "the key isn't encrypted",
    allowed: "1 to 4096 characters, no control characters",
    meaning: "Password of an encrypted KAFKA_SSL_KEY_FILE.",
    parse: plainText(4096),
  }),
};
