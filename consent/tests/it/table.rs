//! The decision table, row by row and in order: each question changes one thing in a world where the answer
//! is yes, and rows that could both answer are asked together to see that the first one does.

#![expect(clippy::unwrap_used, reason = "a test stops where its world is not as described")]

use consent::{
    AgeBand, Allowed, Bases, Basis, CarePlan, Change, Channel, Code, Context, Country, Datum, Emergency,
    Guardian, Id, Mechanism, Obligation, Purpose, Reach, Recipient, RecipientClass, Record, Request, Rights,
    Scope, State, Subject, judge, judge_named,
};

const NOW: i64 = 1_000_000_000_000;
const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const REACHED: Reach = Reach::To {
    channel: Channel::Sms,
    opted_in: true,
    template_allowed: true,
    quiet_hours: false,
    red: false,
};
const PLAN: CarePlan = CarePlan { from: 0, until: None, professional: true, cnes: true, cfm_term: true };
const EMERGENCY: Emergency =
    Emergency { declared_at: NOW - HOUR, confirmed_at: Some(NOW - HOUR + MINUTE), open_red: true };

/// Everything a decision reads; the default says yes to every purpose that rests on consent.
#[derive(Clone)]
struct World {
    bases: Bases,
    records: Vec<Record>,
    subject: Subject,
    context: Context<'static>,
}

