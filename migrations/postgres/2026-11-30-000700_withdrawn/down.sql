DROP INDEX quarantine_withdrawn;
