# Every visible text of the dashboard. pt-BR.ftl is the source; a test holds both to the same keys.
## Surroundings

app-name = Zelo
skip-to-content = Skip to content
nav-label = Main
nav-menu = Menu
nav-queue = Queue
nav-patients = Patients
nav-devices = Devices
nav-rules = Rules
nav-audit = Audit
nav-users = Users
nav-status = System
nav-me = My health
nav-red-open =
    { $n ->
        [one] 1 red alert open
       *[other] { $n } red alerts open
    }
language = Language
theme = Appearance
theme-auto = Auto
theme-light = Light
theme-dark = Dark
sign-out = Sign out
close = Close
live-on = Live
live-off = Offline
live-connecting = Connecting…
live-offline-since = No connection since { $time }. What you see may have changed; trying again every few seconds.
live-new-red = New red alert in the queue.
live-masked = Readings hidden: consent could not be confirmed just now.
live-moved = The list moved as you tapped. Nothing was done: check the name and tap again.
keys-title = Keyboard shortcuts
keys-move = Next, previous
keys-open = Open
keys-claim = Claim or acknowledge
keys-resolve = Resolve
keys-search = Search
keys-help = This help
printed-at = As of { $time }

## Words of many pages

all = All
yes = Yes
no = No
name = Name
email = E-mail
phone = Telephone
zone = Time zone
role = Role
from = From
to = To
level = Level
state = State
version = Version
patient = Patient
device = Device
reason = Reason
reason-audited = Kept in the audit log, with your name.
more = Show more
paging = Parts of the list
paging-seen = { $seen } of { $total }
paging-shown = { $seen } on this page.
paging-before = Previous
paging-after = Next
filters = Filters
filter-do = Filter
filter-clear = Clear filters
search-do = Search
until-now = now
the-system = system
the-patient = the patient
years =
    { $n ->
        [one] 1 year old
       *[other] { $n } years old
    }
ago = { $span } ago
ago-now = just now
level-red = Red
level-yellow = Yellow
level-green = Green
state-open = Open
state-acknowledged = Acknowledged
state-snoozed = Snoozed
state-resolved = Resolved
masked = no legal basis to show this: { $why }
masked-since = no legal basis to show this: { $why } on { $day }

## Roles

role-agent = Support agent
role-technician = Technician
role-clinician = Clinician
role-manager = Manager
role-auditor = Auditor
role-dpo = DPO
role-admin = Administrator
role-patient = Patient
role-service = Service

## Signals and units

signal-heart-rate = Heart rate
signal-resting-heart-rate = Resting heart rate
signal-respiratory-rate = Respiratory rate
signal-spo2 = Oxygen saturation
signal-body-temperature = Body temperature
signal-skin-temperature = Skin temperature
signal-systolic-bp = Systolic pressure
signal-diastolic-bp = Diastolic pressure
signal-glucose = Glucose
signal-glucose-capillary = Capillary glucose
signal-weight = Weight
signal-height = Height
signal-steps = Steps
signal-sleep-duration = Sleep
signal-hrv-sdnn = HRV (SDNN)
signal-hrv-rmssd = HRV (RMSSD)
signal-supplemental-oxygen = Supplemental oxygen
signal-consciousness = Consciousness
signal-battery = Battery
unit-beats = bpm
unit-breaths = breaths/min
unit-percent = %
unit-celsius = °C
unit-mmhg = mmHg
unit-mg-dl = mg/dL
unit-kg = kg
unit-cm = cm
unit-steps = steps
unit-minutes = min
unit-ms = ms
unit-litres-minute = L/min
unit-acvpu = ACVPU

## Sign-in

login-title = Sign in
login-do = Sign in
password = Password
login-totp = Verification code
login-totp-hint = The six digits of your authenticator app.
login-trouble = No access? Ask the administrator for a one-time link.
login-wait =
    { $n ->
        [one] Try again in 1 second.
       *[other] Try again in { $n } seconds.
    }

## Setting a password by a link

password-title = Set a password
password-new = New password
password-again = New password, again
password-hint = At least { $n } characters; a sentence is best.
password-do = Set the password
password-change = Change password…
password-now = Current password
password-go-on = Continue
password-sessions-end = You choose the new one on the next page. With the change, open sessions end and you sign in again.
password-sessions = Open sessions end, and the link stops working.
password-refused = Password not taken
password-differ = The two entries differ.
password-short = It is too short: use at least { $n } characters.
password-long = It is too long: use at most { $n } bytes.
password-common = It is one that others guess: a common word, a row of keys, a date, your name, the clinic. A sentence of your own is best.
password-dead = This link does not work
password-dead-detail = It was used, is too old, or a newer one replaced it. Ask the administrator for another.

## Queue

queue-title = Queue
queue-search = Find a patient
queue-unresolved = Unresolved
queue-mine = Only mine
queue-count-red = { $n } red
queue-count-yellow = { $n } yellow
queue-count-unclaimed = { $n } unclaimed
queue-count-mine = { $n } yours
queue-count-past = { $n } already over
queue-now-group = Now
queue-past-group = Already over, found only now (late data)
queue-resolved-group = Resolved, the newest first
queue-ended = until { $time }
queue-empty = Nobody is waiting
queue-empty-next = New alerts appear here by themselves. Leave this page open.
queue-empty-filter = Nothing with these filters
queue-waiting = Waiting for
queue-now = latest:
queue-yours = Yours
queue-claimed = You now have the alert of { $name }.
queue-nobody = Unclaimed
queue-snoozed = snoozed until { $time } by { $name }
alert-worn-out = In the same hands too often: it needs another person

## Alert

many-title = Acknowledge several
many-hint = Tick the cases that you answer for: each becomes yours by itself, with an entry of its own. What somebody else has, or what is snoozed, is not listed.
many-do = Acknowledge the ticked ones
many-done = What became of each
many-refused = not yours
many-yours = yours
many-case = Case
many-none-ticked = Tick at least one case.
many-none = Nothing waits for an answer of yours.
alert-mark = Mark in messages:
many-waiting = { $n ->
    [one] { $n } case waits
   *[other] { $n } cases wait
}
act-claim = Claim
act-open = Open
act-ack = Acknowledge
act-resolve = Resolve…
act-resolve-do = Resolve alert
act-outcome = How did it end?
act-snooze = Snooze…
act-snooze-do = Snooze
act-snooze-for = For how long
act-reassign = Hand over…
act-reassign-to = To whom
act-reassign-do = Hand over
alert-acts = Actions
alert-to-patient = See patient
alert-peak = peak: { $level }
alert-nobody-reached = Nobody was reached
alert-no-basis = No legal basis for calling · { $article }
alert-retrospective = Late data
alert-started = Started
alert-ended = Ended
alert-due = Due
alert-owner = Owner
alert-rule = Rule
alert-evidence = Readings behind the finding
alert-story = What was done
attachments-title = Files
attachments-none = No file attached.
attachment-image = Image
attachment-pdf = PDF
attachment-text = Text
attachment-csv = CSV table
attachment-file = File
attachment-hint = Photo (JPEG, PNG, WebP), PDF, text or CSV, up to 10 MB. The file's name is protected too.
attachment-attach = Attach
attachment-remove = Remove
attachment-remove-do = Remove file
attachment-remove-hint = The content is deleted. Who removed it, when and why stays on record.
attachment-removed = Removed
did-attached = Attached a file: { $what }
did-detached = Removed a file: { $what }
outcome-true = Real, patient attended to
outcome-false-alarm = False alarm
outcome-duplicate = Duplicate of another alert
outcome-retracted = Disproved by late data
outcome-consent-revoked = Consent revoked
outcome-other = Other
did-raised = Alert raised, { $level }
did-level = Level became { $level }
did-claimed = Claimed the alert
did-acknowledged = Acknowledged the alert
did-snoozed = Snoozed the alert
did-reassigned = Handed the alert over
did-resolved = Resolved the alert
level-hidden = Hidden
alert-masked = Alert hidden: no consent
finding-hidden = finding hidden: no consent
finding-back = The readings of this alert are back with this patient and were not judged again
finding-measure-again = { $measured }: extreme value, measure again
finding-readings =
    { $n ->
        [one] { $n } reading
       *[other] { $n } readings
    }

## Readings and charts

readings-title = Readings
readings-latest = Latest values
readings-none = No readings yet
readings-none-next = Bind and pair a device; readings appear as soon as it connects.
readings-not-yours = Your role does not see readings
readings-not-yours-why = Readings are seen only by the clinicians who care for the patient (LGPD art. 6 III, necessity).
reading-suspect = extreme value: measure again
reading-unbelieved = impossible value, not taken: measure again
range-1h = 1 h
range-6h = 6 h
range-24h = 24 h
range-7d = 7 d
range-30d = 30 d
chart-signals = Chart signal
chart-ranges = Chart range
chart-label = Chart of { $signal }; the table below has the same data in { $n } rows
chart-source = source: { $device }
chart-loading = Loading…
chart-empty = No readings in this span.
chart-failed = The chart could not be loaded. The table below may be out of date.
chart-no-basis = No legal basis to show this
chart-zoom-hint = Drag across the chart to zoom.
chart-zoom-in = Zoom in
chart-earlier = Earlier
chart-later = Later
chart-zoom-out = Back to the whole span
chart-as-table = See as a table
chart-at = When
chart-min = Minimum
chart-mean = Mean
chart-max = Maximum
chart-count = Readings

