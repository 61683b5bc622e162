//! Every cell of the table of states, and what a grant may and may not say.

#![expect(clippy::unwrap_used, reason = "a test stops where its world is not as described")]

use consent::{
    Act, Action, Applied, Change, Code, EPOCH_MAX, Event, Giver, Grant, Ledger, Purpose, Record, Records,
    State, apply,
};

const P: Purpose = Purpose::TelemetryCollect;
const STATES: [Option<State>; 8] = [
    None,
    Some(State::Offered),
    Some(State::Granted),
    Some(State::Refused),
    Some(State::Revoked),
    Some(State::Expired),
    Some(State::Stale),
    Some(State::Suspended),
];

fn event(at: i64, act: Act) -> Event {
    Event::new(P, at, act)
}

fn yes(at: i64) -> Event {
    event(at, Act::Granted(Grant::of([1; 32])))
}

/// A history that ends in `state`.
fn history(state: Option<State>) -> Vec<Event> {
    let last = |act| vec![yes(10), event(20, act)];
    match state {
        None => vec![],
        Some(State::Offered) => vec![event(10, Act::Offered([1; 32]))],
        Some(State::Granted) => vec![yes(10)],
        Some(State::Refused) => vec![event(10, Act::Refused)],
        Some(State::Revoked) => last(Act::Revoked),
        Some(State::Expired) => last(Act::Expired),
        Some(State::Stale) => last(Act::Superseded(Change::Purpose)),
        Some(State::Suspended) => last(Act::Suspended),
    }
}

fn row(state: Option<State>) -> Option<Record> {
    Ledger::fold(&history(state)).unwrap().record(P).cloned()
}

/// `=` for no change, `-` for rejected, else the state after.
fn cell(before: Option<&Record>, act: Act) -> String {
    match apply(before, &event(30, act)) {
        Ok(Applied::Changed(after)) => {
            assert_eq!(after.epoch, before.map_or(0, |row| row.epoch) + 1, "one epoch an event");
            assert_eq!(after.since, 30);
            after.state.as_str().to_owned()
        }
        Ok(Applied::Unchanged) => "=".to_owned(),
        Err(rejected) => {
            assert_eq!((rejected.code, rejected.from), (Code::Transition, before.map(|row| row.state)));
            "-".to_owned()
        }
    }
}

#[test]
fn every_cell_of_the_table_of_states_holds() {
    let acts = [
        Act::Granted(Grant::of([2; 32])),
        Act::Refused,
        Act::Revoked,
        Act::Expired,
        Act::Superseded(Change::Sharing),
        Act::Suspended,
        Act::Resumed,
        Act::Offered([2; 32]),
    ];
    let table = [
        "granted refused - - - - - offered",
        "granted refused - - - - - offered",
        "granted - revoked expired stale suspended - -",
        "granted refused - - - - - -",
        "granted refused = - - - - -",
        "granted refused revoked - - - - -",
        "granted refused revoked - - - - -",
        "- - revoked expired stale = granted -",
    ];
    for (state, expected) in STATES.into_iter().zip(table) {
        let before = row(state);
        assert_eq!(before.as_ref().map(|row| row.state), state);
        let cells: Vec<_> = acts.iter().map(|act| cell(before.as_ref(), act.clone())).collect();
        assert_eq!(cells.join(" "), expected, "from {state:?}");
    }
}

#[test]
fn revoking_twice_changes_nothing_and_keeps_the_epoch() {
    let mut ledger = Ledger::fold(&history(Some(State::Revoked))).unwrap();
    let before = ledger.clone();
    assert!(!ledger.apply(&event(99, Act::Revoked)).unwrap());
    assert_eq!(ledger, before);
    assert_eq!(ledger.record(P).unwrap().epoch, 2);
}

#[test]
fn the_same_offer_twice_changes_nothing() {
    assert_eq!(
        apply(row(Some(State::Offered)).as_ref(), &event(30, Act::Offered([1; 32]))),
        Ok(Applied::Unchanged)
    );
}

#[test]
fn a_first_grant_may_reach_back_and_a_later_one_may_not() {
    let back = |at, from| event(at, Act::Granted(Grant { measured_from: Some(from), ..Grant::of([1; 32]) }));
    for first in [None, Some(State::Offered), Some(State::Refused)] {
        let Ok(Applied::Changed(after)) = apply(row(first).as_ref(), &back(100, 5)) else {
            panic!("{first:?}")
        };
        assert_eq!((after.measured_from, after.valid_from, after.first_granted_at), (5, 100, Some(100)));
    }
    for later in [State::Granted, State::Revoked, State::Expired, State::Stale] {
        let rejected = apply(row(Some(later)).as_ref(), &back(100, 99)).unwrap_err();
        assert_eq!(rejected.code, Code::Retroactive, "{later}");
        assert!(
            apply(row(Some(later)).as_ref(), &back(100, 100)).is_ok(),
            "from the act on is always possible"
        );
    }
    let refused_since = Ledger::fold(&[yes(1), event(2, Act::Revoked), event(3, Act::Refused)]).unwrap();
    assert!(
        apply(refused_since.record(P), &back(100, 5)).is_err(),
        "a refusal in between does not make it first"
    );
}

