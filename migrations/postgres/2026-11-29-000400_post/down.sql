DROP INDEX lapses_over;
DROP INDEX messages_waiting;
