DROP INDEX subject_keys_epoch;
