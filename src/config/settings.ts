/**
 * The table of settings: what each is called, what it means, what it takes. The program reads its
 * settings by this table, and the documentation is made from it.
 */
import { backlogSettings } from "./backlog_settings.ts";
import { httpSettings } from "./http_settings.ts";
import { kafkaSettings } from "./kafka_settings.ts";
import { type Setting, setting } from "./setting.ts";
import {
  byteSize,
  oneOf,
  parseBoolean,
  parseBrokers,
  parseLogLevel,
  parseServiceUrl,
  parseSinks,
  parseTopic,
  plainText,
  wholeNumber,
} from "./values.ts";

export type { Setting };

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export const settings = {
  mode: setting({
    name: "MODE",
    default: "normal",
    allowed: "normal or shadow",
    meaning: "shadow: beside another engine. It reads everything in the group " +
      "`<CONSUMER_GROUP>.shadow`, sends results to `<OUTPUT_TOPIC>.shadow`, copies of dead letters to " +
      "`<DEAD_LETTER_TOPIC>.shadow`, and posts nothing to the storage service.",
    parse: oneOf("normal", "shadow"),
  }),
  brokers: setting({
    name: "KAFKA_BROKER",
    default: "localhost:9092",
    allowed: "host:port, several separated by commas",
    meaning: "Kafka brokers to connect to first.",
    parse: parseBrokers,
  }),
  kafkaEnabled: setting({
    name: "KAFKA_ENABLED",
    default: "true",
    allowed: "true or false",
    meaning: "Whether readings are taken from Kafka and results are sent to it.",
    parse: parseBoolean,
  }),
  inputTopic: setting({
    name: "INPUT_TOPIC",
    oldName: "KAFKA_TOPIC",
    default: "sensor-data",
    allowed: "a Kafka topic's name: 1 to 249 letters, digits, dots, underscores and hyphens",
    meaning: "Topic that readings come from.",
    parse: parseTopic,
  }),
  outputTopic: setting({
    name: "OUTPUT_TOPIC",
    default: "processed-data",
    emptyMeans: "no output topic",
    allowed: "a Kafka topic's name other than the input topic's, or nothing",
    meaning: "Topic that results are sent to.",
    parse: (text: string) => text === "" ? "" : parseTopic(text),
  }),
  group: setting({
    name: "CONSUMER_GROUP",
    oldName: "KAFKA_GROUP",
    default: "plumbline",
    allowed: "1 to 255 characters, no control characters",
    meaning: "Consumer group of the engine.",
    parse: plainText(255),
  }),
  outOfRange: setting({
    name: "OFFSET_OUT_OF_RANGE",
    default: "earliest",
    allowed: "earliest, latest or stop",
    meaning:
      "Where a partition goes on whose records were removed before they were read: at the first " +
      "record left, after the last one, or nowhere until somebody decides.",
    parse: oneOf("earliest", "latest", "stop"),
  }),
  ...kafkaSettings,
  ...httpSettings,
  storageUrl: setting({
    name: "STORAGE_SERVICE_URL",
    default: "",
    emptyMeans: "no storage service",
    allowed: "an http or https address without user, password, query and fragment, or nothing",
    meaning: "Storage service that results are posted to, at /api/store below this address.",
    parse: parseServiceUrl,
  }),
  storageConcurrency: setting({
    name: "STORAGE_CONCURRENCY",
    default: "16",
    allowed: "1 to 256",
    meaning: "Requests to the storage service at the same time.",
    parse: wholeNumber(1, 256),
  }),
  storageTimeoutMs: setting({
    name: "STORAGE_TIMEOUT_MS",
    default: "10000",
    allowed: "100 to 600000 (milliseconds)",
    meaning: "Time for one request to the storage service, its answer included.",
    parse: wholeNumber(100, 600_000),
  }),
  maxReadings: setting({
    name: "MAX_READINGS",
    default: "100",
    allowed: "1 to 100000",
    meaning: "Length of a window: the last values of a device's metric that statistics are over.",
    parse: wholeNumber(1, 100_000),
  }),
  maxReadingBytes: setting({
    name: "MAX_READING_BYTES",
    default: "1MiB",
    allowed: "1KiB to 64MiB: bytes, or a number with KiB or MiB",
    meaning: "Longest reading that is taken.",
    parse: byteSize(1024, 64 * MIB),
  }),
  maxBatchBytes: setting({
    name: "MAX_BATCH_BYTES",
    default: "16MiB",
    allowed: "1KiB to 256MiB: bytes, or a number with KiB or MiB",
    meaning: "Longest body of POST /api/data with many readings: a JSON array, or lines.",
    parse: byteSize(1024, 256 * MIB),
  }),
  fleetMaxBytes: setting({
    name: "FLEET_MAX_BYTES",
    default: "256MiB",
    allowed: "1MiB to 1024GiB: bytes, or a number with KiB, MiB or GiB",
    meaning: "Memory for devices; those that weren't heard of for longest stay on disk only.",
    parse: byteSize(MIB, 1024 * GIB),
  }),
  ...backlogSettings,
  deadLettersMaxCount: setting({
    name: "DEAD_LETTERS_MAX_COUNT",
    default: "100000",
    allowed: "1 to 100000000",
    meaning: "Dead letters that are kept; beyond them the oldest fall off and are counted.",
    parse: wholeNumber(1, 100_000_000),
  }),
  deadLettersMaxBytes: setting({
    name: "DEAD_LETTERS_MAX_BYTES",
    default: "256MiB",
    allowed: "1MiB to 1024GiB: bytes, or a number with KiB, MiB or GiB",
    meaning: "Size of the readings and results in the dead letters; the newest is always kept.",
    parse: byteSize(MIB, 1024 * GIB),
  }),
  deadLettersMaxAge: setting({
    name: "DEAD_LETTERS_MAX_AGE",
    default: "30",
    allowed: "1 to 3650 (days)",
    meaning: "Days that a dead letter is kept.",
    parse: wholeNumber(1, 3650),
  }),
  deadLetterTopic: setting({
    name: "DEAD_LETTER_TOPIC",
    default: "",
    emptyMeans: "no copy is sent",
    allowed: "a Kafka topic's name, neither the input nor the output topic, or nothing",
    meaning: "Topic that every dead letter is copied to, with KAFKA_ENABLED.",
    parse: (text) => text === "" ? "" : parseTopic(text),
  }),
  anomaliesMaxCount: setting({
    name: "ANOMALIES_MAX_COUNT",
    default: "100000",
    allowed: "1 to 100000000",
    meaning:
      "Anomalies that are kept for GET /api/anomalies, 100 to 300 bytes each (5 KiB with the longest " +
      "names); beyond them the oldest fall off and are counted.",
    parse: wholeNumber(1, 100_000_000),
  }),
  anomaliesMaxAge: setting({
    name: "ANOMALIES_MAX_AGE",
    default: "30",
    allowed: "1 to 3650 (days)",
    meaning: "Days that an anomaly is kept.",
    parse: wholeNumber(1, 3650),
  }),
  discardBacklog: setting({
    name: "DISCARD_BACKLOG",
    default: "",
    emptyMeans: "nothing is discarded",
    allowed: "output, storage, both separated by a comma, or nothing",
    meaning:
      "Sinks that are gone, or whose topic has another name, and whose unsent results may be thrown away.",
    parse: parseSinks,
  }),
  damagedStart: setting({
    name: "DAMAGED_START",
    default: "committed",
    allowed: "committed or earliest",
    meaning:
      "Where Kafka is read from after plumbline.db was damaged so that results or everything " +
      "are lost: on from the group's offsets, or again from the first ones, which sends results twice.",
    parse: oneOf("committed", "earliest"),
  }),
  dataDir: setting({
    name: "DATA_DIR",
    default: "./data",
    allowed: "a folder's path",
    meaning: "Folder of plumbline.db; one process at a time.",
    parse: plainText(4096),
  }),
  tenantsFile: setting({
    name: "TENANTS_FILE",
    default: "",
    emptyMeans: "every tenant has the built-in settings",
    allowed: "path of a JSON or YAML file, or nothing",
    meaning:
      "File with the tenants' thresholds, sampling, windows, detectors and quotas, and with tokens.",
    parse: plainText(4096),
  }),
  logLevel: setting({
    name: "LOG_LEVEL",
    default: "info",
    allowed: "debug, info, warn or error",
    meaning: "The lowest level that is logged.",
    parse: parseLogLevel,
  }),
  debug: setting({
    name: "DEBUG",
    default: "false",
    allowed: "true or false",
    meaning: "Whether debug lines are logged, whatever LOG_LEVEL says.",
    parse: parseBoolean,
  }),
  openTelemetry: setting({
    name: "OTEL_DENO",
    default: "false",
    allowed: "true or false",
    meaning:
      "Whether traces are sent by OpenTelemetry, to where OTEL_EXPORTER_OTLP_ENDPOINT says (docs/tracing.md).",
    parse: parseBoolean,
  }),
};

/** The value of every setting, by its key in the table. */
export type SettingValues = {
  readonly [K in keyof typeof settings]: ReturnType<(typeof settings)[K]["parse"]>;
};
