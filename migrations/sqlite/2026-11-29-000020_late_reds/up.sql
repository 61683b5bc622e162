-- Reds that were found too late to page and still stand.
CREATE INDEX alerts_late_reds ON alerts (id) WHERE retrospective = TRUE AND ended_at IS NULL AND level = 2;
