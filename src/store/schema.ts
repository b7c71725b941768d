/**
 * The tables as drizzle sees them. `migrations/` is what makes them; a test holds the two together.
 */
import { sql, sqlite } from "../../deps.ts";

const { blob, index, integer, primaryKey, real, sqliteTable, text } = sqlite;

function blobColumn(name: string) {
  return blob(name, { mode: "buffer" }).$type<Uint8Array>().notNull();
}

/** One metric's columns in a table that has a row per metric. */
function metricColumns() {
  return {
    name: text("name").notNull(),
    count: integer("count").notNull(),
    sum: real("sum").notNull(),
    min: real("min"),
    max: real("max"),
    avg: real("avg").generatedAlwaysAs(sql`sum / count`),
    exact: blobColumn("exact"),
    window: blobColumn("window"),
  };
}

/** The two metrics that every device has, side by side in its row; blobs last, see the migration. */
function statisticsColumns() {
  return {
    temperatureCount: integer("temperature_count").notNull(),
    temperatureSum: real("temperature_sum").notNull(),
    temperatureMin: real("temperature_min"),
    temperatureMax: real("temperature_max"),
    temperatureAvg: real("temperature_avg").generatedAlwaysAs(
      sql`temperature_sum / temperature_count`,
    ),
    humidityCount: integer("humidity_count").notNull(),
    humiditySum: real("humidity_sum").notNull(),
    humidityMin: real("humidity_min"),
    humidityMax: real("humidity_max"),
    humidityAvg: real("humidity_avg").generatedAlwaysAs(sql`humidity_sum / humidity_count`),
    temperatureExact: blobColumn("temperature_exact"),
    temperatureWindow: blobColumn("temperature_window"),
    humidityExact: blobColumn("humidity_exact"),
    humidityWindow: blobColumn("humidity_window"),
  };
}

export const meta = sqliteTable("meta", {
  id: integer("id").primaryKey(),
  folderId: text("folder_id").notNull(),
  checkpoint: integer("checkpoint").notNull(),
  lastJournalId: integer("last_journal_id").notNull(),
  /** null: not known. */
  outputTopic: text("output_topic"),
});

export const counters = sqliteTable("counters", {
  id: integer("id").primaryKey(),
  read: integer("read").notNull(),
  results: integer("results").notNull(),
  sampledOut: integer("sampled_out").notNull(),
  rejected: integer("rejected").notNull(),
  dropped: integer("dropped").notNull(),
  passedOn: integer("passed_on").notNull(),
  sinkDeadLetters: integer("sink_dead_letters").notNull(),
  deadLettersDropped: integer("dead_letters_dropped").notNull(),
  deadLettersReplayed: integer("dead_letters_replayed").notNull(),
  deadLettersDiscarded: integer("dead_letters_discarded").notNull(),
  outputDropped: integer("output_dropped").notNull(),
  storageDropped: integer("storage_dropped").notNull(),
});

export const positions = sqliteTable("positions", {
  clusterId: text("cluster_id").notNull(),
  topicId: text("topic_id").notNull(),
  topic: text("topic").notNull(),
  partition: integer("partition").notNull(),
  next: integer("next").notNull(),
}, (table) => [primaryKey({ columns: [table.clusterId, table.topicId, table.partition] })]);

export const positionJumps = sqliteTable("position_jumps", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  time: integer("time").notNull(),
  clusterId: text("cluster_id").notNull(),
  topicId: text("topic_id").notNull(),
  topic: text("topic").notNull(),
  partition: integer("partition").notNull(),
  /** null: there was no position before. */
  previous: integer("previous"),
  next: integer("next").notNull(),
  reason: text("reason").notNull(),
});

export const positionJumpCounts = sqliteTable("position_jump_counts", {
  reason: text("reason").primaryKey(),
  count: integer("count").notNull(),
  /** Offsets that the jumps have left out. */
  skipped: integer("skipped").notNull(),
});

export const topics = sqliteTable("topics", {
  clusterId: text("cluster_id").notNull(),
  topic: text("topic").notNull(),
  topicId: text("topic_id").notNull(),
  generation: integer("generation").notNull(),
}, (table) => [primaryKey({ columns: [table.clusterId, table.topic, table.topicId] })]);

export const members = sqliteTable("members", {
  groupId: text("group_id").primaryKey(),
  memberId: text("member_id").notNull(),
});

export const lanes = sqliteTable("lanes", {
  lane: integer("lane").primaryKey(),
  topicId: text("topic_id").notNull(),
  /** Uses all 64 bits: read it by a statement with safe integers. */
  producerId: integer("producer_id").notNull(),
  producerEpoch: integer("producer_epoch").notNull(),
  acknowledged: integer("acknowledged").notNull(),
  endSequence: integer("end_sequence").notNull(),
  lastOffset: integer("last_offset").notNull(),
});

export const laneBarriers = sqliteTable("lane_barriers", {
  change: integer("change").notNull(),
  lane: integer("lane").notNull(),
  sequence: integer("sequence").notNull(),
}, (table) => [primaryKey({ columns: [table.change, table.lane] })]);

export const storageCursor = sqliteTable("storage_cursor", {
  id: integer("id").primaryKey(),
  journalId: integer("journal_id").notNull(),
  record: integer("record").notNull(),
});