/// The basis and the row that allowed it, or the code that denied it.
type Answer = Result<(Basis, &'static str), Code>;

fn record(purpose: Purpose) -> Record {
    Record {
        purpose,
        state: State::Granted,
        previous: None,
        epoch: 7,
        since: 500,
        term_sha256: Some([1; 32]),
        valid_from: 500,
        valid_until: None,
        measured_from: 100,
        first_granted_at: Some(500),
        scope: Scope::default(),
        pending: Change::None,
        guardian: false,
    }
}

impl World {
    fn yes() -> Self {
        Self {
            bases: Bases::default(),
            records: Purpose::ALL.iter().copied().map(record).collect(),
            subject: Subject::default(),
            context: Context { reach: REACHED, ..Context::system(NOW) },
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn row(&mut self, purpose: Purpose) -> &mut Record {
        self.records.iter_mut().find(|row| row.purpose == purpose).unwrap()
    }

    fn based(self, purpose: Purpose, basis: Basis) -> Self {
        Self { bases: Bases::new(&[(purpose, basis)]).unwrap(), ..self }
    }

    fn ask(&self, purpose: Purpose) -> Answer {
        let Self { bases, records, subject, context } = self;
        judge(purpose, &Request { bases, records, subject, context })
            .map(|verdict| (verdict.basis(), verdict.row()))
            .map_err(|denied| denied.code)
    }

    fn duties(&self, purpose: Purpose) -> Vec<Obligation> {
        let Self { bases, records, subject, context } = self;
        judge(purpose, &Request { bases, records, subject, context }).unwrap().obligations().iter().collect()
    }
}

fn to(class: RecipientClass) -> Option<Recipient> {
    Some(Recipient { id: Id([9; 16]), class, economic: false })
}

#[test]
fn every_row_of_the_table_answers_as_written() {
    use Purpose::*;
    let yes = World::yes;
    let consent = Ok((Basis::Consent, "D30"));
    let duty = Ok((Basis::LegalDuty, "D11"));
    let vital = Ok((Basis::VitalInterest, "D13"));
    let health = Ok((Basis::HealthCare, "D15"));
    let cared = || yes().based(TelemetryCollect, Basis::HealthCare);
    let planned = || cared().with(|w| w.context.care_plan = Some(PLAN));
    let studied = || yes().based(ResearchIdentified, Basis::Research);
    let body = |non_profit, approved_until| to(RecipientClass::ResearchBody { non_profit, approved_until });
    let revoked = |w: &mut World| w.row(TelemetryCollect).state = State::Revoked;
    let pt = Country::parse("PT").unwrap();

    #[rustfmt::skip]
    let rows: Vec<(&str, World, Purpose, Answer)> = vec![
        ("D03 commercial sharing is prohibited", yes(), ShareCommercial, Err(Code::Prohibited11_4)),
        ("D03 a data broker gets nothing", yes().with(|w| w.context.recipient = to(RecipientClass::DataBroker)), ShareEhr, Err(Code::Prohibited11_4)),
        ("D03 nor who pays for it", yes().with(|w| w.context.recipient = to(RecipientClass::CareProvider).map(|r| Recipient { economic: true, ..r })), ShareEhr, Err(Code::Prohibited11_4)),
        ("D03 a health plan does not select risks", yes().with(|w| w.context.recipient = to(RecipientClass::HealthPlan { underwriting: true })), ShareEhr, Err(Code::Prohibited11_5)),
        ("D03 a health plan may still pay for care", yes().with(|w| w.context.recipient = to(RecipientClass::HealthPlan { underwriting: false })), ShareEhr, consent),
        ("D03 before D04", yes().with(|w| w.subject.erased = true), ShareCommercial, Err(Code::Prohibited11_4)),
        ("D04 nothing is done with an erased person", yes().with(|w| w.subject.erased = true), TelemetryCollect, Err(Code::Erased)),
        ("D04 but the law's own records stay", yes().with(|w| w.subject.erased = true), RecordRetain, duty),
        ("D04 and the audit log", yes().with(|w| w.subject.erased = true), AuditLog, duty),
        ("D04 and legal notices", yes().with(|w| w.subject.erased = true), NoticeLegal, duty),
        ("D04 even in an emergency", yes().with(|w| { w.subject.erased = true; w.context.emergency = Some(EMERGENCY) }), AlertEscalate, Err(Code::Erased)),
        ("D04 before D05", yes().with(|w| { w.subject.erased = true; w.context.authority_orders = &[TelemetryCollect] }), TelemetryCollect, Err(Code::Erased)),
        ("D05 the authority stops a purpose", yes().with(|w| w.context.authority_orders = &[TelemetryCollect]), TelemetryCollect, Err(Code::AuthorityOrder)),
        ("D05 even one the law demands", yes().with(|w| w.context.authority_orders = &[RecordRetain]), RecordRetain, Err(Code::AuthorityOrder)),
        ("D05 and no other purpose", yes().with(|w| w.context.authority_orders = &[EngageMessage]), TelemetryCollect, consent),
        ("D05 before D06", yes().with(|w| { w.context.authority_orders = &[TelemetryCollect]; w.subject.blocked = Some(Allowed::Any) }), TelemetryCollect, Err(Code::AuthorityOrder)),
        ("D06 a block stops everything", yes().with(|w| w.subject.blocked = Some(Allowed::Any)), TelemetryCollect, Err(Code::Blocked18Iv)),
        ("D06 but storage by law", yes().with(|w| w.subject.blocked = Some(Allowed::Any)), RecordRetain, duty),
        ("D06 and the audit log", yes().with(|w| w.subject.blocked = Some(Allowed::Any)), AuditLog, duty),
        ("D06 and legal notices", yes().with(|w| w.subject.blocked = Some(Allowed::Any)), NoticeLegal, duty),
        ("D06 a lapsed emergency passes nothing", yes().with(|w| { w.subject.blocked = Some(Allowed::Any); w.context.emergency = Some(Emergency { confirmed_at: None, ..EMERGENCY }) }), AlertEscalate, Err(Code::Blocked18Iv)),
        ("D06 a block of other data stops nothing", yes().with(|w| w.subject.blocked = Some(Allowed::only([Datum::Medication]))), TelemetryCollect, consent),
        ("D06 unnamed data is all the purpose may touch", yes().with(|w| w.subject.blocked = Some(Allowed::only([Datum::Reading]))), TelemetryCollect, Err(Code::Blocked18Iv)),
        ("D06 a valid emergency passes a block", yes().with(|w| { w.subject.blocked = Some(Allowed::Any); w.context.emergency = Some(EMERGENCY) }), AlertEscalate, vital),
        ("D06 but carries no marketing through it", yes().with(|w| { w.subject.blocked = Some(Allowed::Any); w.context.emergency = Some(EMERGENCY) }), EngageMessage, Err(Code::Blocked18Iv)),
        ("D06 is no wall before the subject", yes().with(|w| { w.subject.blocked = Some(Allowed::Any); w.context.own = true }), AlertEvaluate, Ok((Basis::SubjectRequest, "D10a"))),
        ("D06 but opens nothing else to them", yes().with(|w| { w.subject.blocked = Some(Allowed::Any); w.context.own = true }), TelemetryCollect, Err(Code::Blocked18Iv)),
        ("D06 before D07", yes().with(|w| { w.subject.blocked = Some(Allowed::Any); w.context.country = pt }), ShareEhr, Err(Code::Blocked18Iv)),
        ("D07 nothing leaves Brazil without a mechanism", yes().with(|w| w.context.country = pt), ShareEhr, Err(Code::NoTransferMechanism)),
        ("D07 clauses carry it", yes().with(|w| { w.context.country = pt; w.context.mechanism = Some(Mechanism::Clauses) }), ShareEhr, consent),
        ("D07 specific consent names its country", yes().with(|w| { w.context.country = pt; w.context.mechanism = Some(Mechanism::SpecificConsent) }), ShareEhr, Err(Code::NoTransferMechanism)),
        ("D07 and then carries it", yes().with(|w| { w.context.country = pt; w.context.mechanism = Some(Mechanism::SpecificConsent); w.row(ShareEhr).scope.countries = Allowed::only([pt]) }), ShareEhr, consent),
        ("D07 before D08", yes().with(|w| { w.context.country = pt; w.context.data = &[Datum::Account] }), ShareEhr, Err(Code::NoTransferMechanism)),
        ("D08 only what the purpose needs", yes().with(|w| w.context.data = &[Datum::Reading, Datum::Contact]), TelemetryCollect, Err(Code::NotNecessary)),
        ("D08 even where the law demands the purpose", yes().with(|w| w.context.data = &[Datum::Reading]), NoticeLegal, Err(Code::NotNecessary)),
        ("D08 before D09", yes().with(|w| { w.context.data = &[Datum::Contact]; w.context.rights = Rights::Only(&[]) }), TelemetryCollect, Err(Code::NotNecessary)),
        ("D09 role and token must carry the purpose", yes().with(|w| w.context.rights = Rights::Only(&[AlertEvaluate])), TelemetryCollect, Err(Code::Role)),
        ("D09 and then do, without the parent's right", yes().with(|w| w.context.rights = Rights::Only(&[AlertEvaluate])), AlertEvaluate, consent),
        ("D09 before D10", yes().with(|w| { w.context.rights = Rights::Only(&[]); w.context.reach = Reach::Unstated }), CareRemind, Err(Code::Role)),
        ("D10 an unsaid channel is none", yes().with(|w| w.context.reach = Reach::Unstated), CareRemind, Err(Code::Channel)),
        ("D10 opt-in", yes().with(|w| w.context.reach = Reach::To { channel: Channel::Sms, opted_in: false, template_allowed: true, quiet_hours: false, red: true }), CareRemind, Err(Code::Channel)),
        ("D10 template", yes().with(|w| w.context.reach = Reach::To { channel: Channel::Sms, opted_in: true, template_allowed: false, quiet_hours: false, red: true }), CareRemind, Err(Code::Channel)),
        ("D10 quiet hours", yes().with(|w| w.context.reach = Reach::To { channel: Channel::Sms, opted_in: true, template_allowed: true, quiet_hours: true, red: false }), CareRemind, Err(Code::Channel)),
        ("D10 a red alert breaks quiet hours", yes().with(|w| w.context.reach = Reach::To { channel: Channel::Sms, opted_in: true, template_allowed: true, quiet_hours: true, red: true }), AlertEscalate, consent),
        ("D10 staff are reached to escalate", yes().with(|w| w.context.reach = Reach::Staff), AlertEscalate, consent),
        ("D10 and for nothing else", yes().with(|w| w.context.reach = Reach::Staff), EngageMessage, Err(Code::Channel)),
        ("D10 legal notices need no opt-in", yes().with(|w| w.context.reach = Reach::Unstated), NoticeLegal, duty),
        ("D10 applies to health care too", yes().based(CareRemind, Basis::HealthCare).with(|w| { w.context.care_plan = Some(PLAN); w.context.reach = Reach::Unstated }), CareRemind, Err(Code::Channel)),
        ("D10 and in an emergency", yes().with(|w| { w.context.emergency = Some(EMERGENCY); w.context.reach = Reach::Unstated }), AlertEscalate, Err(Code::Channel)),
        ("D10 before D22", yes().with(|w| { w.context.reach = Reach::Unstated; w.row(CareRemind).state = State::Revoked }), CareRemind, Err(Code::Channel)),
        ("D11 the law's duty asks nobody", yes().with(|w| w.records.clear()), AuditLog, duty),
        ("D11 where an organisation declared a duty to share", yes().based(ShareEhr, Basis::LegalDuty).with(|w| w.records.clear()), ShareEhr, duty),
        ("D11 before D13", yes().based(ShareEhr, Basis::LegalDuty).with(|w| w.context.emergency = Some(EMERGENCY)), ShareEhr, duty),
        ("D12 security of the account", yes().with(|w| w.records.clear()), AccountSecure, Ok((Basis::AntiFraud, "D12"))),
        ("D12 or its contract", yes().based(AccountSecure, Basis::Contract), AccountSecure, Ok((Basis::Contract, "D12"))),
        ("D12 reads no health data", yes().with(|w| w.context.data = &[Datum::Reading]), AccountSecure, Err(Code::NotNecessary)),
        ("D13 an emergency calls somebody", yes().with(|w| { w.records.clear(); w.context.emergency = Some(EMERGENCY) }), AlertEscalate, vital),
        ("D13 and finishes an open red", yes().with(|w| { w.records.clear(); w.context.emergency = Some(EMERGENCY) }), AlertEvaluate, vital),
        ("D13 but evaluates nothing new", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { open_red: false, ..EMERGENCY }) }), AlertEvaluate, Err(Code::NoRecord)),
        ("D13 and never collects", yes().with(|w| { w.records.clear(); w.context.emergency = Some(EMERGENCY) }), TelemetryCollect, Err(Code::NoRecord)),
        ("D13 unconfirmed it lapses", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { confirmed_at: None, ..EMERGENCY }) }), AlertEscalate, Err(Code::NoRecord)),
        ("D13 and after a day", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { declared_at: NOW - 25 * HOUR, confirmed_at: Some(NOW - 25 * HOUR), open_red: true }) }), ShareEhr, Err(Code::NoRecord)),
        ("D13 and shares with whoever cares for them", yes().with(|w| { w.records.clear(); w.context.emergency = Some(EMERGENCY) }), ShareEhr, vital),
        ("D13 and reminds of nothing", yes().with(|w| { w.records.clear(); w.context.emergency = Some(EMERGENCY) }), CareRemind, Err(Code::NoRecord)),
        ("D13 it stands while there is time to confirm it", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { declared_at: NOW - 15 * MINUTE, confirmed_at: None, open_red: true }) }), AlertEscalate, vital),
        ("D13 not a moment longer", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { declared_at: NOW - 15 * MINUTE - 1, confirmed_at: None, open_red: true }) }), AlertEscalate, Err(Code::NoRecord)),
        ("D13 confirmed too late it is none", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { declared_at: NOW - HOUR, confirmed_at: Some(NOW - HOUR + 15 * MINUTE + 1), open_red: true }) }), AlertEscalate, Err(Code::NoRecord)),
        ("D13 to the very day", yes().with(|w| { w.records.clear(); w.context.emergency = Some(Emergency { declared_at: NOW - 24 * HOUR, confirmed_at: Some(NOW - 24 * HOUR), open_red: true }) }), AlertEscalate, vital),
        ("D13 passes a revocation, for the emergency alone", yes().with(|w| { w.row(AlertEscalate).state = State::Revoked; w.context.emergency = Some(EMERGENCY) }), AlertEscalate, vital),
        ("D13 before D14", yes().based(ShareEhr, Basis::HealthCare).with(|w| { w.subject.age_band = AgeBand::Child; w.context.emergency = Some(EMERGENCY) }), ShareEhr, vital),
        ("D14 a minor's best interest is assessed", planned().with(|w| w.subject.age_band = AgeBand::Adolescent), TelemetryCollect, Err(Code::BestInterest)),
        ("D14 and then carries", planned().with(|w| { w.subject.age_band = AgeBand::Child; w.subject.best_interest = true }), TelemetryCollect, health),
        ("D15 an active plan carries", planned(), TelemetryCollect, health),
        ("D15 whatever the consent says", planned().with(revoked), TelemetryCollect, health),
        ("D15 a reminder needs no telemedicine term", yes().based(CareRemind, Basis::HealthCare).with(|w| w.context.care_plan = Some(CarePlan { cfm_term: false, ..PLAN })), CareRemind, health),
        ("D16 no plan", cared(), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D16 a plan that ends now", cared().with(|w| w.context.care_plan = Some(CarePlan { until: Some(NOW), ..PLAN })), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D16 a plan that starts later", cared().with(|w| w.context.care_plan = Some(CarePlan { from: NOW + 1, ..PLAN })), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D16 no professional", cared().with(|w| w.context.care_plan = Some(CarePlan { professional: false, ..PLAN })), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D16 no CNES", cared().with(|w| w.context.care_plan = Some(CarePlan { cnes: false, ..PLAN })), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D16 no telemedicine term", cared().with(|w| w.context.care_plan = Some(CarePlan { cfm_term: false, ..PLAN })), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D16 a consent carries nothing where care is declared", cared().with(|w| w.row(TelemetryCollect).state = State::Granted), TelemetryCollect, Err(Code::NoCarePlan)),
        ("D17 a research body with approval", studied().with(|w| w.context.recipient = body(true, Some(NOW + 1))), ResearchIdentified, Ok((Basis::Research, "D17"))),
        ("D18 for profit", studied().with(|w| w.context.recipient = body(false, Some(NOW + 1))), ResearchIdentified, Err(Code::NotResearchBody)),
        ("D18 approval over", studied().with(|w| w.context.recipient = body(true, Some(NOW))), ResearchIdentified, Err(Code::NotResearchBody)),
        ("D18 approval never given", studied().with(|w| w.context.recipient = body(true, None)), ResearchIdentified, Err(Code::NotResearchBody)),
        ("D18 another kind of recipient", studied().with(|w| w.context.recipient = to(RecipientClass::CareProvider)), ResearchIdentified, Err(Code::NotResearchBody)),
        ("D18 nobody named", studied(), ResearchIdentified, Err(Code::NotResearchBody)),
        ("D18a portability on request", yes().with(|w| w.context.subject_request = true), SharePortability, Ok((Basis::SubjectRequest, "D18a"))),
        ("D18a and not without", yes(), SharePortability, Err(Code::NoRequest)),
        ("D18b aggregates after the test", yes().with(|w| w.context.anonymised = true), AnalyticsAnonymous, Ok((Basis::Anonymised, "D18b"))),
        ("D18b and not before", yes(), AnalyticsAnonymous, Err(Code::NotAnonymised)),
        ("D19 silence is no", yes().with(|w| w.records.clear()), TelemetryCollect, Err(Code::NoRecord)),
        ("D20 unanswered is no", yes().with(|w| w.row(TelemetryCollect).state = State::Offered), TelemetryCollect, Err(Code::Pending)),
        ("D21 no is no", yes().with(|w| w.row(TelemetryCollect).state = State::Refused), TelemetryCollect, Err(Code::Refused)),
        ("D22 revoked", yes().with(revoked), TelemetryCollect, Err(Code::Revoked)),
        ("D22 before D24", yes().with(|w| { w.row(TelemetryCollect).state = State::Revoked; w.row(TelemetryCollect).valid_until = Some(1) }), TelemetryCollect, Err(Code::Revoked)),
        ("D23 suspended", yes().with(|w| w.row(TelemetryCollect).state = State::Suspended), TelemetryCollect, Err(Code::Suspended)),
        ("D23 before D24", yes().with(|w| { w.row(TelemetryCollect).state = State::Suspended; w.row(TelemetryCollect).valid_until = Some(1) }), TelemetryCollect, Err(Code::Suspended)),
        ("D22 before D26", yes().with(|w| { w.row(TelemetryCollect).state = State::Revoked; w.subject.age_band = AgeBand::Child }), TelemetryCollect, Err(Code::Revoked)),
        ("D24 expired", yes().with(|w| w.row(TelemetryCollect).state = State::Expired), TelemetryCollect, Err(Code::Expired)),
        ("D24 at the very instant", yes().with(|w| w.row(TelemetryCollect).valid_until = Some(NOW)), TelemetryCollect, Err(Code::Expired)),
        ("D24 not one before", yes().with(|w| w.row(TelemetryCollect).valid_until = Some(NOW + 1)), TelemetryCollect, consent),
        ("D24 before D25", yes().with(|w| { w.row(TelemetryCollect).valid_until = Some(NOW); w.row(TelemetryCollect).pending = Change::Purpose }), TelemetryCollect, Err(Code::Expired)),
        ("D25 stale", yes().with(|w| w.row(TelemetryCollect).state = State::Stale), TelemetryCollect, Err(Code::TermsChanged)),
        ("D25 the purpose changed", yes().with(|w| w.row(TelemetryCollect).pending = Change::Purpose), TelemetryCollect, Err(Code::TermsChanged)),
        ("D25 the sharing changed", yes().with(|w| w.row(TelemetryCollect).pending = Change::Sharing), TelemetryCollect, Err(Code::TermsChanged)),
        ("D25 before D26", yes().with(|w| { w.row(TelemetryCollect).state = State::Stale; w.subject.age_band = AgeBand::Child }), TelemetryCollect, Err(Code::TermsChanged)),
        ("D26 a child alone", yes().with(|w| w.subject.age_band = AgeBand::Child), TelemetryCollect, Err(Code::Guardian)),
        ("D26 a guardian who did not grant", yes().with(|w| { w.subject.age_band = AgeBand::Young; w.subject.guardian = Guardian::Verified }), TelemetryCollect, Err(Code::Guardian)),
        ("D26 a guardian who did", yes().with(|w| { w.subject.age_band = AgeBand::Child; w.subject.guardian = Guardian::Verified; w.row(TelemetryCollect).guardian = true }), TelemetryCollect, consent),
        ("D26 authority that lapsed", yes().with(|w| { w.subject.guardian = Guardian::Lapsed; w.row(TelemetryCollect).guardian = true }), TelemetryCollect, Err(Code::Guardian)),
        ("D26 at 16 the subject grants", yes().with(|w| w.subject.age_band = AgeBand::Adolescent), TelemetryCollect, consent),
        ("D26 before D27", yes().with(|w| { w.subject.age_band = AgeBand::Child; w.context.measured_at = Some(0) }), TelemetryCollect, Err(Code::Guardian)),
        ("D27 not valid yet", yes().with(|w| w.row(TelemetryCollect).valid_from = NOW + 1), TelemetryCollect, Err(Code::BeforeGrant)),
        ("D27 measured before", yes().with(|w| w.context.measured_at = Some(99)), TelemetryCollect, Err(Code::BeforeGrant)),
        ("D27 measured at the beginning", yes().with(|w| w.context.measured_at = Some(100)), TelemetryCollect, consent),
        ("D27 valid from this instant", yes().with(|w| w.row(TelemetryCollect).valid_from = NOW), TelemetryCollect, consent),
        ("D27 display too", yes().with(|w| w.context.measured_at = Some(99)), AlertEvaluate, Err(Code::BeforeGrant)),
        ("D27 before D28", yes().with(|w| { w.context.measured_at = Some(99); w.row(TelemetryCollect).scope.data = Allowed::only([]) }), TelemetryCollect, Err(Code::BeforeGrant)),
        ("D28 data", yes().with(|w| w.row(TelemetryCollect).scope.data = Allowed::only([Datum::DeviceState])), TelemetryCollect, Err(Code::Scope)),
        ("D28 data within", yes().with(|w| { w.row(TelemetryCollect).scope.data = Allowed::only([Datum::DeviceState]); w.context.data = &[Datum::DeviceState] }), TelemetryCollect, consent),
        ("D28 device", yes().with(|w| { w.row(TelemetryCollect).scope.devices = Allowed::only([Id([1; 16])]); w.context.device = Some(Id([2; 16])) }), TelemetryCollect, Err(Code::Scope)),
        ("D28 recipient", yes().with(|w| { w.row(ShareEhr).scope.recipients = Allowed::only([]); w.context.recipient = to(RecipientClass::CareProvider) }), ShareEhr, Err(Code::Scope)),
        ("D28 channel", yes().with(|w| w.row(CareRemind).scope.channels = Allowed::only([Channel::Email])), CareRemind, Err(Code::Scope)),
        ("D28 country", yes().with(|w| { w.context.country = pt; w.context.mechanism = Some(Mechanism::Adequacy); w.row(ShareEhr).scope.countries = Allowed::only([Country::BR]) }), ShareEhr, Err(Code::Scope)),
        ("D28 before D29", yes().with(|w| { w.row(TelemetryCollect).state = State::Revoked; w.row(AlertEvaluate).scope.data = Allowed::only([]) }), AlertEvaluate, Err(Code::Scope)),
        ("D29 display leans on collection", yes().with(revoked), AlertEvaluate, Err(Code::Parent)),
        ("D29 escalation on both", yes().with(revoked), AlertEscalate, Err(Code::Parent)),
        ("D29 never the reverse", yes().with(|w| w.row(AlertEvaluate).state = State::Revoked), TelemetryCollect, consent),
        ("D29 reminders lean on nothing", yes().with(revoked), CareRemind, consent),
        ("D29 analytics lean for telemetry", yes().with(|w| { w.row(TelemetryCollect).state = State::Refused; w.context.data = &[Datum::Reading] }), AnalyticsIdentified, Err(Code::Parent)),
        ("D29 and for nothing else", yes().with(|w| { w.row(TelemetryCollect).state = State::Refused; w.context.data = &[Datum::Engagement] }), AnalyticsIdentified, consent),
        ("D29 a parent on health care stands", planned().with(revoked), AlertEvaluate, consent),
        ("D29 the parent's order of authority counts", yes().with(|w| w.context.authority_orders = &[TelemetryCollect]), AlertEvaluate, Err(Code::Parent)),
        ("D29 the parent's beginning does not", yes().with(|w| { w.row(TelemetryCollect).measured_from = 200; w.context.measured_at = Some(150) }), AlertEvaluate, consent),
        ("D30 a yes is a yes", yes(), TelemetryCollect, consent),
        ("D30 for each child too", yes(), AlertEscalate, consent),
        ("D30 with a change to be told", yes().with(|w| w.row(TelemetryCollect).pending = Change::Controller), TelemetryCollect, consent),
    ];
    let asked: std::collections::BTreeSet<&str> =
        rows.iter().filter_map(|(name, ..)| name.split(' ').next()).collect();
    for (name, world, purpose, expected) in rows {
        assert_eq!(world.ask(purpose), expected, "{name}");
    }
    // D01 is asked by name, below; D02 is about tenants, and there are none.
    let every = (3..=30).map(|row| format!("D{row:02}")).chain(["D18a".to_owned(), "D18b".to_owned()]);
    for row in every {
        assert!(asked.contains(row.as_str()), "{row} is not asked");
    }
}