## Patient

patients-title = Patients
patients-search = Find a patient
patients-search-hint = The beginning of any part of the name, with or without accents; or the whole CPF or CNS.
patients-count =
    { $n ->
        [one] 1 patient
       *[other] { $n } patients
    }
patients-none = No patients yet
patients-none-next = The administrator registers patients; then bind a device.
patients-none-found = Nobody found for “{ $q }”
patients-none-found-here = Nobody with “{ $q }” in this part of the list
patient-register = Register patient
birth-date = Date of birth
cpf = CPF (optional)
patient-local-time = { $time } there ({ $zone })
patient-sections = On this page
alerts-title = Alerts
alerts-none = No alerts
alerts-none-next = Rules keep watching while consent holds.
timeline-title = Timeline
timeline-none = Nothing has happened yet
timeline-none-here = Nothing on this page
timeline-whole = Whole timeline
timeline-kinds = What to show
timeline-all = All
timeline-newest = Back to the newest
timeline-yesterday = Yesterday
timeline-escalation = Escalation
timeline-messages = Messages
timeline-patients = Record
timeline-privacy = Accesses and copies
event-registered = Patient registered
event-corrected = Record corrected
event-blocked = Data blocked
event-unblocked = Data unblocked
event-message = { $channel } to { $who }
event-released = Quarantined reading released
event-discarded = Quarantined reading discarded
event-withdrawn = Quarantined reading withdrawn by its source
event-source-corrected = Corrected or withdrawn by its source: { $signals }
event-reveal = Name behind the pseudonym revealed
event-export = Copy of the data downloaded
event-bound = Device { $device } bound
event-unbound = Device { $device } unbound
event-readings-left = Taken from this patient: { $count } of device { $device }, which was not with them by then
event-readings-came = Given to this patient: { $count } of device { $device }, which was with them by then
event-measured-from = measured since { $time }
event-measured = began { $time }
quarantine-title = Quarantine
quarantine-what = Readings set aside because something about them does not add up. Kept sealed for 30 days.
quarantine-none = Nothing in quarantine
quarantine-unreadable = Unreadable reading
quarantine-not-bound = Measured or corrected while the device was not bound to this patient.
quarantine-clock = The device's clock is wrong.
quarantine-conflict = The same instant already holds another value. Released, this one takes its place.
quarantine-implausible = A value beyond what a human body allows.
quarantine-subject = The record says it is about another person.
quarantine-withdrawn = Its source says that this reading was a mistake, but the device had left this patient. If released, the reading no longer counts.
quarantine-says = says { $time }
quarantine-came = came { $time }
quarantine-judge = Decide…
quarantine-release = Release
quarantine-discard = Discard

## Consents

consents-title = Consents
consents-none = No purpose asked for yet
consents-none-next = Publish a term to ask for the patient's consent.
consent-none = Never asked
consent-offered = Waiting for an answer
consent-granted = Granted
consent-refused = Refused
consent-revoked = Revoked
consent-expired = Expired
consent-stale = Term has changed
consent-suspended = Suspended
consent-not = No consent
consent-term-version = term v{ $version }
consent-term = Text of the term
consent-epoch = epoch { $epoch }
consent-grant = Grant or refuse…
consent-grant-do = Grant
consent-refuse-do = Refuse
consent-assisted = I read the term to the patient, who answered for themselves.
consent-revoke = Revoke…
consent-revoke-do = Revoke now
effect-collect-on = Now: readings are received and stored.
effect-collect-off = Now: no new reading is stored.
effect-evaluate-on = Now: readings are judged, and the care team sees them.
effect-evaluate-off = Now: readings are not judged and not shown to staff. Whether they are stored is for “Receive and store readings” to say.
effect-on = Now: in force.
effect-off = Now: without effect.
effect-idle = Now: without effect, because it depends on “{ $purpose }”.
consent-revoke-effect = Takes effect at once, for this purpose and for those that depend on it. What was done before stays valid (LGPD art. 8 §5).
purpose-telemetry-collect = Receive and store readings
purpose-telemetry-collect-means = Devices send what they measure and Zelo stores it.
purpose-alert-evaluate = Judge and show
purpose-alert-evaluate-means = Readings pass through the rules and clinicians see them.
purpose-alert-escalate = Call people
purpose-alert-escalate-means = An alert calls the team on duty until somebody takes it.
purpose-care-remind = Care reminders
purpose-care-remind-means = Appointments, medication and measurements.
purpose-engage-message = Messages and surveys
purpose-engage-message-means = Content, satisfaction and news.
purpose-analytics-identified = Identified analytics
purpose-analytics-identified-means = Figures in which the person can be recognised.
purpose-share-ehr = Send to the health record
purpose-share-ehr-means = The clinic receives the readings in its record.
purpose-share-portability = Portability
purpose-share-portability-means = Take the data to another service, on request.
purpose-research-identified = Identified research
purpose-research-identified-means = A study approved by an ethics committee.

## Devices and pairing

devices-title = Devices
devices-count =
    { $n ->
        [one] 1 device
       *[other] { $n } devices
    }
devices-none = No devices yet
devices-none-next = Enrol a device and show it the QR code.
device-enrol = Enrol device
device-enrol-do = Enrol and pair
device-name = Device name
device-name-hint = Model and tag, nothing about the patient.
device-patient = Bind to
device-patient-typed = The patient's whole CPF or CNS. There are too many for a list.
device-bind-later = Later
device-bind = Bind…
device-unbind = Unbind…
device-unbind-effect = What is measured from then on is not this patient’s: it waits for the binding of whoever wore the device.
device-unbind-whose = Whose
device-unbind-whose-hint = If the device changed hands earlier than was said, end the binding of who wore it before first, then say that the present one began earlier.
device-unbind-at = Since when
device-unbind-at-hint = Empty: now. If it was handed over earlier, say when.
device-earlier = Binding began earlier…
device-earlier-effect = What the device has measured since then that is nobody’s becomes this patient’s, if they consented.
device-bind-at = Since when
device-bind-at-hint = Empty: now. What the device has measured since then unbound becomes this patient’s, if they consented.
device-nobodys = Readings of nobody
device-nobodys-hint = Measured unbound, and kept sealed for 30 days. They go to whoever wore the device once that binding is recorded.
device-moves = Readings that changed hands
moved-taken = Taken away: { $count } since { $time }.
moved-given = Given: { $count } since { $time }.
moved-refused = Waiting, for want of consent: { $count }.
moved-open = Under way.
device-unbound = Not bound
device-pair = Pair
device-disable = Disable…
device-disable-effect = The connection drops and its tokens stop working.
device-id = Identifier
device-last = Last contact
device-seen = seen { $ago }
device-never = never connected
device-now = now
device-battery = battery { $percent } %
device-preferred = preferred source
device-until = until { $day }
device-connected = Connected
device-waiting = Waiting
device-away = Disconnected
device-silent = Silent
device-disabled = Disabled
device-bindings = Bindings
device-bindings-none = Never bound.
device-tokens = Tokens
device-tokens-none = No token yet; pair to make one.
device-token-made = made { $time }
device-token-ends = valid until { $time }
device-token-revoked = revoked { $time }
device-status = Last message from the device
device-commands = Commands
command-given = given { $time }
command-waiting = waiting for the device
command-acknowledged = received { $time }
command-refused = refused by the device { $time }, code { $code }
command-cancel = Cancel command
command-cancel-this = Cancel command: { $command }
command-cancelled = cancelled { $time }
command-expired = expired { $time }
pairing-title = Pair { $device }
pairing-waiting = Waiting for the first connection
pairing-waiting-next = This page turns green by itself.
pairing-connected = Connected
pairing-connected-at = First connection at { $time }.
pairing-once = Shown only once
pairing-once-why = Once you leave this page the token does not come back. If it is lost, make another.
pairing-qr = Point the device's app at this code.
pairing-server = MQTT server
pairing-user = Username
pairing-token = Password (token)
pairing-ends = Valid until
pairing-shown = The token was already shown
pairing-shown-next = Make another if the device does not have it; both work during the change.
pairing-again = Make another token

## Rules

rules-title = Rules
rules-what = How each reading is judged. A version never changes; a change is another version, proposed by one person and approved by another.
rules-none = No rules in force
rules-none-next = Without rules nothing becomes an alert. Load the seeds or propose one.
rule-above = above { $bound } for { $span }
rule-below = below { $bound } for { $span }
rule-clears = ends { $when }
rule-gap = maximum gap { $span }
rule-coverage = minimum coverage { $percent } %
rule-episodes =
    { $n ->
        [one] 1 episode in 30 days
       *[other] { $n } episodes in 30 days
    }
