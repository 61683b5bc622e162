-- What a look costs must not grow with what is finished: an index that holds only what is open, or the order in
-- which a list is read.
DROP INDEX alerts_queue;
CREATE INDEX alerts_queue ON alerts (retrospective, level DESC, started_at, id) WHERE state <> 'resolved';
CREATE INDEX alerts_unresolved ON alerts (patient_key) WHERE state <> 'resolved';
CREATE INDEX alerts_unsettled ON alerts (patient_key, id) WHERE state <> 'resolved' OR ended_at IS NULL;
DROP INDEX alerts_resolved;
CREATE INDEX alerts_resolved ON alerts (state, started_at, id);
CREATE INDEX alerts_worst ON alerts (retrospective, level, started_at, id);
CREATE INDEX alerts_worst_in_state ON alerts (state, retrospective, level, started_at, id);
CREATE INDEX alerts_worst_of_patient ON alerts (patient_key, retrospective, level, started_at, id);
DROP INDEX alerts_by_patient;
CREATE INDEX alerts_by_patient ON alerts (patient_key, started_at, id);
CREATE INDEX alerts_by_rule ON alerts (patient_key, rule, ended_at);
CREATE INDEX alerts_by_raise ON alerts (peak, retrospective, raised_at, id);
CREATE INDEX alert_acts_cut ON alert_acts (at, alert_id) WHERE act = 'cut';
CREATE INDEX escalations_open ON escalations (next_at, id) WHERE state <> 'done';
CREATE INDEX escalations_spoiled ON escalations (updated_at) WHERE spoiled IS NOT NULL;
CREATE INDEX sla_timers_spoiled ON sla_timers (started_at) WHERE spoiled IS NOT NULL;
CREATE INDEX messages_recent ON messages (created_at, channel, state);
CREATE INDEX messages_spoiled ON messages (due_at) WHERE spoiled IS NOT NULL;
CREATE INDEX messages_trials ON messages (recipient, id) WHERE kind = 'trial';
CREATE INDEX messages_unread ON messages (recipient, id)
    WHERE channel = 'in_app' AND state IN ('accepted', 'sent', 'delivered');
-- Lists in the order in which their rows came.
CREATE INDEX patients_by_age ON patients (created_at, id);
CREATE INDEX devices_by_age ON devices (created_at, id);
CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_by_role ON users (role, id);
DROP INDEX bindings_by_patient;
CREATE INDEX bindings_by_patient ON bindings (patient_key, created_at, id);
CREATE INDEX bindings_open ON bindings (patient_key, preferred DESC, from_at, id) WHERE to_at IS NULL;
DROP INDEX bindings_by_device;
CREATE INDEX bindings_by_device ON bindings (device_key, from_at, id);
CREATE INDEX consent_events_by_patient ON consent_events (patient_key, at, id);
CREATE INDEX consents_by_end ON consents (valid_until) WHERE valid_until IS NOT NULL;
DROP INDEX device_tokens_by_device;
CREATE INDEX device_tokens_by_device ON device_tokens (device_key, issued_at, id);
CREATE INDEX commands_by_device ON commands (device_key, created_at, id);
-- A command from before commands had an end gets the usual one.
UPDATE commands SET expires_at = created_at + 604800000000 WHERE expires_at IS NULL;
DROP INDEX commands_waiting;
CREATE INDEX commands_waiting ON commands (device_key, expires_at)
    WHERE acknowledged_at IS NULL AND refused_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX commands_open ON commands (expires_at, created_at)
    WHERE acknowledged_at IS NULL AND refused_at IS NULL AND cancelled_at IS NULL;
DROP INDEX sessions_by_user;
CREATE INDEX sessions_living ON sessions (user_id, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX links_by_user ON links (user_id);
-- A late conflict stays, so the expiry of the others must not walk over it.
DROP INDEX quarantine_by_expiry;
CREATE INDEX quarantine_by_expiry ON quarantine (expires_at) WHERE reason <> 'E_CONFLICT';
DROP INDEX quarantine_waiting;
CREATE INDEX quarantine_waiting ON quarantine (patient_key, received_at, id) WHERE decided_at IS NULL;
CREATE INDEX quarantine_by_receipt ON quarantine (received);
CREATE INDEX audit_entries_by_kind ON audit_entries (kind, leaf);