/// A history of real events, asked at `now` about a reading measured at `measured_at`.
fn asked_after(events: &[consent::Event], now: i64, measured_at: i64, purpose: Purpose) -> Answer {
    let ledger = consent::Ledger::fold(events).unwrap();
    let context = Context { measured_at: Some(measured_at), ..Context::system(now) };
    let (bases, subject) = (Bases::default(), Subject::default());
    judge(purpose, &Request { bases: &bases, records: &ledger, subject: &subject, context: &context })
        .map(|verdict| (verdict.basis(), verdict.row()))
        .map_err(|denied| denied.code)
}

/// A new yes is not retroactive (2.5): what was measured under the yes that was taken back, or in between, and is sent
/// only now, stays outside. What a child's own, unbroken yes reaches stays shown.
#[test]
fn d27_after_a_new_grant_older_readings_stay_outside_wherever_they_come_from() {
    use consent::{Act, Event, Grant};
    let yes = |purpose, at| Event::new(purpose, at, Act::Granted(Grant::of([1; 32])));
    let no = |purpose, at| Event::new(purpose, at, Act::Revoked);
    let (collect, show) = (Purpose::TelemetryCollect, Purpose::AlertEvaluate);
    let events = [yes(collect, 100), yes(show, 100), no(collect, 200), yes(collect, 300)];
    let consent = Ok((Basis::Consent, "D30"));
    for (measured_at, expected) in [
        (150, Err(Code::BeforeGrant)),
        (250, Err(Code::BeforeGrant)),
        (299, Err(Code::BeforeGrant)),
        (300, consent),
        (350, consent),
    ] {
        assert_eq!(asked_after(&events, 400, measured_at, collect), expected, "measured at {measured_at}");
    }
    assert_eq!(asked_after(&events, 400, 150, show), consent, "stored under the first yes, still shown");
    let shown_anew = [&events[..], &[no(show, 320), yes(show, 330)]].concat();
    assert_eq!(asked_after(&shown_anew, 400, 150, show), Err(Code::BeforeGrant));
    assert_eq!(asked_after(&shown_anew, 400, 330, show), consent);
    // A grant that lapsed by time is no different; a renewal in time keeps its beginning.
    let until = Act::Granted(Grant { valid_until: Some(200), ..Grant::of([1; 32]) });
    let lapsed = [Event::new(collect, 100, until.clone()), yes(collect, 300)];
    assert_eq!(asked_after(&lapsed, 400, 150, collect), Err(Code::BeforeGrant));
    let renewed = [Event::new(collect, 100, until), yes(collect, 199)];
    assert_eq!(asked_after(&renewed, 400, 150, collect), consent);
}