rule-worth = { $real } % real, acknowledged in { $span }
rule-versions = Versions of { $rule }
rule-since = Since
rule-author = Author
rule-approver = Approved by
rule-in-force = In force
rule-seed = seed

## Audit

audit-title = Audit
audit-entries = Entries
audit-verified = { $n } entries checked, with all that they record. It ended at { $time }.
audit-unverified = Not verified yet
audit-unverified-next = Verify now, or elsewhere with zelo audit verify.
verification-title = Verification of the log
verification-ask = Verify the whole log
verification-running = Verifying…
verification-of = { $done } of { $total } entries and readings
verification-leave = You may leave this page: the verification goes on, and its result stays here.
verification-cancel = Cancel
verification-whole = Whole
verification-broken = Break in the log
verification-broken-at = Break at entry { $index }
verification-broken-next = Change and delete nothing. Keep a copy of the database and of the keys, and call whoever answers for the system.
verification-cancelled = Cancelled
verification-failed = Did not finish
verification-past = Earlier verifications
verification-size = { $n } entries
verification-by-you = Asked for by you
verification-by = Asked for by { $who }
audit-verified-at = Checked at { $time }.
audit-checkpoint = Signed checkpoint
audit-checkpoint-get = Download checkpoint
audit-no-checkpoint = None yet; the first comes within a second of the first entry.
audit-export = Export everything
audit-origin = Origin
audit-size = Size
audit-root = Root
audit-sealed = Signed
audit-key = Verifier key
audit-kind = Type
audit-decision = Decision
audit-actor = Actor
audit-patient = Patient (id)
audit-subject = Subject
audit-purpose = Purpose
audit-index = Index
audit-when = When
audit-none = No entries with these filters
audit-none-here = None among those looked through now; there are older ones
actor-user = User
actor-subject = Data subject
actor-device = Device
actor-system = System
audit-older = Older
audit-entry-n = entry { $n }
audit-leaf = Leaf hash
audit-leaf-json = Leaf content
audit-proof = Download proof
audit-not-sealed = The proof exists as soon as the next checkpoint is signed.
audit-before = Previous
audit-after = Next
decision-permit = Permitted
decision-deny = Denied

## Users

users-title = Users
users-count =
    { $n ->
        [one] 1 user
       *[other] { $n } users
    }
users-none = No users yet
users-none-next = Create the first above.
users-search = Find a user
users-search-hint = The beginning of any part of the name or the e-mail.
users-part = { $n } of { $total } users
user-create = Create user
user-create-do = Create and make link
user-link = One-time link for { $name }
user-link-once = Hand it over in person or by a safe channel. It will not be shown again.
user-link-label = Link
user-totp = Second factor
user-totp-remove = Remove second factor
user-seen = Last seen
user-never = none in 30 days
user-locked = Locked
user-reset = New link
user-lock = Lock

## Status

status-title = System
status-seal-age = Last signature of the log
status-seal-none = nothing waits to be signed
status-connections = Devices connected
status-queue-depth = Messages queued
status-reevaluate-depth = Series to judge again
status-commands-depth = Commands to deliver
status-unrolled = Readings to compact
status-or-more = { $n } or more
status-oldest = the oldest for { $span }
status-at-least = at least { $bound }
status-edge-readings = Readings stored since the start
status-edge-messages = Messages received since the start
status-edge-refused = Messages refused by consent
status-edge-quarantined = Readings put in quarantine
status-edge-not-stored = Messages not stored
status-outbox-depth = Notices to send
status-stored = Database
status-free = Free space
status-certificate-https = Certificate of the site (HTTPS)
status-certificate-mqtts = Certificate for devices (MQTT)
status-certificate-left = expires in { $span }
status-certificate-expired = expired
status-bound = bound { $bound }
status-modules = Engine
status-module = Module
status-ran = Last run
status-took = Duration
status-did = Items
status-no-modules = The engine is not running
status-no-modules-next = Without it nothing escalates or is sent. Restart the service and read the log.
status-clock-back = The server's clock went back by { $span } at { $time }
status-clock-forward = The server's clock went forward by { $span } at { $time }
status-clock-next = What was planned on the wrong time has been planned again. Check the time service (NTP) of the server.
status-nobody-reached =
    { $n ->
        [one] 1 red alert reached nobody
       *[other] { $n } red alerts reached nobody
    }
status-nobody-reached-next = Every step of the policy went unanswered. Call whoever is on duty now.
status-passed-over =
    { $n ->
        [one] 1 alert is locked in the database: nobody is called
       *[other] { $n } alerts are locked in the database: nobody is called
    }
status-passed-over-next = Another session of the database holds it. The node's log names which: end that session now. Until then, call whoever is on duty yourself.
status-node = Zelo { $version } on { $backend }
status-since = up since { $time }
health-well = Well
health-late = Late
health-failing = Failing

## Portal

portal-title = My health
portal-hello = Hello, { $name }.
portal-emergency = This page does not replace urgent care. In an emergency call 192 (SAMU).
portal-readings = My readings
portal-consents = My permissions
portal-consents-what = You decide, purpose by purpose, and may change your mind at any time.
portal-devices = My devices
portal-own = My data is mine
portal-own-what = Take a copy of everything we keep: readings, alerts, permissions and who looked. You always get it, even when staff may not see it. Up to six copies an hour.
portal-own-json = Download everything (JSON)
portal-own-csv = Download readings (CSV)
portal-dpo = Data protection officer
portal-dpo-what = Answers requests and complaints about your data (LGPD art. 41).
portal-dpo-none = The clinic has not said here who it is. The text of each permission above says how to reach it.
portal-looks = Who saw my data
portal-looks-none = Nobody, so far.
look-you = You
look-who = { $name } ({ $role })
look-refused = refused
look-identity = Saw who you are
look-contacts = Saw your contacts
look-consents = Saw your permissions
look-alerts = Saw your alerts
look-attachments = Downloaded a file attached to one of your alerts
look-readings = Saw your readings
look-looks = Saw who looked at your data
tried-identity = Tried to see who you are
tried-contacts = Tried to see your contacts
tried-consents = Tried to see your permissions
tried-alerts = Tried to see your alerts
tried-attachments = Tried to open a file attached to one of your alerts
tried-readings = Tried to see your readings
tried-looks = Tried to see who looked at your data
tried-reveal = Asked for your name behind the pseudonym
tried-export = Tried to take a copy of your data
look-reveal = Learned your name behind the pseudonym, for a recorded reason
look-export = Took a copy of your data

## API

docs-title = API
docs-none = The OpenAPI document is empty
docs-parameters = Parameters
docs-answers = Answers
docs-in = Where
docs-required = Required
docs-meaning = Meaning
docs-status = Status
docs-codes = Refusal codes
docs-code = Code

## Account and second factor

account-title = My account
totp-title = Second factor
totp-what = Beside the password, signing in asks for a code that only your phone shows. Who knows your password does not get in without it.
totp-begin = Set up second factor
totp-on = Active
totp-on-what = Each sign-in asks for the code of the authenticator app.
totp-remove = Remove second factor…
totp-remove-effect = The password alone is enough again.
totp-remove-do = Remove now
totp-step-scan = Scan the QR code with the authenticator app, or type the secret into it.
totp-step-code = Type the six-digit code that it shows below.
totp-qr = QR code for the authenticator app.
totp-secret = Secret
totp-once = Shown once. It counts only after it is confirmed.
totp-password-why = To be sure that it is you.
totp-password-wrong = Wrong password
totp-password-wrong-detail = It is the password with which you sign in to Zelo.
totp-confirm = Confirm
totp-cancel = Cancel

## Refusals

field-cpf-taken = This CPF or CNS belongs to another patient: search for it.
field-email-taken = This e-mail address belongs to another user.
field-device-bound = The device is bound already: unbind it first.
field-name = Write the name, 1 to 80 letters, on one line.
field-birth-date = Write the day of birth, in the past.
field-cpf = There is no such CPF: check the digits, or leave it empty.
field-email = This is no e-mail address.
field-phone = Write the telephone with its country code, such as +55 11 91234-5678.
field-zone = Write a zone such as America/Sao_Paulo.
field-patient = Nobody was found: choose from the list, or write the whole CPF or CNS.
field-role = Choose one of the roles.
field-reason = Write the reason, 3 to 500 letters.
field-outcome = Choose how it ended.
field-minutes = Choose for how long.
field-to = Choose somebody who may act on alerts.
field-silence = You snoozed this red alert before: whether to do so again is for another person. You can acknowledge it, hand it on or resolve it.
field-span = The end comes after the beginning, by 400 days at the most.
field-ahead = An absence ends within 400 days from today. Check the year.
field-past = That time is over. An absence holds from now on: choose an end after now.
field-ended = The end must come after now. To end the absence now, use Take the absence back.
field-cover-away = This person is away in that turn too. Choose somebody else to stand in, or Nobody.
field-cover-unable = This person may not be on call. Choose somebody else to stand in, or Nobody.
field-turns = The turns changed since they were listed. Ask for the turns again.
field-moment = Choose the day and the hour, with a year between 2000 and 2199.
field-absence = Nothing was changed. Change the absence that is noted, or choose another time.
field-unseen = The text has a character that is not seen. Delete it and type it anew, without pasting.
form-sending = Sending…
form-failed = It did not reach the server. What you wrote is still here; try again.

