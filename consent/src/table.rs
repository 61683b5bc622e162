//! The decision table, one row after another: the words an auditor reads and the rule that runs stand side
//! by side, so neither can change without the other being looked at. The first row with an answer wins.

use crate::basis::Basis;
use crate::context::{Mechanism, Reach, RecipientClass};
use crate::decide::Case;
use crate::denied::{Cause, Code};
use crate::obligation::{Obligation, Obligations};
use crate::purpose::Purpose;
use crate::record::{Record, State};
use crate::scope::Country;
use crate::term::Change;

/// What one row says.
pub(crate) enum Answer {
    /// Nothing: ask the next row.
    Next,
    /// No.
    Deny { code: Code, since: Option<i64>, cause: Option<Cause> },
    /// Yes, on this basis, with these duties.
    Permit(Basis, Obligations),
}

/// One row.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) when: &'static str,
    pub(crate) then: &'static str,
    /// Whether it also counts when the purpose is asked about as an ancestor (D29): it is about the person
    /// and the law, not about this caller, channel or datum.
    pub(crate) of_person: bool,
    pub(crate) rule: fn(&Case<'_>) -> Answer,
}

macro_rules! rows {
    ($($id:literal $of_person:literal $when:literal => $then:literal, $rule:expr;)+) => {
        /// The table. D02 (tenants) does not exist: one organisation per deployment.
        pub(crate) const ROWS: &[Row] =
            &[$(Row { id: $id, when: $when, then: $then, of_person: $of_person, rule: $rule },)+];
    };
}

rows! {
    "D01" true "purpose not in the registry" => "deny E_UNKNOWN_PURPOSE (by name only: a typed purpose exists)", |_case| Answer::Next;
    "D03" true "purpose share.commercial, or recipient a data broker or for economic advantage outside portability, or a health plan underwriting" => "deny E_PROHIBITED_11_4 / E_PROHIBITED_11_5", prohibited;
    "D04" true "subject erased and purpose not audit.log, record.retain, notice.legal" => "deny E_ERASED", |case| deny_if(case.subject.erased && !case.purpose.outlives_the_subject(), Code::Erased);
    "D05" true "ANPD order suspends the purpose" => "deny E_AUTHORITY_ORDER", |case| deny_if(case.context.authority_orders.contains(&case.purpose), Code::AuthorityOrder);
    "D06" false "block covers any of the data, purpose not audit.log, record.retain, notice.legal, not the subject asking to see their own data, and no valid emergency that can carry the purpose" => "deny E_BLOCKED_18_IV", blocked;
    "D07" false "country not BR and no mechanism (specific consent counts only while a grant names the country)" => "deny E_NO_TRANSFER_MECHANISM", no_transfer;
    "D08" false "any datum not in the projection of the purpose" => "deny E_NOT_NECESSARY", |case| deny_if(case.context.data.iter().any(|datum| !case.purpose.projection().contains(datum)), Code::NotNecessary);
    "D09" false "role or token do not carry the purpose" => "deny E_ROLE", |case| deny_if(!case.context.rights.hold(case.purpose), Code::Role);
    "D10" false "message purpose and reach unsaid, or no opt-in, or template not allowed, or quiet hours and not red; staff are reached by alert.escalate only" => "deny E_CHANNEL", |case| deny_if(case.purpose.is_message() && !reachable(case), Code::Channel);
    "D10a" false "the subject asks to see their own data (alert.evaluate only)" => "permit subject_request: log", |case| permit_if(case.own(), Basis::SubjectRequest, &[Obligation::Log]);
    "D11" true "basis legal_duty" => "permit legal_duty: log, show_norm", |case| permit_if(case.basis == Some(Basis::LegalDuty), Basis::LegalDuty, &[Obligation::Log, Obligation::ShowNorm]);
    "D12" true "basis anti_fraud or contract" => "permit: log", |case| match case.basis { Some(basis @ (Basis::AntiFraud | Basis::Contract)) => permit(basis, &[Obligation::Log]), _ => Answer::Next };
    "D13" true "valid emergency (confirmed by a human within 15 min, at most 24 h old) and purpose alert.escalate, share.ehr, or alert.evaluate to finish an open red" => "permit vital_interest: log, review_24h, tell_subject", |case| permit_if(case.emergency(), Basis::VitalInterest, &[Obligation::Log, Obligation::Review24h, Obligation::TellSubject]);
    "D14" true "basis health_care, minor, no best-interest record" => "deny E_BEST_INTEREST", |case| deny_if(rests_on(case, Basis::HealthCare) && case.subject.age_band.is_minor() && !case.subject.best_interest, Code::BestInterest);
    "D15" true "basis health_care, care plan active, professional and CNES present, CFM term accepted when clinical" => "permit health_care: log, log_plan", |case| permit_if(rests_on(case, Basis::HealthCare) && case.context.care_plan.is_some_and(|plan| plan.carries(case.purpose, case.context.now)), Basis::HealthCare, &[Obligation::Log, Obligation::LogPlan]);
    "D16" true "basis health_care otherwise" => "deny E_NO_CARE_PLAN", |case| deny_if(rests_on(case, Basis::HealthCare), Code::NoCarePlan);
    "D17" true "basis research and recipient a non-profit research body with an approval in force" => "permit research: log, no_onward", |case| permit_if(rests_on(case, Basis::Research) && is_research_body(case), Basis::Research, &[Obligation::Log, Obligation::NoOnward]);
    "D18" true "basis research otherwise" => "deny E_NOT_RESEARCH_BODY", |case| deny_if(rests_on(case, Basis::Research), Code::NotResearchBody);
    "D18a" true "basis subject_request" => "with an open request of the subject permit subject_request: log; else deny E_NO_REQUEST", |case| titled(case, Basis::SubjectRequest, case.context.subject_request, Code::NoRequest);
    "D18b" true "basis anonymised" => "with a dated test permit anonymised: log; else deny E_NOT_ANONYMISED", |case| titled(case, Basis::Anonymised, case.context.anonymised, Code::NotAnonymised);
    "D19" true "no consent row" => "deny E_NO_RECORD", |case| deny_if(case.record.is_none(), Code::NoRecord);
    "D20" true "state offered" => "deny E_PENDING", |case| deny_in(case, State::Offered, Code::Pending);
    "D21" true "state refused" => "deny E_REFUSED", |case| deny_in(case, State::Refused, Code::Refused);
    "D22" true "state revoked" => "deny E_REVOKED", |case| deny_in(case, State::Revoked, Code::Revoked);
    "D23" true "state suspended" => "deny E_SUSPENDED", |case| deny_in(case, State::Suspended, Code::Suspended);
    "D24" true "state expired, or now >= valid_until" => "deny E_EXPIRED", expired;
    "D25" true "state stale, or a change of purpose or sharing not accepted" => "deny E_TERMS_CHANGED", |case| deny_since(case.record.filter(|record| record.state == State::Stale || record.pending.needs_new_choice()), Code::TermsChanged);
    "D26" true "under 16 without a grant by a verified guardian, or a guardian's or curator's authority lapsed" => "deny E_GUARDIAN", |case| deny_if(case.record.is_some_and(|record| unguarded(case, record)), Code::Guardian);
    "D27" true "now < valid_from, or measured_at < measured_from (not asked of an ancestor; reading by reading: Permit::covers)" => "deny E_BEFORE_GRANT", |case| early(case);
    "D28" false "data, device, recipient, channel or country outside the scope" => "deny E_SCOPE", |case| deny_if(case.record.is_some_and(|record| !within(case, record)), Code::Scope);
    "D29" true "parent purpose not permitted" => "deny E_PARENT", orphaned;
    "D30" true "otherwise, basis consent and state granted" => "permit consent: log, epoch_fence; with a change of duration or controller not accepted: notify_change_24h", consented;
}

