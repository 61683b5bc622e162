// Every page of the house, and how it is reached: the list that axe and the camera walk.

// [name, role, path]; a role of null is nobody signed in.
export function pages({ patient, masked, alert, resolved, device, colleague, webhook }) {
  return [
    ['login', null, '/login'],
    ['api docs', null, '/api/docs'],
    ['queue', 'clinician', '/queue'],
    ['queue, resolved', 'clinician', '/queue?state=resolved'],
    ['queue, nothing found', 'clinician', '/queue?q=zzzz'],
    ['queue of an agent', 'agent', '/queue'],
    ['alert', 'clinician', alert],
    ['alert of an agent', 'agent', alert],
    ['alert, resolved', 'clinician', resolved],
    ['patients', 'clinician', '/patients'],
    ['patients, nothing found', 'clinician', '/patients?q=zzzz'],
    ['patient', 'clinician', `/patients/${patient}`],
    ['patient, masked', 'clinician', `/patients/${masked}`],
    ['patient for the dpo', 'dpo', `/patients/${patient}`],
    ['schedules', 'manager', '/schedules'],
    ['schedule', 'manager', '/schedules/clinician_on_call'],
    ['schedule of an agent, the past', 'agent', '/schedules/duty_manager?at=2020-03-12T03:12'],
    ['absence', 'manager', '/absence'],
    ['teams', 'manager', '/teams'],
    ['teams for an agent', 'agent', '/teams'],
    ['people on duty', 'manager', '/on-duty'],
    ['a person on duty', 'manager', `/on-duty/${colleague}`],
    ['a person on duty for an agent', 'agent', `/on-duty/${colleague}`],
    ['webhooks', 'admin', '/webhooks'],
    ['webhook', 'manager', `/webhooks/${webhook}`],
    ['account', 'agent', '/account'],
    ['a test page arrived', 'agent', '/account/trial'],
    ['rules', 'clinician', '/rules'],
    ['policies', 'manager', '/policies'],
    ['policy', 'clinician', '/policies/red_alert'],
    ['policy for an auditor', 'auditor', '/policies/red_alert?rehearse=1'],
    ['service levels', 'manager', '/service-levels'],
    ['service level', 'clinician', '/service-levels/yellow_first_response'],
    ['calendars', 'agent', '/calendars'],
    ['calendar', 'manager', '/calendars/clinic'],
    ['a new calendar', 'manager', '/calendars/night?new=1'],
    ['message templates', 'auditor', '/message-templates'],
    ['message template', 'dpo', '/message-templates/page'],
    ['devices', 'technician', '/devices'],
    ['device', 'technician', `/devices/${device}`],
    ['pairing, shown before', 'technician', `/devices/${device}/pairing`],
    ['audit', 'auditor', '/audit'],
    ['audit entry', 'auditor', '/audit/entries/3'],
    ['status', 'admin', '/status'],
    ['users', 'admin', '/users'],
    ['patients for the admin', 'admin', '/patients'],
    ['portal', 'patient', '/me'],
  ];
}

// [name, role, path, status] of pages that refuse.
export const refusals = [
  ['forbidden', 'clinician', '/users', 403],
  ['not found', 'clinician', '/patients/00000000-0000-7000-8000-000000000000', 404],
  ['a dead password link', null, '/password/nothing', 404],
];

// In the other language: what people look at all day.
export const inEnglish = ['queue', 'alert', 'patient', 'policy', 'audit', 'portal', 'schedule', 'absence', 'teams', 'people on duty', 'webhooks', 'account', 'calendar', 'message template'];