#[test]
fn d01_an_unknown_purpose_is_refused_by_name() {
    let World { bases, records, subject, context } = World::yes();
    let request = Request { bases: &bases, records: &records, subject: &subject, context: &context };
    for name in ["telemetry", "transfer.intl", "", "TELEMETRY.COLLECT"] {
        let denied = judge_named(name, &request).unwrap_err();
        assert_eq!((denied.code, denied.purpose), (Code::UnknownPurpose, None));
    }
    assert_eq!(judge_named("telemetry.collect", &request).unwrap().purpose(), Purpose::TelemetryCollect);
}

#[test]
fn a_default_context_and_a_row_of_another_purpose_fail_closed() {
    struct Wrong(Record);
    impl consent::Records for Wrong {
        fn record(&self, _purpose: Purpose) -> Option<&Record> {
            Some(&self.0)
        }
    }
    let World { bases, records, subject, context } = World::yes();
    let nobody = Context::default();
    let bare = Request { bases: &bases, records: &records, subject: &subject, context: &nobody };
    let wrong = Wrong(record(Purpose::CareRemind));
    let mixed = Request { records: &wrong, context: &context, ..bare };
    for &purpose in Purpose::ALL.iter().filter(|purpose| **purpose != Purpose::ShareCommercial) {
        assert_eq!(judge(purpose, &bare).unwrap_err().code, Code::Role);
    }
    assert_eq!(judge(Purpose::TelemetryCollect, &mixed).unwrap_err().code, Code::Internal);
}