export const journal = sqliteTable("journal", {
  id: integer("id").primaryKey(),
  target: text("target").notNull(),
  /** 0: results of its own; 1: a copy for the output topic; 2: a copy for the storage service. */
  isCopy: integer("is_copy").notNull(),
  lane: integer("lane").notNull(),
  lanes: integer("lanes").notNull(),
  count: integer("count").notNull(),
  time: integer("time").notNull(),
  baseSequence: integer("base_sequence").notNull(),
  body: blobColumn("body"),
}, (table) => [
  index("journal_going_out").on(table.lane, table.baseSequence, table.lanes)
    .where(sql`target IN ('output', 'reframed')`),
  index("journal_reframed").on(table.lane).where(sql`target = 'reframed'`),
]);

export const journalStretches = sqliteTable("journal_stretches", {
  firstId: integer("first_id").primaryKey(),
  lastId: integer("last_id").notNull(),
  rows: integer("rows").notNull(),
  bytes: integer("bytes").notNull(),
});

export const backlogGaps = sqliteTable("backlog_gaps", {
  sink: text("sink").$type<"output" | "storage">().notNull(),
  firstId: integer("first_id").notNull(),
  lastId: integer("last_id").notNull(),
  rows: integer("rows").notNull(),
  bytes: integer("bytes").notNull(),
}, (table) => [primaryKey({ columns: [table.sink, table.firstId] })]);

export const tenantStretches = sqliteTable("tenant_stretches", {
  tenant: text("tenant_id").notNull(),
  firstId: integer("first_id").notNull(),
  lastId: integer("last_id").notNull(),
  bytes: integer("bytes").notNull(),
}, (table) => [primaryKey({ columns: [table.tenant, table.firstId] })]);

export const deadLetters = sqliteTable("dead_letters", {
  sequence: integer("sequence").primaryKey({ autoIncrement: true }),
  id: text("id").notNull(),
  /** Empty: a reading that was rejected. */
  sink: text("sink").$type<"" | "output" | "storage">().notNull(),
  tenant: text("tenant_id"),
  topic: text("topic").notNull(),
  partition: integer("partition").notNull(),
  offset: integer("offset").notNull(),
  time: integer("time").notNull(),
  reason: text("reason").notNull(),
  status: integer("status"),
  answer: text("answer"),
  attempts: integer("attempts").notNull(),
  storedAt: integer("stored_at").notNull(),
  bytes: blob("bytes", { mode: "buffer" }).$type<Uint8Array>(),
}, (table) => [sqlite.unique().on(table.id, table.sink)]);

export const deadLetterTotals = sqliteTable("dead_letter_totals", {
  sink: text("sink").primaryKey(),
  count: integer("count").notNull(),
  bytes: integer("bytes").notNull(),
});

export const deadLettersToReplay = sqliteTable("dead_letters_to_replay", {
  sequence: integer("sequence").primaryKey(),
});

export const deadLetterCopy = sqliteTable("dead_letter_copy", {
  id: integer("id").primaryKey(),
  /** null: switched off. */
  sequence: integer("sequence"),
  sent: integer("sent").notNull(),
  tooLarge: integer("too_large").notNull(),
  missed: integer("missed").notNull(),
});

export const anomalies = sqliteTable("anomalies", {
  firstNumber: integer("first_number").primaryKey(),
  count: integer("count").notNull(),
  time: integer("time").notNull(),
  earliest: real("earliest").notNull(),
  latest: real("latest").notNull(),
  maxScore: real("max_score").notNull(),
  detectors: text("detectors").notNull(),
  body: blobColumn("body"),
});

export const anomalyNumbers = sqliteTable("anomaly_numbers", {
  id: integer("id").primaryKey(),
  firstKept: integer("first_kept").notNull(),
  next: integer("next").notNull(),
});

export const devices = sqliteTable("devices", {
  tenantId: text("tenant_id").notNull(),
  deviceId: text("device_id").notNull(),
  lastSeen: text("last_seen").notNull(),
  lastSeenMs: real("last_seen_ms").notNull(),
  journalId: integer("journal_id").notNull(),
  ...statisticsColumns(),
  results: integer("results").notNull(),
  /** null: not known, as the score. */
  lastProcessedMs: real("last_processed_ms"),
  lastScore: real("last_score"),
}, (table) => [
  primaryKey({ columns: [table.tenantId, table.deviceId] }),
  index("devices_by_device").on(table.deviceId, table.tenantId),
]);

export const deviceMetrics = sqliteTable("device_metrics", {
  tenantId: text("tenant_id").notNull(),
  deviceId: text("device_id").notNull(),
  position: integer("position").notNull(),
  ...metricColumns(),
}, (table) => [primaryKey({ columns: [table.tenantId, table.deviceId, table.position] })]);

export const globalStatistics = sqliteTable("global_statistics", {
  id: integer("id").primaryKey(),
  journalId: integer("journal_id").notNull(),
  lastProcessed: integer("last_processed").notNull(),
  ...statisticsColumns(),
});

export const globalMetrics = sqliteTable("global_metrics", {
  position: integer("position").primaryKey(),
  ...metricColumns(),
});
