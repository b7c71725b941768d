-- A batch's anomalies together, in the compact form of src/core/anomaly_block.ts. Each has a number: those
-- of a row begin at first_number. The body comes last: the other columns are then read without it.
CREATE TABLE anomalies (
  first_number INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  time INTEGER NOT NULL,
  earliest REAL NOT NULL,
  latest REAL NOT NULL,
  max_score REAL NOT NULL,
  detectors TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;

-- One row. Anomalies below first_kept have fallen off: so many there were, less one.
CREATE TABLE anomaly_numbers (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  first_kept INTEGER NOT NULL,
  next INTEGER NOT NULL
) STRICT;

INSERT INTO anomaly_numbers VALUES (1, 1, 1);