#[test]
fn duties_come_with_the_permit() {
    use Obligation::*;
    let yes = World::yes();
    assert_eq!(yes.duties(Purpose::TelemetryCollect), [Log, EpochFence]);
    assert_eq!(yes.duties(Purpose::AuditLog), [Log, ShowNorm]);
    let pending = yes.clone().with(|w| w.row(Purpose::TelemetryCollect).pending = Change::Duration);
    assert_eq!(pending.duties(Purpose::TelemetryCollect), [Log, EpochFence, NotifyChange24h]);
    let urgent = yes.with(|w| w.context.emergency = Some(EMERGENCY));
    assert_eq!(urgent.duties(Purpose::AlertEscalate), [Log, Review24h, TellSubject]);
}

#[test]
fn a_refused_child_says_which_ancestor_since_when_and_why() {
    let World { bases, records, subject, context } = World::yes().with(|w| {
        let row = w.row(Purpose::TelemetryCollect);
        (row.state, row.since) = (State::Revoked, 4_242);
    });
    let request = Request { bases: &bases, records: &records, subject: &subject, context: &context };
    let denied = judge(Purpose::AlertEscalate, &request).unwrap_err();
    assert_eq!(denied.root(), (Code::Revoked, Some(Purpose::TelemetryCollect)));
    assert_eq!(denied.since, Some(4_242));
    assert_eq!(denied.to_string(), "E_PARENT LGPD art. 6 I");
    let own = judge(Purpose::TelemetryCollect, &request).unwrap_err();
    assert_eq!((own.to_string().as_str(), own.since), ("E_REVOKED LGPD art. 8 §5", Some(4_242)));
}

#[test]
fn one_decision_serves_a_message_of_many_readings() {
    let World { bases, records, subject, context } = World::yes();
    let request = Request { bases: &bases, records: &records, subject: &subject, context: &context };
    let permit = consent::decide::<consent::TelemetryCollect>(&request).unwrap();
    assert_eq!((permit.epoch(), permit.measured_from(), permit.decided_at()), (7, 100, NOW));
    let codes: Vec<_> = [99, 100, NOW].map(|at| permit.covers(at).map_err(|denied| denied.code)).into();
    assert_eq!(codes, [Err(Code::BeforeGrant), Ok(()), Ok(())]);
}
