DROP INDEX looks_by_time;