error-back = Back to the start
code-sign-in = Sign in to go on
code-sign-in-detail = Your session has ended or has not begun.
code-credentials = E-mail or password do not match
code-credentials-detail = Check both and try again.
code-totp = Verification code not valid
code-totp-detail = Type the code that the app shows now.
code-role = Your role does not allow this
code-role-detail = If your work needs it, ask the administrator.
code-cross-site = Request from another site
code-cross-site-detail = Nothing was done. Open Zelo directly in the browser and repeat.
code-not-found = Not found
code-not-found-detail = The address does not exist or lies outside your care team.
code-method = Method not accepted here
code-method-detail = See the accepted methods in the API documentation.
code-invalid = Invalid request
code-invalid-detail = A field is missing or not in the expected form.
code-reason = The reason is missing
code-reason-detail = This act goes into the audit log and needs a reason.
code-too-large = Request too large
code-too-large-detail = Split the request into smaller parts. A file has at most 10 MB.
code-length = Length missing
code-length-detail = Send the Content-Length header with the size of the file.
code-attachments = File limit reached
code-attachments-detail = At most 20 files and 50 MB in total. Remove a file before you attach another one.
code-media-type = Format not accepted
code-media-type-detail = A file must be a photo (JPEG, PNG, WebP), a PDF, or text or CSV in UTF-8, and hold what its kind says. Programs send JSON.
code-claimed = Somebody else has claimed it
code-claimed-detail = See who has the alert before you act.
code-absent = This person is away
code-absent-detail = The alert was not handed over. Choose somebody who is there now.
code-absent-who = { $name } is away until { $time }.
alert-away = { $name } (away until { $time })
code-doubt = Look again before you save
code-doubt-detail = It may be meant, but it looks like a slip. Correct it, or confirm it and send it again.
code-capacity = What is left is kept for red alerts
code-capacity-detail = Resolve or hand over an alert first, or ask somebody with room. Red is never refused.
code-state = The state does not allow it
code-state-detail = Something changed since the page opened. Reload and see.
code-conflict = It exists, or was decided, already
code-conflict-detail = Nothing was changed. Reload and see how it stands.
code-stale-term = The term has changed
code-stale-term-detail = The text shown is no longer in force. Reload, read and answer again.
code-idempotency = Idempotency key used before
code-idempotency-detail = The same key came with another content.
code-precondition = Out-of-date version
code-precondition-detail = Somebody changed this before you. Reload and do it again.
code-precondition-required = The version is missing
code-precondition-required-detail = Send If-Match with the ETag you read.
code-rate = Too many tries
code-rate-detail = Wait a little before you try again.
code-audit = Access not recorded, nothing shown
code-audit-detail = The audit log did not answer within two seconds. Try again in a moment.
code-busy = Server busy
code-busy-detail = Nothing was lost. Try again in a moment.
code-unsure = It is not known whether this was saved
code-unsure-detail = The database's answer was lost on the way. Look whether what you asked for is there; only if it is not, ask again. A revocation is safe to repeat.
code-disk-full = Server disk full
code-disk-full-detail = Nothing was saved. Tell the administrator that the disk of the database is full; once there is room, do it again.
code-internal = Something went wrong
code-internal-detail = It is in the server's log. Try again; if it repeats, tell the administrator.
code-no-record = Consent never asked for
code-no-record-detail = Ask the patient's consent for this purpose.
code-pending = Consent not answered yet
code-pending-detail = The patient has not answered the term yet.
code-refused = Consent refused
code-refused-detail = The patient said no, and may change their mind at any time.
code-revoked = Consent revoked
code-revoked-detail = This purpose has no effect until a new consent. The others stand as they are.
code-suspended = Consent suspended
code-suspended-detail = Processing is blocked while the subject's request is looked into.
code-expired = Consent expired
code-expired-detail = The term's time is over. Ask for a new consent.
code-terms-changed = Term changed without a new acceptance
code-terms-changed-detail = The purpose or the sharing changed; the patient must accept again.
code-parent = Parent purpose without consent
code-parent-detail = This purpose depends on another that is not granted.
code-guardian = The guardian's consent is missing
code-guardian-detail = At this age a guardian must consent.
code-before-grant = Measured before the consent
code-before-grant-detail = The consent does not cover what was measured before it.
code-scope = Beyond what was consented to
code-scope-detail = The data, the device or the channel is not in the consent.
code-not-necessary = Data not needed for the purpose
code-not-necessary-detail = Ask only for what the purpose needs.
code-erased = Data erased
code-erased-detail = The subject asked for erasure and the keys were destroyed.
code-blocked = Processing blocked on request
code-blocked-detail = The subject asked for a block; speak to the data protection officer.
code-unknown-purpose = Unknown purpose
code-unknown-purpose-detail = Use a purpose from the registry.
code-not-asked = Nobody is asked for this purpose
code-not-asked-detail = Zelo does nothing with the data for this purpose, so it keeps no answer about it.
code-prohibited = Use prohibited by law
code-prohibited-detail = Health data is not shared for economic advantage.
code-no-care-plan = No active care plan
code-no-care-plan-detail = The health-protection basis needs an active care plan.

## Escalation policies

nav-policies = Response
policies-title = Escalation policies
policies-what = Who is paged, in which order, and how long each has to answer. A change is a new version and holds only once a second person has approved it.
policies-waiting = Proposals that wait for a second person
policy-yours = Your proposal
policy-lasts = up to { $span } without an answer
policy-step = Step { $n }
policy-starts = Start
policy-starts-at-once = the first step is paged at once
policy-starts-in = the first step is paged after { $span }
policy-repeat = Repetition
policy-repeats =
    { $n ->
        [0] does not repeat
        [one] repeats { $n } more time
       *[other] repeats { $n } more times
    }
policy-acknowledged = Acknowledged and not resolved
policy-acknowledged-for = pages again after { $span }
policy-acknowledged-never = does not page again
policy-nobody = Nobody reached
policy-nobody-every = { $step }, repeated until somebody takes it
policy-certificate-only = Only with a valid certificate
policy-skip-if-empty = If nobody is there, go to the next step
policy-waits-if-empty = if nobody is there, waits
policy-target-unknown = { $name } (does not exist)
policy-person = person
policy-role = role
policy-schedule = schedule
policy-team = team
policy-schedules = Schedules
policy-roles = Roles
policy-teams = Teams
policy-people = People
policy-person-gone = Somebody who left
policy-by-name = by name
policy-because-rotation = turn in rotation { $n }
policy-because-temporary = temporary schedule
policy-because-override = shift change
policy-because-stands-in = in place of somebody who is away
policy-left-disabled = no access
policy-left-held = cannot sign in: the account waits for a second person’s word
policy-left-certificate = no valid certificate
policy-left-twice = already called
policy-left-role = their role may not answer alerts
policy-left-absent = away
policy-finds-nobody = Nobody would be paged
policy-line-new = new
policy-line-gone = goes
policy-line-changed = changes
policy-before = In force
policy-after = Proposed
policy-proposal = Proposal v{ $version }
policy-second-person = Whoever proposed it cannot approve it: ask a second person.
policy-approve = Approve v{ $version } and put it in force
policy-refuse = Refuse v{ $version }
policy-withdraw = Withdraw v{ $version }
policy-steps = In force, step by step
policy-not-in-force = No version is in force.
policy-now = Who would be paged at { $time }
policy-now-draft = Whom the proposal would page at { $time }
policy-now-what = Through which target, why, and who is left out.
policy-editor = Propose a change
policy-editor-what = Nothing changes until a second person approves. Alerts under way keep the version they began with.
policy-history = Every version
policy-proposed-at = Proposed
policy-superseded = Superseded
policy-proposed = Waiting
policy-refused = Refused
policy-name-pt = Name in Portuguese
policy-name-en = Name in English
policy-starts-after = Minutes before the first step
policy-repeat-field = Repetitions
policy-acknowledged-field = Minutes until it pages again
policy-acknowledged-hint = After an acknowledgement that nobody resolved. Empty: it does not page again.
policy-target = Target { $n }
policy-target-add = One more target
policy-target-none = none
policy-minutes = Minutes to answer
policy-every = Repeated every (minutes)
policy-up = Up
policy-remove = Remove
policy-add = One more step
policy-check = See what changes
policy-rehearse = Simulate on last month
policy-rehearse-held = Simulate the version in force on last month
policy-propose = Propose
policy-changes = What changes
policy-changes-nothing = Nothing changes against the version in force.
policy-wrong =
    { $n ->
        [one] One field must be corrected
       *[other] { $n } fields must be corrected
    }
