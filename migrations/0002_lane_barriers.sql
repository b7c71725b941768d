-- For each change of the output topic's partition count that rows still wait with: in every lane the
-- sequence up to which its rows were written before, and go out before all that were written after.
CREATE TABLE lane_barriers (
  change INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (change, lane)
) STRICT, WITHOUT ROWID;
