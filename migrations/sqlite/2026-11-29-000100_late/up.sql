-- How far late data reaches, so that a replay may stop where it meets what is stored. Every replay that waits now
-- goes to the head. A node that works on a row takes its span over; what comes late meanwhile is noted beside it.
ALTER TABLE reevaluations ADD COLUMN until_at INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE reevaluations ADD COLUMN taken_from INTEGER;
ALTER TABLE reevaluations ADD COLUMN taken_until INTEGER;
ALTER TABLE reevaluations ADD COLUMN taken_at INTEGER;
ALTER TABLE reevaluations ADD COLUMN taken_by INTEGER;