fn deny(code: Code) -> Answer {
    Answer::Deny { code, since: None, cause: None }
}

fn deny_if(holds: bool, code: Code) -> Answer {
    if holds { deny(code) } else { Answer::Next }
}

fn deny_since(record: Option<&Record>, code: Code) -> Answer {
    record.map_or(Answer::Next, |record| Answer::Deny { code, since: Some(record.since), cause: None })
}

fn deny_in(case: &Case<'_>, state: State, code: Code) -> Answer {
    deny_since(case.record.filter(|record| record.state == state), code)
}

fn permit(basis: Basis, duties: &[Obligation]) -> Answer {
    Answer::Permit(basis, Obligations::of(duties))
}

fn permit_if(holds: bool, basis: Basis, duties: &[Obligation]) -> Answer {
    if holds { permit(basis, duties) } else { Answer::Next }
}

fn rests_on(case: &Case<'_>, basis: Basis) -> bool {
    case.basis == Some(basis)
}

fn titled(case: &Case<'_>, basis: Basis, title: bool, without: Code) -> Answer {
    match (rests_on(case, basis), title) {
        (false, _) => Answer::Next,
        (true, true) => permit(basis, &[Obligation::Log]),
        (true, false) => deny(without),
    }
}

fn prohibited(case: &Case<'_>) -> Answer {
    if case.purpose == Purpose::ShareCommercial {
        return deny(Code::Prohibited11_4);
    }
    match case.context.recipient {
        Some(to) if to.class == (RecipientClass::HealthPlan { underwriting: true }) => {
            deny(Code::Prohibited11_5)
        }
        Some(to) if to.class == RecipientClass::DataBroker => deny(Code::Prohibited11_4),
        Some(to) => deny_if(to.economic && case.purpose != Purpose::SharePortability, Code::Prohibited11_4),
        None => Answer::Next,
    }
}