policy-wrong-name = Give it a name.
policy-wrong-wait = Whole minutes, up to 10,080 (a week).
policy-wrong-repeat = 0 to 9 times.
policy-wrong-minutes = 1 to 10,080 minutes.
policy-wrong-role = Only roles that can answer can be called: agent, technician, clinician or manager.
policy-beyond-start = A red calls its first step within 15 min.
policy-beyond-step = A red waits for a step for 60 min at the most.
policy-beyond-top = A red comes to the end of its policy within 8 h, repeats included.
policy-beyond-answer = An answer to a red lasts for 240 min without a resolution at the most; then it calls again.
policy-beyond-repeat = A red that nobody answered calls again every 60 min at least.
level-beyond-slow = The clock of a red counts day and night: up to 240 min for the answer and up to 4,320 min for the resolution.
level-beyond-mute = A missed deadline of a red calls somebody: choose a policy.
red-beyond = beyond the bounds of a red
policy-wrong-targets = Choose at least one target.
policy-wrong-no-steps = The policy needs at least one step.
policy-wrong-many-steps = At most 20 steps.
policy-rehearsed = From { $from } to { $to }
policy-rehearsed-alerts =
    { $n ->
        [one] { $n } red alert.
       *[other] { $n } red alerts.
    }
policy-rehearsed-how = With today's people and schedules, supposing that each answered when they did.
policy-rehearsed-before = in force: { $n }
policy-rehearsed-steps = Pages by step
policy-rehearsed-step = Step
policy-rehearsed-people = Who would be paged most
policy-pages = Pages
policy-empty = Nobody there
policy-unanswered = Nobody reached
policy-worst = Pages to one person on one day, at most
policy-worst-day = On the worst day
policy-day = Day
code-stale-step = The next step was taken already
code-stale-step-detail = Somebody else was paged after what this page showed. Look again before you page another.
code-four-eyes = It needs a second person
code-four-eyes-detail = Whoever proposed it cannot approve it, and whoever held an alert too often passes it on. Ask another person who holds that right.

## Escalation, pages to people, and the engine's deadlines

queue-unreached-group = Nobody reached: somebody must take it now
countdown-due = now
claimed-until = until { $time }
act-unack = Take the acknowledgement back
did-given-back = { $who } could not answer; the case is back in the queue
did-unacknowledged = Took the acknowledgement back
did-moved = The readings of this alert are another person's and left this patient
did-returned = The readings came back to this patient
did-elsewhere = Before, while the readings stood with another patient: { $act }
escalation-title = Escalation
escalation-waiting = Waiting for an answer
escalation-answered = { $who } answered
escalation-held = Taken by { $who }
escalation-silenced = Snoozed by { $who } until { $time }
escalation-nobody = Nobody answered. Take this alert now.
escalation-no-basis = No legal basis for calling people: the case stays on the queue until somebody takes it.
escalation-done = Done
escalation-spoiled = The escalation stopped on an error: call somebody yourself.
escalation-paged = paged
escalation-joined = came on call and was paged
escalation-empty = nobody was found
escalation-resumed = pages again
escalation-withheld = no legal basis for calling
escalation-round = round { $n }
escalation-handed-over = Handed over
escalation-deadline-near = Deadline near
escalation-deadline-passed = Deadline passed
escalation-next-at = at { $time }, in
escalation-force = Page the next step now
channel-in-app = Dashboard
channel-email = E-mail
channel-webhook = Webhook
receipt-due = queued
receipt-sending = sending
receipt-accepted = accepted
receipt-sent = sent
receipt-delivered = delivered
receipt-read = read
receipt-failed = failed
receipt-cancelled = cancelled
pager-called = An alert waits for your answer
pager-unreached = Nobody answered an alert: take it
pager-on-call = Your turn on call begins: see the schedule
pager-swap = A swap of a turn waits for you, or was answered
pager-absence = Somebody of the team noted an absence of their own
pager-absence-changed = Somebody of the team changed an absence of their own
pager-absence-ended = Somebody of the team took back an absence of their own
pager-own-absence = An absence of yours was noted: see whether it is right
pager-own-absence-changed = An absence of yours was changed: see whether it is right
pager-own-absence-ended = An absence of yours was taken back: the schedules count on you
pager-stand-in = You stand in for somebody: see when
pager-stand-in-changed = The time in which you stand in for somebody has changed: see when
pager-stand-in-ended = A turn in which you were to stand in is no longer yours
pager-dead-step = A step of an escalation calls nobody: change its people
pager-red-bounds = A rule for red alerts lets them wait for too long
pager-program-gone = A program wants no more calls: its webhook is off
pager-program-refuses = A program redirects or refuses its calls: check the webhook’s address
pager-coverage = A schedule has hours without anybody: fill them
pager-warned = The deadline of this alert is near
pager-breached = The deadline of this alert has passed
pager-out-of-reach = E-mail reaches somebody of the team no more: see who
pager-log-broken = The audit log is not whole: see where
pager-lapse = The system is late: see what stopped
pager-overnight = There were delays outside opening hours: see whether anything still stands still
pager-worn = A red alert was in the same hands for too long: other people are called
sound-on = Sound on
sound-off = Sound off
sound-blocked = The browser blocks sound in this tab until you click in it. Click anywhere.
status-jobs = Background jobs
status-job-node = server
status-log-broken = The audit log is not whole
job-audit-verification = Verification of the log
job-queued = Queued: it begins in a moment
job-begins = beginning
job-cancelling = cancelling
job-since = since { $time }
job-of = { $done } of { $total }
status-lapses = Delays found
status-heartbeat = Watchdog alive
status-no-heartbeat = No sign of the watchdog
status-no-lapses = Nothing is late.
status-lapse = What
status-expected = Expected
status-noticed = Noticed
status-messages = Messages on their way
status-gone = handed over (24 h)
status-resting = left alone until { $time }
status-rests = Resting
status-rests-domain = Domain
status-rests-mailbox = Mailbox
status-rests-program = Program (webhook)
status-rests-when = since { $since }, asked again at { $until }
status-asked = in use
status-not-set-up = not set up
status-no-email = Nobody is paged by e-mail. Give a server in notify_smtp_url and the address of this dashboard in notify_base_url, and restart (docs/OPERATIONS.md).
status-no-webhook = No program is called. An administrator may add one on the page Webhooks.
lapse-late-step = Escalation step late
lapse-late-timer = Timer late
lapse-late-message = Message late
lapse-late-program = Program that does not take its calls
lapse-waiting =
    { $n ->
        [one] { $n } call waits for it
       *[other] { $n } calls wait for it
    }
lapse-stuck-message = Message stuck in sending
lapse-unescalated-red = Red alert without escalation
lapse-set-aside = Row set aside after an error
lapse-other = Another lapse
pager-waiting =
    { $n ->
        [one] { $n } page for you
       *[other] { $n } pages for you
    }
pager-notices =
    { $n ->
        [one] { $n } notice for you
       *[other] { $n } notices for you
    }
pager-and-notices =
    { $n ->
        [one] and { $n } notice
       *[other] and { $n } notices
    }
pager-times =
    { $n ->
        [one] { $n } time
       *[other] { $n } times
    }
## SLA clocks of an alert, and the whole policy ahead

sla-title = Deadlines (SLA)
sla-first-response = First response
sla-resolution = Resolution
sla-of = { $metric } ({ $level } alert)
sla-running = in time
sla-paused = paused: { $why }
sla-warned = nearly over
sla-breached = time is over
sla-met = kept
sla-late = done too late
sla-withdrawn = ended without counting
sla-open-time = { $span } of working hours
sla-days =
    { $n ->
        [one] { $n } day
       *[other] { $n } days
    }
sla-working-days =
    { $n ->
        [one] { $n } working day
       *[other] { $n } working days
    }
sla-used = Used { $used } of { $target }
sla-due = over at { $time }, in
sla-was-due = due by { $time }
sla-warned-at = Warned at { $time }
sla-warns-at = Warns at { $time }
sla-stopped = stopped at { $time }
sla-calendar = Counts in the working hours of
sla-always = Counts day and night
sla-earlier =
    { $n ->
        [one] { $n } clock before this one
       *[other] { $n } clocks before this one
    }
sla-trace = History of this deadline
sla-stood = paused: { $why }
sla-ran = counted
sla-resume = Resume
sla-pause = Pause the clock
sla-pause-why = What is waited for?
sla-pause-hint = Over the whole case the clocks pause for seven days at most, a day for a red alert, whose next pause is for another person. It is in the audit log. The first response cannot be paused.
sla-pause-do = Pause the clocks
pause-waiting-patient = an answer of the patient
pause-waiting-third-party = somebody outside
pause-scheduled-callback = a call that was agreed
closed-off-hours = outside working hours
closed-day-off = a day off
field-pause = Choose what is waited for.
escalation-ahead = After that, when nobody answers
escalation-ahead-at = about { $time }
escalation-ahead-hint = With whoever will be on call at those hours, by the schedule of now.
escalation-rounds-left =
    { $n ->
        [one] All steps once more
       *[other] All steps { $n } times more
    }

## Around a schedule: what it needs, teams, people on duty

