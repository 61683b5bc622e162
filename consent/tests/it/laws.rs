//! The laws of the decision, against every input that proptest can think of.

#![expect(clippy::unwrap_used, reason = "a test stops where its world is not as described")]

use consent::{
    Act, AgeBand, Allowed, Bases, Basis, CarePlan, Change, Channel, Code, Context, Country, Datum, Denied,
    Emergency, Event, Grant, Guardian, Id, Ledger, Mechanism, Obligations, Purpose, Reach, Recipient,
    RecipientClass, Record, Records, Request, Rights, Scope, State, Subject, judge, policy_digest,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Instants are few, so that their borders meet.
const NOW: i64 = 100_000_000_000;
const DATA: &[&[Datum]] =
    &[&[], &[Datum::Reading], &[Datum::Contact], &[Datum::Engagement], &[Datum::Reading, Datum::Finding]];
const ORDERS: [&[Purpose]; 2] = [&[], &[Purpose::TelemetryCollect, Purpose::RecordRetain]];

#[derive(Debug, Clone)]
struct World {
    bases: Bases,
    records: Vec<Record>,
    subject: Subject,
    context: Context<'static>,
}

type Answer = Result<(Basis, i64, i64, Obligations), Denied>;

impl World {
    fn ask(&self, purpose: Purpose) -> Answer {
        let Self { bases, records, subject, context } = self;
        judge(purpose, &Request { bases, records, subject, context })
            .map(|verdict| (verdict.basis(), verdict.epoch(), verdict.measured_from(), verdict.obligations()))
    }
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(items: &'static [T]) -> impl Strategy<Value = T> {
    select(items)
}

fn instant() -> impl Strategy<Value = i64> {
    select(vec![i64::MIN, 0, NOW - 90_000_000_000, NOW - 1_000_000_000, NOW - 1, NOW, NOW + 1, i64::MAX])
}

/// Most of what a permit needs is there most of the time, or proptest would only ever see refusals.
fn mostly() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.85)
}

fn allowed<T: Clone + std::fmt::Debug + PartialEq + 'static>(
    items: Vec<T>,
) -> impl Strategy<Value = Allowed<T>> {
    let len = items.len();
    prop_oneof![6 => Just(Allowed::Any), 1 => subsequence(items, 0..=len).prop_map(Allowed::only)]
}

fn country() -> impl Strategy<Value = Country> {
    prop_oneof![6 => Just(Country::BR), 1 => Just(Country::parse("PT").unwrap())]
}

prop_compose! {
    fn scope()(
        data in allowed(Datum::ALL.to_vec()),
        devices in allowed(vec![Id([1; 16]), Id([2; 16])]),
        recipients in allowed(vec![Id([1; 16]), Id([2; 16])]),
        channels in allowed(Channel::ALL.to_vec()),
        countries in allowed(vec![Country::BR, Country::parse("PT").unwrap()]),
    ) -> Scope {
        Scope { data, devices, recipients, channels, countries }
    }
}

prop_compose! {
    fn row(purpose: Purpose)(
        state in prop_oneof![3 => Just(State::Granted), 2 => any_of(State::ALL)],
        epoch in 1..9_i64,
        since in instant(),
        valid_from in prop_oneof![4 => Just(0), 1 => instant()],
        valid_until in prop_oneof![4 => Just(None), 1 => of(instant())],
        measured_from in prop_oneof![4 => Just(0), 1 => instant()],
        pending in prop_oneof![4 => Just(Change::None), 1 => any_of(Change::ALL)],
        scope in scope(),
        guardian in any::<bool>(),
    ) -> Record {
        let first_granted_at = Some(since);
        let (previous, term_sha256) = (Some(State::Granted), Some([1; 32]));
        Record { purpose, state, previous, epoch, since, term_sha256, valid_from, valid_until, measured_from, first_granted_at, scope, pending, guardian }
    }
}

fn rows() -> impl Strategy<Value = Vec<Record>> {
    let each: Vec<_> = Purpose::ALL.iter().map(|&purpose| (mostly(), row(purpose))).collect();
    each.prop_map(|rows| rows.into_iter().filter(|(there, _row)| *there).map(|(_there, row)| row).collect())
}

