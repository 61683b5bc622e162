-- How far late data reaches, so that a replay may stop where it meets what is stored. Every replay that waits now
-- goes to the head. A node that works on a row takes its span over; what comes late meanwhile is noted beside it.
ALTER TABLE reevaluations ADD COLUMN until_at BIGINT NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE reevaluations ADD COLUMN taken_from BIGINT;
ALTER TABLE reevaluations ADD COLUMN taken_until BIGINT;
ALTER TABLE reevaluations ADD COLUMN taken_at BIGINT;
ALTER TABLE reevaluations ADD COLUMN taken_by BIGINT;
