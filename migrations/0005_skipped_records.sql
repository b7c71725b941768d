-- How many offsets were left out where retention had removed their records; of old jumps as far as they
-- are kept.
ALTER TABLE position_jump_counts ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;

UPDATE position_jump_counts SET skipped = (
  SELECT coalesce(sum(max(0, next - previous)), 0) FROM position_jumps
  WHERE reason = 'offset out of range' AND previous IS NOT NULL
) WHERE reason = 'offset out of range';