duty-tab-schedules = Schedules
name-pt = Name in Portuguese
name-en = Name in English
lasting-id = Identifier
lasting-id-hint = Stays for ever and stands in policies: small letters, digits, _ and -.
schedule-new = New schedule
schedule-new-do = Create the schedule
need-title = What it needs
need-edit = Name, time zone and needs
need-zone = Time zone
need-zone-hint = As in America/Sao_Paulo or America/Manaus. Turns follow the clock there.
need-hours = Most hours a person a week
need-most = up to { $n } h a person a week
need-most-averaged = averaged over { $n } weeks
need-weeks = Weeks of the average
need-weeks-hint = 1: in any seven days. Twelve hours on and 36 off make 48 h in one week and 36 h in the next: with 2, the average of 42 h counts.
need-certificate = a valid certificate
need-hint = Whoever holds no valid certificate where one is needed is named among the problems.
need-save = Save
teams-title = Teams
teams-what = People whom a policy pages together.
teams-none = No team yet
teams-none-next = Create one to page it in a policy.
teams-change = Change teams
team-empty = Nobody: paging it reaches nobody
team-new = New team
team-new-do = Create the team
team-edit = Team { $name }
team-members = Who belongs to it
team-save = Save the team
people-title = People on duty
people-what = Who may be on call, what they carry and how they are reached.
people-away = Away until { $time }
people-certificate = Professional certificate
people-reach = Reach
people-only-dashboard = Only an open dashboard
people-only-dashboard-what = A closed dashboard wakes nobody: set up e-mail, or correct the address of this person.
people-lost = { $channel } does not reach
people-reached-again = Reaches again
people-lost-what = Nothing is sent by a channel that does not reach, until somebody says it is back.
people-load = Load
people-no-alerts = This role takes no alerts
lost-bounced = Messages came back
lost-by-hand = Noted by somebody
certificate-none = None noted
certificate-until = valid until { $day }
certificate-over = ran out on { $day }
certificate-noted = Noted by
certificate-what = A schedule that needs a certificate only pages who holds a valid one.
licence-council = Council
licence-number = Registration number
licence-hint = As in COREN-SP, and the number in its register. May be left empty.
field-licence = Write the council and the number, with up to 40 letters each, or leave both empty.
certificate-last-day = Last day of validity
certificate-save = Save the certificate
certificate-end = Take away now
load-of = { $load } of { $capacity }
load-free =
    { $n ->
        [one] room for { $n } more
       *[other] room for { $n } more
    }
load-only-red = only red
load-reserve = { $n } kept for red, { $used } in use
capacity-set = How many alerts at once
capacity-set-hint = 0 to 500. A tenth, rounded up, is kept for red.
capacity-save = Save the capacity
field-id = Use 1 to 64 small letters, digits, _ or -.
field-id-taken = This identifier is taken: choose another.
field-hours-a-week = Write 1 to 168 hours.
field-members = Choose at most 200 people who may sign in.
field-day = Choose a day.
field-most = Write a number from 0 to 500.

## How messages are written

mail-title = E-mails to you
mail-what = In which language pages by e-mail are written, and on whose clock they tell the time.
mail-lang = Language
mail-zone = Time zone
mail-keep = Keep

## Trying whether a page arrives

pager-trial = A test page arrived: open it to confirm
trial-title = Try whether pages reach you
trial-what = A test page rings on the dashboard and goes by e-mail, as a real one does. It says that it is a test.
trial-tried = will be tested
trial-not-tried = will not be tested
trial-lost = Messages to you came back. Ask who keeps the schedules to correct the address and say that it works again.
trial-no-server = This installation sends no e-mail.
trial-send = Send me a test page
trial-wait = Three an hour are enough. The next may go at { $time }.
trial-enough = Three tests an hour are enough. Look at their receipts below, and wait until the time that is named.
trial-none = No test yet.
trial-sent = Tests and their receipts
trial-arrived = The test page arrived
trial-arrived-what = You opened the page: this channel reaches you.
trial-only = It was only a test, nobody waits for you.
trial-back = Back to your account

## Programs that are called

webhooks-title = Webhooks
webhooks-what = Programs that Zelo calls when it pages somebody. Each call is signed (Standard Webhooks) and carries nothing of a patient.
webhooks-none = No program yet
webhooks-none-next = An administrator may add one.
webhook-add = Add a program
webhook-add-do = Add
webhook-url = Address
webhook-url-hint = https://…, without name and password in it, outside private networks; those, and http:// on this machine, only where the configuration allows them (webhook_networks).
field-url = Write an https:// address without name and password that leads into no private network. Private networks, and http:// on this machine, are allowed by webhook_networks.
webhook-made = Program added
webhook-secret-once = The secret is shown this once: copy it to the program that checks the signature.
webhook-secret = Secret
webhook-on = called
webhook-off = off since { $day }
webhook-since = Since
webhook-last = Last call
webhook-no-calls = No call.
webhook-test = Send a test
webhook-replay = Call again
webhook-replay-do = Call again for what came after
webhook-after = Last number that arrived
webhook-after-hint = What came after it is due again with the same webhook-id, 500 at once. What was cancelled stays out. 0: everything.
field-after = Write the number of the last call that arrived, or 0.
webhook-again =
    { $n ->
        [one] { $n } call is due again
       *[other] { $n } calls are due again
    }
webhook-disable = Disable
webhook-disable-effect = It is called no more, and what was due fails. This cannot be undone: add it again, with another secret.
webhook-disable-do = Disable now
webhook-calls = Calls
webhook-cursor = From number
webhook-cursor-ask = Show
webhook-newest = The newest
webhook-newest-first = The newest first
webhook-from-cursor = After number { $cursor }, in the order of planning
webhook-place = Number
webhook-kind = Type
webhook-planned = Planned
webhook-attempts = Attempts
webhook-case = Case

## On call

nav-schedules = On call
schedules-title = On call
schedules-none = No schedule yet
schedule-now = On call now
schedule-nobody = Nobody on call
schedule-next = Next hand-over
schedule-troubles = Problems of the next 30 days
schedule-covered = No gaps and no problems
schedule-more =
    { $n ->
        [one] { $n } more problem
       *[other] { $n } more problems
    }
schedule-zone = Times of { $zone }
schedule-calendar = Two weeks
schedule-weeks = Weeks
schedule-before = Before
schedule-today = Today
schedule-after = After
schedule-strips = A strip per person; in red, when there is nobody.
schedule-table = Turns as a table
schedule-why = Why
schedule-history = Who was on call?
schedule-history-at = Day and time
schedule-history-ask = Look up
schedule-history-were = On { $at }:
schedule-history-nobody = On { $at }: nobody on call
schedule-history-version = version { $n }, the one in force then
schedule-history-none = On { $at } this schedule did not exist yet.
schedule-change = Change the schedule
duty-why-rotation = rotation { $name }
duty-why-temporary = temporary schedule
duty-why-override = override
duty-why-stands-in = in place of somebody who is away
issue-gap = Gap
issue-nobody-reachable = Nobody reachable
issue-nobody-certified = Nobody certified
issue-certificate-ends = Certificate ends
issue-first-and-backup = First and backup are the same person
issue-beside-turn = A swap of a turn that has moved: a part of it is left with who gave it
issue-unreachable = No channel reaches them
issue-certificate-date = Unlikely certificate date
issue-overload = Overload
issue-span = from { $from } to { $to }
issue-hours = { $n } h a week
swaps-title = Swaps between colleagues
swaps-none = No swap is waiting.
swap-do = Swap or take a turn
swap-hint = Offer a turn of yours, to one person or to whoever comes first, or choose somebody's turn to take. It counts once the other side agrees; no manager is needed.
swap-turn = Turn
swap-with = With whom
swap-anybody = Whoever agrees first
swap-back = In return for
swap-nothing = Nothing
swap-save = Ask for it
swap-gives = { $giver } would give the turn to { $taker }
swap-gives-anybody = { $giver } offers the turn to whoever agrees
swap-accept = Agree
swap-decline = Decline
swap-withdraw = Withdraw
absence-title = Absences
absence-own = Record that I will be away
absence-who = Who and when
absence-ask = Show the turns
absence-turns = Turns in that time
absence-no-turns = No turn in today’s schedules. The absence counts in later ones too.
absence-ahead = Absences from now on
absence-none = No absence is noted.
absence-noted-by = Noted by { $name }
absence-stands = { $name } is away in that time already: { $span }.
absence-change-it = Change that absence
absence-change = Change
absence-take = Take the absence back
absence-take-hint = What was stays as it was; from now on they are on the schedules again, and whoever stood in is not.
absence-stands-in = Stands in: { $names }
absence-hint = Choose who stands in for each turn. It counts at once, in every schedule, also in those still to come.
absence-by = Who stands in
absence-by-away = { $name } (away: { $span })
absence-nobody = Nobody
absence-save = Record the absence
absence-done = Absence recorded: { $name }
absence-changed = Absence changed: { $name }
absence-taken = Absence taken back: { $name }
absence-taken-now = From now on they are on the schedules again, and whoever was to stand in is not.
absence-covered = Every turn is covered
absence-uncovered =
    { $n ->
        [one] One stretch is left with nobody on call who may be called: fill it now
       *[other] { $n } stretches are left with nobody on call who may be called: fill them now
    }
