-- Letters that were marked while no engine ran: the next start replays them.
CREATE TABLE dead_letters_to_replay (
  sequence INTEGER PRIMARY KEY
) STRICT;

-- The copy to a topic: every letter up to this sequence is settled; NULL: it is switched off.
CREATE TABLE dead_letter_copy (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sequence INTEGER,
  sent INTEGER NOT NULL,
  too_large INTEGER NOT NULL,
  missed INTEGER NOT NULL
) STRICT;

INSERT INTO dead_letter_copy VALUES (1, NULL, 0, 0, 0);

ALTER TABLE counters ADD COLUMN dead_letters_replayed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN dead_letters_discarded INTEGER NOT NULL DEFAULT 0;

-- The totals by sink.
DROP TRIGGER dead_letter_kept;
DROP TRIGGER dead_letter_gone;
DROP TABLE dead_letter_totals;

CREATE TABLE dead_letter_totals (
  sink TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO dead_letter_totals VALUES ('', 0, 0), ('output', 0, 0), ('storage', 0, 0);

UPDATE dead_letter_totals SET (count, bytes) = (
  SELECT count(*), coalesce(sum(coalesce(length(l.bytes), 0)), 0)
  FROM dead_letters AS l WHERE l.sink = dead_letter_totals.sink
);

CREATE TRIGGER dead_letter_kept AFTER INSERT ON dead_letters BEGIN
  UPDATE dead_letter_totals SET count = count + 1, bytes = bytes + coalesce(length(NEW.bytes), 0)
  WHERE sink = NEW.sink;
END;

CREATE TRIGGER dead_letter_gone AFTER DELETE ON dead_letters BEGIN
  UPDATE dead_letter_totals SET count = count - 1, bytes = bytes - coalesce(length(OLD.bytes), 0)
  WHERE sink = OLD.sink;
  DELETE FROM dead_letters_to_replay WHERE sequence = OLD.sequence;
END;