/// A block lets the law's own records, the subject themselves and a valid emergency through, and nothing else.
fn blocked(case: &Case<'_>) -> Answer {
    let Some(blocked) = &case.subject.blocked else { return Answer::Next };
    let covered = case.data().iter().any(|datum| blocked.allows(datum));
    let passes = case.purpose.outlives_the_subject() || case.own() || case.emergency();
    deny_if(covered && !passes, Code::Blocked18Iv)
}

fn no_transfer(case: &Case<'_>) -> Answer {
    let country = case.context.country;
    if country == Country::BR {
        return Answer::Next;
    }
    let named = |record: &Record| {
        let stands =
            record.state == State::Granted && record.valid_until.is_none_or(|until| case.context.now < until);
        stands && record.scope.countries.names(&country)
    };
    match case.context.mechanism {
        Some(Mechanism::SpecificConsent) => {
            deny_if(!case.record.is_some_and(named), Code::NoTransferMechanism)
        }
        Some(_) => Answer::Next,
        None => deny(Code::NoTransferMechanism),
    }
}

fn reachable(case: &Case<'_>) -> bool {
    match case.context.reach {
        Reach::Unstated => false,
        Reach::Staff => case.purpose == Purpose::AlertEscalate,
        Reach::To { opted_in, template_allowed, quiet_hours, red, .. } => {
            opted_in && template_allowed && (red || !quiet_hours)
        }
    }
}

fn is_research_body(case: &Case<'_>) -> bool {
    let Some(recipient) = case.context.recipient else { return false };
    let RecipientClass::ResearchBody { non_profit, approved_until } = recipient.class else { return false };
    non_profit && approved_until.is_some_and(|until| case.context.now < until)
}

/// D24 reads `valid_until` itself, so a late expiry event lets nothing through.
fn expired(case: &Case<'_>) -> Answer {
    let Some(record) = case.record else { return Answer::Next };
    match record.valid_until {
        Some(until) if until <= case.context.now => {
            Answer::Deny { code: Code::Expired, since: Some(until), cause: None }
        }
        _ => deny_in(case, State::Expired, Code::Expired),
    }
}

fn unguarded(case: &Case<'_>, record: &Record) -> bool {
    use crate::Guardian::{Lapsed, Verified};
    let subject = case.subject;
    let missing = subject.age_band.needs_guardian() && !(record.guardian && subject.guardian == Verified);
    missing || (record.guardian && subject.guardian == Lapsed)
}

fn early(case: &Case<'_>) -> Answer {
    let Some(record) = case.record else { return Answer::Next };
    let before = |from| Answer::Deny { code: Code::BeforeGrant, since: Some(from), cause: None };
    if case.context.now < record.valid_from {
        return before(record.valid_from);
    }
    match case.context.measured_at {
        Some(measured_at) if measured_at < record.measured_from && !case.as_ancestor => {
            before(record.measured_from)
        }
        _ => Answer::Next,
    }
}

fn within(case: &Case<'_>, record: &Record) -> bool {
    let (scope, context) = (&record.scope, case.context);
    let channel = match context.reach {
        Reach::To { channel, .. } => Some(channel),
        Reach::Unstated | Reach::Staff => None,
    };
    case.data().iter().all(|datum| scope.data.allows(datum))
        && context.device.is_none_or(|device| scope.devices.allows(&device))
        && context.recipient.is_none_or(|recipient| scope.recipients.allows(&recipient.id))
        && channel.is_none_or(|channel| scope.channels.allows(&channel))
        && scope.countries.allows(&context.country)
}

fn orphaned(case: &Case<'_>) -> Answer {
    let Some(parent) = case.purpose.parent() else { return Answer::Next };
    if !case.as_ancestor && !case.purpose.leans_on_parent(case.context.data) {
        return Answer::Next;
    }
    match case.stands(parent) {
        Ok(()) => Answer::Next,
        Err(denied) => {
            let cause = denied.cause.unwrap_or(Cause { purpose: parent, code: denied.code });
            Answer::Deny { code: Code::Parent, since: denied.since, cause: Some(cause) }
        }
    }
}

fn consented(case: &Case<'_>) -> Answer {
    let Some(record) = case.record.filter(|record| record.state == State::Granted) else {
        return Answer::Next;
    };
    if !rests_on(case, Basis::Consent) {
        return Answer::Next;
    }
    let duties = Obligations::of(&[Obligation::Log, Obligation::EpochFence]);
    let noticed = record.pending == Change::None;
    Answer::Permit(Basis::Consent, if noticed { duties } else { duties.and(Obligation::NotifyChange24h) })
}