fn bases() -> impl Strategy<Value = Bases> {
    let lawful = |purpose: Purpose| {
        let bases: Vec<_> =
            purpose.bases().iter().copied().filter(|basis| *basis != Basis::VitalInterest).collect();
        select(bases).prop_map(move |basis| (purpose, basis))
    };
    let based = Purpose::ALL.iter().filter(|purpose| purpose.default_basis().is_some());
    based
        .map(|&purpose| lawful(purpose))
        .collect::<Vec<_>>()
        .prop_map(|declared| Bases::new(&declared).unwrap())
}

prop_compose! {
    fn subject()(
        age_band in prop_oneof![3 => Just(AgeBand::Adult), 1 => any_of(AgeBand::ALL)],
        blocked in prop_oneof![5 => Just(None), 1 => of(allowed(Datum::ALL.to_vec()))],
        erased in prop::bool::weighted(0.05),
        guardian in any_of(Guardian::ALL),
        best_interest in any::<bool>(),
    ) -> Subject {
        Subject { age_band, blocked, erased, guardian, best_interest }
    }
}

fn recipient() -> impl Strategy<Value = Recipient> {
    let class = prop_oneof![
        Just(RecipientClass::CareProvider),
        Just(RecipientClass::Processor),
        Just(RecipientClass::DataBroker),
        Just(RecipientClass::EmergencyContact),
        any::<bool>().prop_map(|underwriting| RecipientClass::HealthPlan { underwriting }),
        (any::<bool>(), of(instant())).prop_map(|(non_profit, approved_until)| {
            RecipientClass::ResearchBody { non_profit, approved_until }
        }),
    ];
    (1..3_u8, class, prop::bool::weighted(0.1)).prop_map(|(id, class, economic)| Recipient {
        id: Id([id; 16]),
        class,
        economic,
    })
}

fn reach() -> impl Strategy<Value = Reach> {
    let to = (any_of(Channel::ALL), mostly(), mostly(), any::<bool>(), any::<bool>()).prop_map(
        |(channel, opted_in, template_allowed, quiet_hours, red)| Reach::To {
            channel,
            opted_in,
            template_allowed,
            quiet_hours,
            red,
        },
    );
    prop_oneof![1 => Just(Reach::Unstated), 1 => Just(Reach::Staff), 6 => to]
}

prop_compose! {
    fn plan()(from in instant(), until in of(instant()), professional in mostly(), cnes in mostly(), cfm_term in mostly()) -> CarePlan {
        CarePlan { from, until, professional, cnes, cfm_term }
    }
}

prop_compose! {
    fn emergency()(declared_at in instant(), confirmed_at in of(instant()), open_red in any::<bool>()) -> Emergency {
        Emergency { declared_at, confirmed_at, open_red }
    }
}

// What somebody else asks: a person's own data is theirs to see whatever was revoked (row D10a has its own tests).
prop_compose! {
    fn context()(
        data in any_of(DATA),
        device in of((1..3_u8).prop_map(|id| Id([id; 16]))),
        recipient in of(recipient()),
        country in country(),
        mechanism in of(select(vec![Mechanism::Clauses, Mechanism::SpecificConsent])),
        reach in reach(),
        care_plan in of(plan()),
        emergency in prop::option::weighted(0.2, emergency()),
        measured_at in of(instant()),
        rights in prop_oneof![6 => Just(Rights::System), 1 => Just(Rights::Only(&[])), 1 => Just(Rights::Only(&[Purpose::AlertEvaluate, Purpose::ShareCommercial]))],
        orders in prop_oneof![8 => Just(ORDERS[0]), 1 => Just(ORDERS[1])],
        (subject_request, anonymised) in any::<(bool, bool)>(),
    ) -> Context<'static> {
        Context { now: NOW, data, device, recipient, country, mechanism, reach, care_plan, emergency, measured_at, rights, authority_orders: orders, subject_request, own: false, anonymised }
    }
}