changes-title = Changes in force
changes-none = No changes: the rotations count.
changes-hint = They lie over the rotations, in the order of this list, each until its end.
change-add = { $name } comes in addition
change-remove = { $name } stays out
change-replace = { $comes } in place of { $gone }
change-temporary = Temporary schedule: { $names }
change-temporary-nobody = Temporary schedule: nobody on call
change-edit = Change
change-edit-this = Change: { $what }
change-take = Undo
change-take-this = Undo: { $what }
change-save = Save the change
temporary-do = Temporary schedule
temporary-hint = In this time only the turns written here count, as on a holiday. A turn without hours lasts the whole time; without any turn nobody is on call.
temporary-save = Save the temporary schedule
doubt-far-ahead = It begins more than half a year ahead: is the year right?
doubt-long = It lasts more than a month: is its end right?
doubt-not-on-call = Whoever goes is not on call in that time: nothing would change.
doubt-on-call-already = Whoever comes is on call in that time already.
doubt-absent = Whoever comes is away in a part of that time. If you confirm, they come all the same.
doubt-readings-leave = What the device measured since { $time } is not this patient’s any more: { $count }. Alerts that came of it alone end.
doubt-sure = That is what I mean
override-do = Change a turn
override-hint = Only who comes: one more. Only who goes: one less. Both: one in place of the other.
override-add = Who comes
override-remove = Who goes
override-save = Save the change
rotation-new = New rotation
rotation-edit = Rotation { $name }
rotation-beyond = This rotation alternates more than two turns: change it through the API.
rotation-starts = First turn starts
rotation-ends = Last turn ends (empty: never)
rotation-length = Length of a turn
rotation-length-other = Alternating with (optional)
rotation-count = How many
rotation-unit = Unit
rotation-people = People, in the order of their turns
rotation-turn = Person { $n }
rotation-hours = Hours of the day
rotation-hours-hint = Like 07:00-12:00 13:00-19:00. All empty: day and night.
rotation-save = Save the rotation
rotation-remove = Remove the rotation { $name }
unit-hours = hours
unit-days = days
unit-weeks = weeks
unit-months = months
rotation-overlap = Minutes that whoever goes stays beside whoever comes
rotation-counted = Turns without hours count too (like a Sunday in a rotation of working days)
weekday-mon = Mon
weekday-tue = Tue
weekday-wed = Wed
weekday-thu = Thu
weekday-fri = Fri
weekday-sat = Sat
weekday-sun = Sun
feed-title = In your calendar
feed-hint = A secret address that other calendars read. It shows turns with a first name, nothing else.
feed-make = Make an address
feed-renew = Make another and end this one
feed-end = End the address
feed-made = Address made
feed-once = It is shown only now. Whoever has it sees the turns: keep it like a password.
feed-address = Address of the calendar
capacity-title = Capacity and load
capacity-hint = A tenth of each person's capacity is kept for red alerts. Red alerts are never refused.
capacity-reserve-used = Reserve in use
capacity-waiting = Wait for somebody, below red
capacity-displaced = Of these, no room with anybody
capacity-load = Load
capacity-most = Capacity
capacity-free = Room
capacity-full = Red only

## Settings kept in versions: tabs, beginning one

kept-tabs = Response rules
kept-policies = Escalation
kept-service-levels = Deadlines
kept-calendars = Calendars
kept-templates = Messages
kept-none = Nothing in force
kept-none-next = What comes with the system is put in force when the service starts.
kept-id = Id
kept-id-hint = Stays in addresses and in the audit log for ever: small letters, digits and _, as in night_shift.
kept-id-wrong = 1 to 64 small letters without accents, digits and _.
kept-id-taken = It exists already: open it in the list, or choose another id.
kept-begin = Continue
policies-begin = New policy

## Service levels

levels-title = Deadlines (SLA)
levels-what = How soon an alert is answered and resolved, on which calendar, and what follows when the time is over. A change holds only once a second person has approved it.
levels-begin = New deadline
level-in-force = In force
level-level = For alerts
level-metric = The clock stops when
level-first-response = a person acknowledges the alert
level-resolution = the case is resolved
level-target = Time allowed
level-count = Time allowed: how many
level-unit = Time allowed: counted in
level-unit-minutes = minutes, day and night
level-unit-open-minutes = minutes of open calendar
level-unit-days = days, to the end of the day
level-unit-working-days = working days, to the end of the day
level-in-minutes = { $span }, day and night
level-in-open-minutes = { $span } of open calendar
level-in-days =
    { $n ->
        [one] end of the next day
       *[other] end of day { $n }
    }
level-in-working-days =
    { $n ->
        [one] end of the next working day
       *[other] end of working day { $n }
    }
level-calendar = Calendar
level-on-breach = When the deadline passes, start
level-no-policy = no policy
level-editor-what = Nothing changes until a second person approves it. Clocks that run keep the version they started with.
level-now = An alert that came now would have until
level-warned = warned at
level-never = never: the calendar opens no more
level-drafted = With what is written
level-wrong-level = Choose red or yellow.
level-wrong-last = Without this one, no red alert would have a deadline for its first response: put another in force first.
level-wrong-metric = Choose what stops the clock.
level-wrong-unit = Choose minutes or days.
level-wrong-target = A whole number, from 1 minute to 366 days.
level-wrong-calendar = Choose a calendar that is in force.
level-wrong-policy = Choose a policy that is in force, or none.

## Calendars

calendars-title = Working calendars
calendars-what = When people work: deadlines in open hours and working days count only open time. A change holds at once; clocks that run keep the version they started with.
calendars-begin = New calendar
calendar-zone = Time zone
calendar-holidays = Holidays
calendar-no-holidays = works through holidays
calendar-national = national
calendar-national-only = national only
calendar-and-state = national and { $name }
calendar-city = municipality: { $name }
calendar-city-field = Municipal holidays
calendar-city-none = none
calendar-city-hint = For another municipality, write its holidays as own days.
calendar-closed = closed
calendar-is-open = Open now
calendar-is-closed = Closed now
calendar-week = Week
calendar-week-hint = Intervals in order, as in 08:00-12:00 13:00-18:00; the day ends at 24:00. Empty: closed.
calendar-day = Day
calendar-open-hours = Open
calendar-why = Why
calendar-strip = From 0 to 24 h
calendar-scope = Where it holds
calendar-scope-national = national
calendar-scope-state = state
calendar-scope-municipal = municipal
calendar-scope-own = of this calendar
calendar-year = Holidays and own days of the next 12 months
calendar-year-none = None.
calendar-ahead = Next 30 days
calendar-ahead-draft = Next 30 days with what is written
calendar-own-days = Own days
calendar-own-days-count =
    { $n ->
        [one] { $n } day
       *[other] { $n } days
    }
calendar-own-day = Own day { $n }
calendar-own-hint = They come before the week and the holidays: a municipal holiday, a half day, a bridge day, a worked holiday. No hours: closed. To remove one, clear its three fields.
calendar-yearly = Every year
calendar-own-label = Why
calendar-editor = Change the calendar
calendar-editor-what = See first what changes in the next days. It holds as soon as it is put in force.
calendar-save = Put in force
calendar-wrong-zone = Choose a zone like America/Sao_Paulo.
calendar-wrong-state = Choose a state of the list.
calendar-wrong-city = Choose a municipality of the chosen state, or none.
calendar-wrong-form = "{ $part }" is no interval: write it like 08:00-12:00.
calendar-wrong-backwards = "{ $part }" ends before it starts; over midnight it is two, on two days.
calendar-wrong-order = "{ $part }" touches the one before it or comes too early: in order, and joined where they touch.
calendar-wrong-red = The service level “{ $level }” is for red alerts and counts on this calendar, which therefore never closes.
calendar-wrong-never = The service level “{ $level }” counts on this calendar, which would never open.
calendar-wrong-date = Choose the date.
calendar-wrong-label = Say why.
calendar-wrong-twice = This date stands in another row already.

## Message templates

