-- How many results a device has, when the last one was made, and its score; 0 and NULL: from before this
-- was kept.
ALTER TABLE devices ADD COLUMN results INTEGER NOT NULL DEFAULT 0;

ALTER TABLE devices ADD COLUMN last_processed_ms REAL;

ALTER TABLE devices ADD COLUMN last_score REAL;
