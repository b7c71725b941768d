-- One row. last_journal_id is raised when rows are pruned: ids are never used twice.
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  folder_id TEXT NOT NULL,
  checkpoint INTEGER NOT NULL,
  last_journal_id INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  read INTEGER NOT NULL,
  results INTEGER NOT NULL,
  sampled_out INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  dropped INTEGER NOT NULL,
  passed_on INTEGER NOT NULL
) STRICT;

INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TABLE positions (
  cluster_id TEXT NOT NULL,
  topic_id TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  next INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, topic_id, partition)
) STRICT, WITHOUT ROWID;

-- The newest ones; position_jump_counts has them all.
CREATE TABLE position_jumps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  cluster_id TEXT NOT NULL,
  topic_id TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  previous INTEGER,
  next INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE position_jump_counts (
  reason TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE topics (
  cluster_id TEXT NOT NULL,
  topic TEXT NOT NULL,
  topic_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, topic, topic_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
  group_id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lanes (
  lane INTEGER PRIMARY KEY,
  topic_id TEXT NOT NULL,
  producer_id INTEGER NOT NULL,
  producer_epoch INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL,
  end_sequence INTEGER NOT NULL,
  last_offset INTEGER NOT NULL
) STRICT;

-- No row until the storage sink was first configured.
CREATE TABLE storage_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  journal_id INTEGER NOT NULL,
  record INTEGER NOT NULL
) STRICT;

-- The body comes last: the other columns are then read without it.
CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  target TEXT NOT NULL CHECK (target IN ('output', 'state', 'reframed', 'refused')),
  is_copy INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  lanes INTEGER NOT NULL,
  count INTEGER NOT NULL,
  time INTEGER NOT NULL,
  base_sequence INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE INDEX journal_going_out ON journal (lane, base_sequence, lanes)
WHERE target IN ('output', 'reframed');

CREATE INDEX journal_reframed ON journal (lane) WHERE target = 'reframed';

CREATE TABLE dead_letters (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  time INTEGER NOT NULL,
  reason TEXT NOT NULL,
  stored_at INTEGER NOT NULL,
  bytes BLOB
) STRICT;

CREATE TABLE devices (
  tenant_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  last_seen_ms REAL NOT NULL,
  journal_id INTEGER NOT NULL,
  temperature_count INTEGER NOT NULL,
  temperature_sum REAL NOT NULL,
  temperature_min REAL,
  temperature_max REAL,
  temperature_avg REAL AS (temperature_sum / temperature_count) VIRTUAL,
  humidity_count INTEGER NOT NULL,
  humidity_sum REAL NOT NULL,
  humidity_min REAL,
  humidity_max REAL,
  humidity_avg REAL AS (humidity_sum / humidity_count) VIRTUAL,
  temperature_exact BLOB NOT NULL,
  temperature_window BLOB NOT NULL,
  humidity_exact BLOB NOT NULL,
  humidity_window BLOB NOT NULL,
  PRIMARY KEY (tenant_id, device_id)
) STRICT;

CREATE INDEX devices_by_device ON devices (device_id, tenant_id);

CREATE TABLE device_metrics (
  tenant_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  sum REAL NOT NULL,
  min REAL,
  max REAL,
  avg REAL AS (sum / count) VIRTUAL,
  exact BLOB NOT NULL,
  "window" BLOB NOT NULL,
  PRIMARY KEY (tenant_id, device_id, position)
) STRICT;

CREATE TABLE global_statistics (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  journal_id INTEGER NOT NULL,
  last_processed INTEGER NOT NULL,
  temperature_count INTEGER NOT NULL,
  temperature_sum REAL NOT NULL,
  temperature_min REAL,
  temperature_max REAL,
  temperature_avg REAL AS (temperature_sum / temperature_count) VIRTUAL,
  humidity_count INTEGER NOT NULL,
  humidity_sum REAL NOT NULL,
  humidity_min REAL,
  humidity_max REAL,
  humidity_avg REAL AS (humidity_sum / humidity_count) VIRTUAL,
  temperature_exact BLOB NOT NULL,
  temperature_window BLOB NOT NULL,
  humidity_exact BLOB NOT NULL,
  humidity_window BLOB NOT NULL
) STRICT;

CREATE TABLE global_metrics (
  position INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  sum REAL NOT NULL,
  min REAL,
  max REAL,
  avg REAL AS (sum / count) VIRTUAL,
  exact BLOB NOT NULL,
  "window" BLOB NOT NULL
) STRICT;