templates-title = Messages
templates-what = What the messages that leave here say: that something waits, never what. A change holds only once a second person has approved it.
template-clinical = somebody must come
template-transactional = what was asked for or agreed
template-care = care and reminders
template-marketing = surveys and campaigns
template-reads = Preview
template-reads-what = With sample values.
template-drafted = As what is written would read
template-in-pt = In Portuguese
template-in-en = In English
template-editor-what = Nothing changes until a second person approves it. What is planned already leaves with the words it had. In braces, what is filled in:
template-subject-pt = Subject in Portuguese
template-subject-en = Subject in English
template-text-pt = Text in Portuguese
template-text-en = Text in English
template-link = where to sign in and see
template-repetition = the number of the repetition
template-since = since when something waits
template-from = the start of a shift
template-until = the end of a shift, or a deadline
template-count = how many there are
template-cases = the cases that wait, a line each
template-tells-vital = a vital sign
template-tells-level = the level of an alert
template-tells-specialty = a specialty or an illness
template-wrong-tells = "{ $word }…" gives away { $what }: say only that something waits.
template-wrong-empty = Write it in both languages.
template-wrong-subject = One line only, up to 200 characters (80 for the name), all of them visible.
template-wrong-unseen = Take out the characters that cannot be seen: type the text again.
template-wrong-brace = A brace closes nothing. In braces only: { $names }.
template-wrong-unknown = "{ $name }" does not exist. In braces only: { $names }.
template-wrong-not-given = Nothing fills { $name } in these messages. In braces only: { $names }.
template-wrong-one-language = { $name } stands in the other language only: use it in both.

code-step-up = Confirm that it is you
code-step-up-detail = Roles, resets and exports need that you show who you are, in the last five minutes: the page asks for your password and code and goes on; a program signs in again (POST /api/v1/auth/token) and repeats.
confirm-what = This act needs your password once more. What you filled in is kept, and the act goes on from here.
confirm-do = Confirm and go on
code-held = This account waits for another person
code-held-detail = A change to this account was not yet confirmed by a second person. Ask an administrator or a manager to confirm it.
code-factor = The second factor is missing
code-factor-detail = Your role requires a second factor. Sign in with the browser, set it under My account and sign in again.
code-last-admin = Nobody would be left to manage users
code-last-admin-detail = This is the only person who manages users. Make another administrator first.

user-vouch = Vouch for account
user-held = waits for confirmation
user-unlock = Unblock
user-unlock-do = Let in again
user-lock-do = Block now
user-lock-shifts = On call now and in the next 14 days; these turns stay empty:
user-lock-no-shift = No turn on call in the next 14 days.
user-lock-now = now
user-lock-teams = In the teams
user-lock-policies = Called by the policies
user-lock-open = { $n ->
    [0] No open alert is with this person.
    [one] { $n } alert is with this person (claimed, acknowledged, snoozed or handed over) and goes back to the queue at once.
   *[other] { $n } alerts are with this person (claimed, acknowledged, snoozed or handed over) and go back to the queue at once.
}
user-lock-red = { $n ->
    [one] { $n } of them is red: the next step is called now.
   *[other] { $n } of them are red: the next step is called now.
}

## Kinds of entries of the log

audit-term-published = Term published
audit-policy-published = Consent policy published
audit-consent-offered = Consent asked for
audit-consent-granted = Consent granted
audit-consent-refused = Consent refused
audit-consent-revoked = Consent revoked
audit-consent-expired = Consent expired
audit-consent-superseded = Consent superseded by a new term
audit-consent-suspended = Consent suspended
audit-consent-resumed = Consent resumed
audit-decision-batch = Decisions on a batch
audit-decision-deny = Decision: denied
audit-telemetry-batch = Readings received
audit-patient-registered = Patient registered
audit-patient-corrected = Patient record corrected
audit-device-enrolled = Device enrolled
audit-device-disabled = Device disabled
audit-device-enabled = Device enabled
audit-device-kicked = Device disconnected
audit-device-bound = Device bound
audit-device-unbound = Device unbound
audit-device-token = Access code of a device
audit-device-commanded = Command to a device
audit-reading-amended = Reading corrected
audit-device-command-cancelled = Command cancelled
audit-clock-stepped = Server clock stepped
audit-node-thread-ended = Part of the server failed
audit-quarantine-released = Reading released from quarantine
audit-quarantine-discarded = Reading discarded from quarantine
audit-alert-raised = Alert raised
audit-alert-judged = Alert judged again
audit-alert-escalated = Alert escalated
audit-alert-claimed = Alert claimed
audit-alert-ack = Alert acknowledged
audit-alert-given-back = Alert back in the queue
audit-alert-unack = Acknowledgement undone
audit-alert-snoozed = Alert snoozed
audit-alert-reassigned = Alert handed over
audit-alert-unreached = Alert that reached nobody
audit-alert-closed = Alert resolved
audit-attachment-added = File attached
audit-attachment-removed = File removed
audit-rule-proposed = Rule proposed
audit-rule-approved = Rule approved
audit-rule-published = Rule in force
audit-config-proposed = Setting proposed
audit-config-approved = Setting approved
audit-shift-offered = Swap of a turn asked for
audit-shift-taken = Swap of a turn agreed
audit-shift-declined = Swap of a turn declined or withdrawn
audit-shift-absent = Absence in all schedules
audit-shift-absence-changed = Absence changed
audit-shift-absence-ended = Absence taken back
audit-config-refused = Setting refused
audit-message-queued = Message queued
audit-message-sent = Message sent
audit-message-failed = Message failed
audit-message-suppressed = Message suppressed
audit-access-read = Data looked at
audit-access-search = Search
audit-access-export = Export
audit-access-reveal = Identity revealed
audit-breakglass-opened = Emergency access opened
audit-breakglass-confirmed = Emergency access confirmed
audit-breakglass-closed = Emergency access closed
audit-share-sent = Data shared
audit-share-notice = Notice of sharing
audit-share-ack = Receipt confirmed
audit-dsr-opened = Data subject request opened
audit-dsr-answered = Data subject request answered
audit-dsr-refused = Data subject request refused
audit-dsr-closed = Data subject request closed
audit-erase-requested = Erasure requested
audit-erase-key-destroyed = Erasure: key destroyed
audit-erase-verified = Erasure verified
audit-retention-disposed = Data disposed of
audit-retention-held = Disposal held
audit-incident-opened = Incident opened
audit-incident-assessed = Incident assessed
audit-incident-notified = Incident notified
audit-incident-closed = Incident closed
audit-key-created = Key created
audit-key-rotated = Key rotated
audit-key-destroyed = Key destroyed
audit-auth-login = Sign-in
audit-auth-fail = Sign-in refused
audit-auth-mfa = Second factor
audit-auth-session-killed = Session ended
audit-admin-role = User access changed
audit-admin-config = Administration changed
audit-log-opened = Log opened
audit-log-sealed = Log signed
audit-backup-made = Backup made
audit-backup-restored = Backup restored
audit-backup-acknowledged = Restore acknowledged
audit-clock-skew = Clock skew
audit-sla-started = Deadline started
audit-sla-warned = Deadline near
audit-sla-breached = Deadline passed
audit-sla-paused = Deadline paused
audit-sla-resumed = Deadline resumed
audit-sla-stopped = Deadline stopped
audit-job-asked = Background job asked for
audit-job-cancelled = Background job cancelled
audit-job-ended = Background job ended
audit-engine-lapse = Delay of the system
audit-engine-quarantined = Row set aside by an error

## Parts of the engine

module-auditor = Watchdog
module-bases = Legal bases
module-bounces = Bounced e-mail
module-clock = Clock
module-coverage = Schedule coverage
module-deadline = Deadlines
module-departures = Cases of people who left
module-escalate = Escalation
module-jobs = Background jobs
module-handover = Shift changes
module-housekeeping = Housekeeping
module-late-reds = Reds found late
module-moves = Readings that change hands
module-outbox-in-app = Notices on the dashboard
module-outbox-email = Notices by e-mail
module-outbox-webhook = Notices to programs
module-reevaluate = Judgement of readings
module-roll = Compaction of readings
module-seal = Signature of the log
module-seat = Presence of this server
module-silence = Silent devices
# Who saw whose data, and who stands behind a pseudonym.
accesses-title = Who saw the data
accesses-of = Who saw the data of { $patient }
accesses-patient = Patient { $patient }
accesses-what = Every look is here, refused ones too. This look is recorded as well, and the person sees it.
accesses-newest = Looks, newest first
accesses-none = Nobody has looked at anything yet
accesses-whose = Patient
accesses-who = Who
accesses-thing = What
accesses-listed = in a list
accesses-shown = seen
seen-identity = Name
seen-contacts = Contacts
seen-consents = Permissions
seen-alerts = Alerts
seen-attachments = Attached file
seen-readings = Readings
seen-looks = Who looked
seen-reveal = Name behind the pseudonym
seen-export = Copy of the data
reveal = Identify a person
reveal-what = One person at a time, with the number of the request that calls for it. It is recorded, and the person sees it.
reveal-person = Pseudonym, CPF or CNS
reveal-pseudonym = Pseudonym
reveal-reason = Reason: number of the request
reveal-do = Identify
reveal-ask = Ask to identify a person
reveal-ask-what = The data protection officer answers. After a yes you see the name for a day; each time is recorded, and the person sees it.
reveal-ask-do = Send the request
reveal-sent = Request sent
reveal-sent-next = The data protection officer answers; the request is listed below.
reveal-noted = This identification is in the log, and the person sees it.
reveal-born = Born: { $day }
reveal-requests = Requests to identify
reveal-asked = waiting for an answer
reveal-approved = approved
reveal-refused = refused
reveal-over = time is over
reveal-approve = Approve for a day
reveal-refuse = Refuse
