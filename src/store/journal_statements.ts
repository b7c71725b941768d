/** The SQL of the journal: prepared once, run for every batch. */
import type { Database } from "../../deps.ts";

/** The term of the index `journal_going_out`, word for word: SQLite uses it only then. */
const GOING_OUT = "target IN ('output', 'reframed')";

/** The order of that index. Only rows of the unknown lane share a base sequence; their ids decide. */
const IN_ORDER = "base_sequence, lanes, id";

/**
 * Rows of a lane follow one another: only the last one that begins at or before the sequence can
 * reach beyond it, so the index is entered there.
 */
const UNSENT = `
  lane = :lane AND base_sequence + count > :sequence AND base_sequence >= coalesce((
    SELECT max(base_sequence) FROM journal
    WHERE ${GOING_OUT} AND lane = :lane AND base_sequence <= :sequence
  ), :sequence)`;

const LANE_END = `
  SELECT base_sequence + count FROM journal
  WHERE ${GOING_OUT} AND lane = lanes.lane
  ORDER BY base_sequence DESC, lanes DESC, id DESC LIMIT 1`;

export function prepareJournal(db: Database.Database) {
  return {
    lastId: db.prepare(
      "SELECT max(coalesce((SELECT max(id) FROM journal), 0), last_journal_id) FROM meta",
    ).pluck(),
    // length() of a blob reads its header only.
    between: db.prepare(`
      SELECT count(*) AS rows, coalesce(sum(length(body)), 0) AS bytes
      FROM journal WHERE id BETWEEN ? AND ?`),
    rowsBetween: db.prepare("SELECT count(*) FROM journal WHERE id BETWEEN ? AND ?").pluck(),
    ownResultsFrom: db.prepare(
      "SELECT coalesce(sum(count), 0) FROM journal WHERE is_copy = 0 AND id >= ?",
    ).pluck(),
    append: db.prepare(`
      INSERT INTO journal (id, target, is_copy, lane, lanes, count, time, base_sequence, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    retarget: db.prepare("UPDATE journal SET target = ? WHERE id = ?"),
    resultsFrom: db.prepare(`
      SELECT coalesce(sum(CASE id WHEN :row THEN max(count - :record, 0) ELSE count END), 0)
      FROM journal AS j WHERE is_copy <> 1 AND id >= :row AND NOT EXISTS (
        SELECT 1 FROM backlog_gaps AS g
        WHERE g.sink = 'storage' AND j.id BETWEEN g.first_id AND g.last_id
      )`).pluck(),
    // Of a row that is acknowledged in part, the rest.
    unsentResults: db.prepare(`
      SELECT coalesce(sum(CASE WHEN lane < 0 THEN count
        ELSE min(count, base_sequence + count - :sequence) END), 0)
      FROM journal WHERE ${GOING_OUT} AND ${UNSENT}`).pluck(),
    rowEnd: db.prepare(`
      SELECT max(base_sequence + count) FROM (
        SELECT base_sequence, count FROM journal
        WHERE ${GOING_OUT} AND ${UNSENT} ORDER BY ${IN_ORDER} LIMIT :rows
      )`).pluck(),
    dropLane: db.prepare("DELETE FROM lanes WHERE lane = ?"),
    dropStorageCursor: db.prepare("DELETE FROM storage_cursor"),
    keepLastId: db.prepare("UPDATE meta SET last_journal_id = ?"),
    // The batch doesn't write the lanes: until a row goes, the row itself says where its lane ends.
    keepLaneEnds: db.prepare(
      `UPDATE lanes SET end_sequence = max(end_sequence, coalesce((${LANE_END}), 0))`,
    ),
    prune: db.prepare("DELETE FROM journal WHERE id <= ?"),
    bytesOf: db.prepare("SELECT length(body) FROM journal WHERE id = ?").pluck(),
    deleteRow: db.prepare("DELETE FROM journal WHERE id = ?"),
    moveCheckpoint: db.prepare("UPDATE meta SET checkpoint = ?"),
    saveLane: db.prepare(`
      INSERT INTO lanes (
        lane, topic_id, producer_id, producer_epoch, acknowledged, end_sequence, last_offset
      ) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (lane) DO UPDATE SET
        topic_id = excluded.topic_id,
        producer_id = excluded.producer_id,
        producer_epoch = excluded.producer_epoch,
        acknowledged = excluded.acknowledged,
        end_sequence = max(end_sequence, excluded.end_sequence),
        last_offset = excluded.last_offset`),
    settleLane: db.prepare(
      `UPDATE journal SET target = 'state' WHERE ${GOING_OUT} AND lane = ?`,
    ),
    moveStorageCursor: db.prepare(`
      INSERT INTO storage_cursor (id, journal_id, record) VALUES (1, ?, ?)
      ON CONFLICT (id) DO UPDATE SET journal_id = excluded.journal_id, record = excluded.record`),
    checkpoint: db.prepare("SELECT checkpoint FROM meta").pluck(),
    // A producer id uses all 64 bits.
    lanes: db.prepare(`
      SELECT
        lane, topic_id AS topicId, producer_id AS producerId, producer_epoch AS producerEpoch,
        acknowledged, max(end_sequence, coalesce((${LANE_END}), 0)) AS end,
        last_offset AS lastOffset
      FROM lanes ORDER BY lane`).safeIntegers(),
    storageCursor: db.prepare("SELECT journal_id AS row, record FROM storage_cursor"),
    outputSizes: db.prepare(`
      SELECT id, length(body) AS bytes FROM journal
      WHERE ${GOING_OUT} AND ${UNSENT} ORDER BY ${IN_ORDER}`),
    resultSizes: db.prepare(
      "SELECT id, length(body) AS bytes FROM journal WHERE is_copy = 0 AND id > ? ORDER BY id",
    ),
    storageSizes: db.prepare(
      "SELECT id, length(body) AS bytes FROM journal WHERE is_copy <> 1 AND id > ? ORDER BY id",
    ),
    // Ids of rows appended as "output" grow with their sequences, those of copies may not.
    firstOutput: db.prepare(`
      SELECT id FROM journal
      WHERE ${GOING_OUT} AND target = 'output' AND ${UNSENT} ORDER BY ${IN_ORDER} LIMIT 1`)
      .pluck(),
    firstReframed: db.prepare(`
      SELECT id FROM journal
      WHERE target = 'reframed' AND lane = :lane AND base_sequence + count > :sequence
      ORDER BY id LIMIT 1`).pluck(),
    laneAfter: db.prepare(
      `SELECT lane FROM journal WHERE ${GOING_OUT} AND lane > ? ORDER BY lane LIMIT 1`,
    ).pluck(),
    barriers: db.prepare("SELECT lane, sequence FROM lane_barriers ORDER BY change"),
    dropBarriers: db.prepare("DELETE FROM lane_barriers"),
    saveBarrier: db.prepare("INSERT INTO lane_barriers (change, lane, sequence) VALUES (?, ?, ?)"),
    timeFrom: db.prepare("SELECT time FROM journal WHERE id >= ? ORDER BY id LIMIT 1").pluck(),
    row: db.prepare(`
      SELECT id, lane, lanes, count, time, base_sequence AS baseSequence, body
      FROM journal WHERE id = ?`),
  };
}
