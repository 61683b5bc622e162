-- What waits for one reader is found without walking over what they were sent before.
CREATE INDEX messages_waiting ON messages (recipient, channel, id) WHERE state = 'due' AND spoiled IS NULL;
-- What was over lately, by its end.
CREATE INDEX lapses_over ON lapses (over_at, kind) WHERE over_at IS NOT NULL;