prop_compose! {
    fn world()(bases in bases(), records in rows(), subject in subject(), context in context()) -> World {
        World { bases, records, subject, context }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Granted(Grant::of([1; 32]))),
        1 => Just(Act::Offered([1; 32])),
        1 => Just(Act::Refused),
        2 => Just(Act::Revoked),
        1 => Just(Act::Expired),
        1 => any_of(Change::ALL).prop_map(Act::Superseded),
        1 => Just(Act::Suspended),
        1 => Just(Act::Resumed),
    ]
}

/// The rows before D11: what no basis gets past.
const BEFORE_ANY_BASIS: [Code; 9] = [
    Code::Prohibited11_4,
    Code::Prohibited11_5,
    Code::Erased,
    Code::AuthorityOrder,
    Code::Blocked18Iv,
    Code::NoTransferMechanism,
    Code::NotNecessary,
    Code::Role,
    Code::Channel,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// (a) and (e): total, never an internal failure, and the same again under the same policy.
    #[test]
    fn every_question_has_one_answer_and_has_it_again(world in world()) {
        let policy = policy_digest();
        for &purpose in Purpose::ALL {
            let answer = world.ask(purpose);
            prop_assert_eq!(&answer, &world.clone().ask(purpose));
            prop_assert_ne!(answer.map_err(|denied| denied.code).err(), Some(Code::Internal));
        }
        prop_assert_eq!(policy, policy_digest());
    }

    /// (b) Whatever consent is taken away, nothing that was refused is permitted.
    #[test]
    fn taking_a_grant_away_never_permits(world in world(), gone in any_of(Purpose::ALL), weaker in any_of(State::ALL)) {
        let mut absent = world.clone();
        absent.records.retain(|row| row.purpose != gone);
        let mut weak = world.clone();
        weak.records.iter_mut().filter(|row| row.purpose == gone && weaker != State::Granted).for_each(|row| row.state = weaker);
        for &purpose in Purpose::ALL {
            if world.ask(purpose).is_err() {
                prop_assert!(absent.ask(purpose).is_err());
                prop_assert!(weak.ask(purpose).is_err());
            }
        }
    }

    /// (c) Nothing whatever permits commercial sharing.
    #[test]
    fn commercial_sharing_is_refused_whatever_is_said(world in world()) {
        prop_assert_eq!(world.ask(Purpose::ShareCommercial).unwrap_err().code, Code::Prohibited11_4);
    }

    /// (d) After a revocation consent permits nothing until a new grant with a higher epoch.
    #[test]
    fn revoked_stays_revoked_until_a_new_grant(acts in vec(act(), 0..24), purpose in any_of(&[Purpose::TelemetryCollect, Purpose::CareRemind])) {
        let mut world = World {
            bases: Bases::default(),
            records: vec![],
            subject: Subject::default(),
            context: Context { reach: Reach::To { channel: Channel::Sms, opted_in: true, template_allowed: true, quiet_hours: false, red: false }, ..Context::system(NOW) },
        };
        let mut ledger = Ledger::default();
        let mut revoked_at_epoch: Option<i64> = None;
        for (at, act) in (1_i64..).zip(acts) {
            let before = ledger.record(purpose).map_or(0, |row| row.epoch);
            let changed = ledger.apply(&Event::new(purpose, at, act.clone()));
            let after = ledger.record(purpose).map_or(0, |row| row.epoch);
            prop_assert_eq!(after, before + i64::from(changed == Ok(true)), "one epoch for each event that changed something");
            match (&act, changed) {
                (Act::Revoked, Ok(_)) => revoked_at_epoch = Some(after),
                (Act::Granted(_), Ok(true)) => {
                    prop_assert!(revoked_at_epoch.is_none_or(|epoch| epoch < after));
                    revoked_at_epoch = None;
                }
                _ => {}
            }
            world.records = ledger.records().to_vec();
            let answer = world.ask(purpose);
            let granted = ledger.record(purpose).is_some_and(|row| row.state == State::Granted);
            prop_assert_eq!(answer.is_ok(), granted);
            if revoked_at_epoch.is_some() {
                prop_assert!(answer.is_err());
            }
        }
    }

    /// (f) Each basis permits where the table says, and nowhere else.
    #[test]
    fn each_basis_permits_only_where_it_may(world in world()) {
        for &purpose in Purpose::ALL {
            let (row, declared) = (world.records.iter().find(|row| row.purpose == purpose), world.bases.of(purpose));
            let answer = world.ask(purpose);
            if let Ok((basis, epoch, ..)) = answer {
                prop_assert!(purpose.may_rest_on(basis));
                prop_assert_eq!(epoch, row.map_or(0, |row| row.epoch));
                if basis == Basis::VitalInterest {
                    prop_assert!(purpose.may_be_emergency());
                    prop_assert!(world.context.emergency.is_some_and(|emergency| emergency.standing(NOW).is_ok()));
                } else {
                    prop_assert_eq!(Some(basis), declared);
                }
                if basis == Basis::Consent {
                    prop_assert_eq!(row.map(|row| row.state), Some(State::Granted));
                }
            }
            let late = answer.as_ref().map_or_else(|denied| !BEFORE_ANY_BASIS.contains(&denied.code), |_yes| true);
            let plan = world.context.care_plan.is_some_and(|plan| plan.carries(purpose, NOW));
            let fit = !world.subject.age_band.is_minor() || world.subject.best_interest;
            match declared {
                Some(Basis::LegalDuty) => prop_assert_eq!(answer.is_ok(), late),
                Some(Basis::HealthCare) if plan && fit => prop_assert_eq!(answer.is_ok(), late),
                _ => {}
            }
        }
    }

    /// (g) No answer depends on how far ahead the end of validity lies.
    #[test]
    fn the_future_end_of_a_grant_changes_nothing_today(world in world(), ahead in prop_oneof![Just(None), (NOW + 1..i64::MAX).prop_map(Some)]) {
        let mut other = world.clone();
        other.records.iter_mut().filter(|row| row.valid_until.is_none_or(|until| until > NOW)).for_each(|row| row.valid_until = ahead);
        for &purpose in Purpose::ALL {
            prop_assert_eq!(world.ask(purpose), other.ask(purpose));
        }
    }

    /// Whoever asks about one reading and whoever asks once and then reading by reading hear the same.
    #[test]
    fn a_reading_is_covered_exactly_when_it_would_be_permitted_alone(world in world(), measured_at in instant()) {
        for &purpose in Purpose::ALL {
            let alone = World { context: Context { measured_at: Some(measured_at), ..world.context }, ..world.clone() };
            let once = World { context: Context { measured_at: None, ..world.context }, ..world.clone() };
            let World { bases, records, subject, context } = &once;
            let verdict = judge(purpose, &Request { bases, records, subject, context });
            let covered = verdict.and_then(|verdict| verdict.covers(measured_at));
            prop_assert_eq!(covered.is_ok(), alone.ask(purpose).is_ok());
        }
    }

    /// Refolding what was accepted gives the same rows, whatever was rejected in between.
    #[test]
    fn accepted_events_refold_to_the_same_rows(acts in vec((any_of(Purpose::ALL), act()), 0..40)) {
        let mut ledger = Ledger::default();
        let mut accepted = vec![];
        for (at, (purpose, act)) in (1_i64..).zip(acts) {
            let event = Event::new(purpose, at, act);
            let before = ledger.clone();
            match ledger.apply(&event) {
                Ok(true) => accepted.push(event),
                Ok(false) | Err(_) => prop_assert_eq!(&before, &ledger),
            }
        }
        prop_assert_eq!(Ledger::fold(&accepted), Ok(ledger));
    }
}

#[test]
fn the_worlds_of_these_laws_hold_permits_on_every_basis_and_most_refusals() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut bases, mut codes) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for _ in 0..1_500 {
        let world = world().new_tree(&mut runner).unwrap().current();
        for &purpose in Purpose::ALL {
            match world.ask(purpose) {
                Ok((basis, ..)) => drop(bases.insert(basis)),
                Err(denied) => drop(codes.insert(denied.code)),
            }
        }
    }
    assert_eq!(bases.len(), Basis::ALL.len() - 1, "every basis but legitimate interest: {bases:?}");
    assert_eq!(codes.len(), 25, "D03 to D29 with portability and anonymisation: {codes:?}");
}