#[test]
fn a_new_grant_after_a_revocation_starts_at_itself() {
    let ledger = Ledger::fold(&[yes(10), event(20, Act::Revoked), yes(30)]).unwrap();
    let row = ledger.record(P).unwrap();
    assert_eq!((row.measured_from, row.epoch, row.first_granted_at), (30, 3, Some(10)));
}

#[test]
fn a_renewal_keeps_its_beginning_only_without_a_gap() {
    let until = |at, until| event(at, Act::Granted(Grant { valid_until: Some(until), ..Grant::of([1; 32]) }));
    assert_eq!(Ledger::fold(&[until(10, 50), yes(49)]).unwrap().record(P).unwrap().measured_from, 10);
    assert_eq!(Ledger::fold(&[until(10, 50), yes(50)]).unwrap().record(P).unwrap().measured_from, 50);
}

#[test]
fn validity_neither_reaches_back_nor_ends_before_it_starts() {
    let grant = |from, until| {
        let grant = Grant { valid_from: from, valid_until: until, ..Grant::of([1; 32]) };
        apply(None, &event(100, Act::Granted(grant))).map(drop).map_err(|rejected| rejected.code)
    };
    assert_eq!(grant(Some(99), None), Err(Code::Retroactive));
    assert_eq!(grant(None, Some(100)), Err(Code::Validity));
    assert_eq!(grant(Some(200), Some(201)), Ok(()));
}

#[test]
fn a_light_change_of_term_is_noted_and_a_grant_accepts_it() {
    let noted = [
        yes(10),
        event(20, Act::Superseded(Change::Controller)),
        event(30, Act::Superseded(Change::Duration)),
    ];
    let mut ledger = Ledger::fold(&noted).unwrap();
    let row = ledger.record(P).unwrap();
    assert_eq!((row.state, row.pending, row.epoch), (State::Granted, Change::Controller, 3));
    assert!(!ledger.apply(&event(35, Act::Superseded(Change::None))).unwrap(), "wording alone is no event");
    ledger.apply(&yes(40)).unwrap();
    assert_eq!(ledger.record(P).unwrap().pending, Change::None);
}

#[test]
fn a_suspension_keeps_what_it_suspended() {
    let ledger = Ledger::fold(&[yes(10), event(20, Act::Suspended), event(30, Act::Resumed)]).unwrap();
    let row = ledger.record(P).unwrap();
    assert_eq!((row.state, row.previous, row.epoch, row.measured_from), (State::Granted, None, 3, 10));
}

#[test]
fn consent_is_not_asked_where_it_carries_nothing() {
    for &purpose in Purpose::ALL {
        let result = apply(None, &Event::new(purpose, 1, Act::Granted(Grant::of([1; 32]))));
        let code = result.map(drop).map_err(|rejected| rejected.code);
        let expected = match purpose {
            Purpose::ShareCommercial => Err(Code::Prohibited11_4),
            _ if purpose.may_rest_on(consent::Basis::Consent) => Ok(()),
            _ => Err(Code::NotConsentable),
        };
        assert_eq!(code, expected, "{purpose}");
    }
}

#[test]
fn a_row_of_another_purpose_or_without_an_epoch_left_is_refused() {
    let row = row(Some(State::Granted)).unwrap();
    let other = Event::new(Purpose::CareRemind, 1, Act::Revoked);
    assert_eq!(apply(Some(&row), &other).unwrap_err().code, Code::Internal);
    let last = Record { epoch: EPOCH_MAX, ..row };
    assert_eq!(apply(Some(&last), &event(30, Act::Revoked)).unwrap_err().code, Code::Internal);
}

#[test]
fn a_guardian_behind_the_act_is_kept_with_the_grant() {
    let by = |giver| apply(None, &yes(10).by(giver));
    let Ok(Applied::Changed(guarded)) = by(Giver::Guardian) else { panic!("a guardian may grant") };
    let Ok(Applied::Changed(alone)) = by(Giver::StaffAssisted) else { panic!("staff may assist") };
    assert!(guarded.guardian && !alone.guardian);
}

#[test]
fn a_rejection_says_what_was_tried_and_where_it_stood() {
    let rejected = apply(None, &event(1, Act::Revoked)).unwrap_err();
    assert_eq!((rejected.action, rejected.from), (Action::Revoked, None));
    assert_eq!(
        rejected.to_string(),
        "E_TRANSITION LGPD art. 8: revoked is not possible for telemetry.collect when it is unasked"
    );
}

#[test]
fn events_and_rows_survive_json() {
    for state in STATES {
        for event in history(state) {
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        }
        let json = serde_json::to_string(&row(state)).unwrap();
        assert_eq!(serde_json::from_str::<Option<Record>>(&json).unwrap(), row(state));
    }
}
