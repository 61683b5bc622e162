DROP INDEX alerts_late_reds;
