-- A value is masked together with the message that brought it. Rows from before were masked without it: they
-- carry the message as a negative number until they are rolled.
UPDATE readings SET received = -1 - received;
