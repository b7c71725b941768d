-- How much stands between two ids of the journal: a start needn't look at every row to know. The rows
-- after the last stretch are counted one by one, they are few. A stretch whose first rows were pruned
-- has more here than there is.
CREATE TABLE journal_stretches (
  first_id INTEGER PRIMARY KEY,
  last_id INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

INSERT INTO journal_stretches
SELECT min(id), max(id), count(*), sum(length(body)) FROM journal GROUP BY id / 16;

-- Parts of the journal that were dropped for a sink, as long as it hasn't moved past them: the storage
-- service's cursor skips all between the ids, a row that goes out to the output topic still does.
CREATE TABLE backlog_gaps (
  sink TEXT NOT NULL CHECK (sink IN ('output', 'storage')),
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (sink, first_id)
) STRICT, WITHOUT ROWID;

-- Results that a sink was not given on purpose.
ALTER TABLE counters ADD COLUMN output_dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN storage_dropped INTEGER NOT NULL DEFAULT 0;

-- The topic that the lanes' cursors belong to; null: not known.
ALTER TABLE meta ADD COLUMN output_topic TEXT;
