-- Dead letters of readings (sink '') and of results that a sink refused ('output', 'storage').
CREATE TABLE letters (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  sink TEXT NOT NULL DEFAULT '' CHECK (sink IN ('', 'output', 'storage')),
  tenant_id TEXT,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  time INTEGER NOT NULL,
  reason TEXT NOT NULL,
  status INTEGER,
  answer TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  stored_at INTEGER NOT NULL,
  bytes BLOB,
  UNIQUE (id, sink)
) STRICT;

-- Sequences are never used twice, not even where the last letters were deleted.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'letters', seq FROM sqlite_sequence WHERE name = 'dead_letters';

-- The one reason for which the output topic refused a result before.
INSERT INTO letters (sequence, id, sink, topic, partition, "offset", time, reason, attempts, stored_at, bytes)
SELECT sequence, id, iif(is_refused, 'output', ''), topic, partition, "offset", time, reason, is_refused, stored_at, bytes
FROM (
  SELECT *, topic = '' AND reason = 'larger than the topic''s max.message.bytes' AS is_refused
  FROM dead_letters
);

DROP TABLE dead_letters;
ALTER TABLE letters RENAME TO dead_letters;

ALTER TABLE counters ADD COLUMN sink_dead_letters INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN dead_letters_dropped INTEGER NOT NULL DEFAULT 0;
UPDATE counters SET sink_dead_letters = (SELECT count(*) FROM dead_letters WHERE sink <> '');

-- Kept by triggers: right, too, where people delete letters by hand.
CREATE TABLE dead_letter_totals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

INSERT INTO dead_letter_totals
SELECT 1, count(*), coalesce(sum(coalesce(length(bytes), 0)), 0) FROM dead_letters;

CREATE TRIGGER dead_letter_kept AFTER INSERT ON dead_letters BEGIN
  UPDATE dead_letter_totals SET count = count + 1, bytes = bytes + coalesce(length(NEW.bytes), 0);
END;

CREATE TRIGGER dead_letter_gone AFTER DELETE ON dead_letters BEGIN
  UPDATE dead_letter_totals SET count = count - 1, bytes = bytes - coalesce(length(OLD.bytes), 0);
END;
