//! Swaps between two people.

use std::time::Duration;

use super::swaps::{Asked, Word, answer, ask, open};
use super::testing::{duty, person, rotation};
use super::*;
use crate::testing::{NOW, entries, stores};
use crate::{Actor, Store, messages};
use domain::on_call::{Cover, Issue, Length};
use domain::time::civil::Window;
use domain::{Role, SwapId};

const HOUR: Duration = Duration::from_secs(3_600);

fn hours(from: u32, to: u32) -> Window {
    Window { from: NOW.plus(HOUR * from), to: NOW.plus(HOUR * to) }
}

fn by<T>(store: &Store, id: UserId, f: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    store.write(Actor::User { id, role: Role::Clinician }, NOW, f)
}

fn who(store: &Store, id: &str, hour: u32) -> Vec<UserId> {
    let (_, present) = store.read(|view| on_call(view, id, NOW.plus(HOUR * hour))).unwrap();
    present.into_iter().map(|(user, _)| user).collect()
}

/// Ana and Bia by twelve hours from now on; Caio has none of it.
fn ward(store: &Store) -> [UserId; 3] {
    let people = [(); 3].map(|()| person(store, Role::Clinician));
    let body = duty(vec![rotation(Zone::SAO_PAULO.local(NOW), Length::Hours(12), &people[..2])]);
    store.write(Actor::Operator, NOW, |tx| publish(tx, "duty", &body, 0)).unwrap();
    people
}

fn offer(giver: UserId, taker: Option<UserId>, window: Window, back: Option<Window>) -> Asked {
    Asked { giver, taker, window, back }
}

#[test]
fn two_people_swap_without_a_third_and_the_log_has_both_words() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        // Ana's second day for Bia's first night.
        let wanted = offer(ana, Some(bia), hours(24, 36), Some(hours(12, 24)));
        let swap = by(&store, ana, |tx| ask(tx, "duty", &wanted)).unwrap();
        assert_eq!(who(&store, "duty", 25), [ana], "asking changes nothing");
        assert_eq!(store.read(|view| open(view, "duty", NOW)).unwrap(), std::slice::from_ref(&swap));
        for stranger in [ana, caio] {
            let refused = by(&store, stranger, |tx| answer(tx, swap.id, Word::Accept));
            assert!(matches!(refused, Err(Error::Refused { code: "E_ROLE", .. })), "{refused:?}");
        }
        by(&store, bia, |tx| answer(tx, swap.id, Word::Accept)).unwrap();
        assert_eq!((who(&store, "duty", 25), who(&store, "duty", 13)), (vec![bia], vec![ana]));
        assert_eq!(
            (who(&store, "duty", 1), who(&store, "duty", 37)),
            (vec![ana], vec![bia]),
            "the rest stays"
        );
        let again = by(&store, bia, |tx| answer(tx, swap.id, Word::Accept));
        assert!(matches!(again, Err(Error::NotFound(_))), "it is answered: {again:?}");
        let sent = store.read(|view| messages::of_case(view, "schedule", "duty")).unwrap();
        let templates: Vec<(&str, String)> =
            sent.iter().map(|one| (&*one.template, one.recipient.clone())).collect();
        assert!(
            templates.contains(&("swap_asked", bia.to_string()))
                && templates.contains(&("swap_taken", ana.to_string()))
        );
        assert_eq!(["shift.offered", "shift.taken"].map(|kind| entries(&store, kind)), [1, 1]);
    }
}

#[test]
fn a_turn_is_offered_to_whoever_comes_first_or_asked_for_by_whoever_would_take_it() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let any = by(&store, ana, |tx| ask(tx, "duty", &offer(ana, None, hours(24, 36), None))).unwrap();
        let own = by(&store, ana, |tx| answer(tx, any.id, Word::Accept));
        assert!(own.is_err(), "nobody takes their own: {own:?}");
        let busy = hours(20, 30);
        let not_hers = by(&store, ana, |tx| ask(tx, "duty", &offer(ana, None, busy, None)));
        assert!(matches!(not_hers, Err(Error::Refused { code: "E_INVALID", .. })), "{not_hers:?}");
        let stranger = by(&store, caio, |tx| answer(tx, any.id, Word::Accept));
        assert!(
            matches!(stranger, Err(Error::Refused { code: "E_ROLE", .. })),
            "he has no turn there: {stranger:?}"
        );
        by(&store, bia, |tx| answer(tx, any.id, Word::Accept)).unwrap();
        assert_eq!(who(&store, "duty", 30), [bia]);
        let late = by(&store, bia, |tx| answer(tx, any.id, Word::Accept));
        assert!(matches!(late, Err(Error::NotFound(_))), "it is taken");
        // Caio would take Bia's night; she declines, then he asks again and takes it back himself.
        let take = offer(bia, Some(caio), hours(12, 24), None);
        let asked = by(&store, caio, |tx| ask(tx, "duty", &take)).unwrap();
        assert!(by(&store, caio, |tx| answer(tx, asked.id, Word::Accept)).is_err());
        by(&store, bia, |tx| answer(tx, asked.id, Word::Decline)).unwrap();
        let asked = by(&store, caio, |tx| ask(tx, "duty", &take)).unwrap();
        assert!(by(&store, bia, |tx| answer(tx, asked.id, Word::Withdraw)).is_err());
        by(&store, caio, |tx| answer(tx, asked.id, Word::Withdraw)).unwrap();
        assert_eq!(who(&store, "duty", 13), [bia]);
        let others = by(&store, ana, |tx| ask(tx, "duty", &take));
        assert!(matches!(others, Err(Error::Refused { code: "E_INVALID", .. })), "it is for the two to ask");
        assert!(by(&store, bia, |tx| answer(tx, SwapId::new(NOW), Word::Accept)).is_err());
    }
}

#[test]
fn a_swap_is_looked_at_again_when_it_is_agreed_to_and_never_lowers_what_the_schedule_needs() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let wanted = offer(ana, Some(caio), hours(24, 36), None);
        let swap = by(&store, ana, |tx| ask(tx, "duty", &wanted)).unwrap();
        // A manager gives the turn to Bia meanwhile.
        let over = Override {
            from: hours(24, 36).from,
            to: hours(24, 36).to,
            change: domain::on_call::Change::Replace(ana, bia),
            meant_at: None,
        };
        store.write(Actor::Operator, NOW, |tx| changes::put_override(tx, "duty", None, over, 1)).unwrap();
        let gone = by(&store, caio, |tx| answer(tx, swap.id, Word::Accept));
        assert!(matches!(gone, Err(Error::Refused { code: "E_INVALID", .. })), "{gone:?}");
        assert_eq!(who(&store, "duty", 25), [bia]);
        let Version { version, mut body, .. } = store.read(|view| get(view, "duty", NOW)).unwrap();
        body.need.certificate = true;
        store.write(Actor::Operator, NOW, |tx| publish(tx, "duty", &body, version)).unwrap();
        let take = offer(bia, Some(caio), hours(12, 24), None);
        let without = by(&store, caio, |tx| ask(tx, "duty", &take));
        assert!(matches!(without, Err(Error::Refused { code: "E_INVALID", .. })), "{without:?}");
        store.write(Actor::Operator, NOW, |tx| certify(tx, caio, hours(0, 24).to)).unwrap();
        by(&store, caio, |tx| ask(tx, "duty", &take)).unwrap();
    }
}

/// Whoever had noted their absence could give their turn to nobody, and what they had offered died.
#[test]
fn whoever_is_away_gives_their_turn_to_a_colleague_who_takes_it() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let (first, second) = (hours(24, 36), hours(48, 60));
        let before = by(&store, ana, |tx| ask(tx, "duty", &offer(ana, Some(caio), first, None))).unwrap();
        by(&store, ana, |tx| absences::note(tx, ana, hours(20, 70), &[])).unwrap();
        by(&store, caio, |tx| answer(tx, before.id, Word::Accept)).unwrap();
        let after = by(&store, ana, |tx| ask(tx, "duty", &offer(ana, None, second, None))).unwrap();
        by(&store, bia, |tx| answer(tx, after.id, Word::Accept)).unwrap();
        assert_eq!((who(&store, "duty", 25), who(&store, "duty", 49)), (vec![caio], vec![bia]));
        // Nobody gives what somebody stands in for, nor what they stand in for themselves.
        let covered = hours(72, 84);
        let cover = Cover { schedule: "duty".into(), from: covered.from, to: covered.to, by: caio };
        let noted = |tx: &mut Tx<'_>| absences::note(tx, ana, covered, std::slice::from_ref(&cover));
        store.write(Actor::Operator, NOW, noted).unwrap();
        for giver in [ana, caio] {
            let given = by(&store, giver, |tx| ask(tx, "duty", &offer(giver, None, covered, None)));
            assert!(matches!(given, Err(Error::Refused { code: "E_INVALID", .. })), "{given:?}");
        }
        assert_eq!(who(&store, "duty", 73), [caio]);
    }
}

/// A rotation that moved by an hour left the giver on call for that hour, and the linter had no word of it.
#[test]
fn a_swap_that_lies_beside_its_turn_because_the_rotation_moved_is_found_by_the_linter() {
    for store in stores() {
        let [ana, bia, _] = ward(&store);
        let given = hours(24, 36);
        let swap = by(&store, ana, |tx| ask(tx, "duty", &offer(ana, Some(bia), given, None))).unwrap();
        by(&store, bia, |tx| answer(tx, swap.id, Word::Accept)).unwrap();
        let beside = || {
            let duty = store.read(|view| get(view, "duty", NOW)).unwrap();
            let mut found = store.read(|view| problems(view, "duty", &duty.body, NOW)).unwrap();
            found.retain(|issue| matches!(issue, Issue::BesideTurn(..)));
            found
        };
        assert_eq!(beside(), []);
        for (by, found) in [(HOUR, vec![Issue::BesideTurn(ana, given)]), (HOUR * 24, vec![])] {
            let Version { version, mut body, .. } = store.read(|view| get(view, "duty", NOW)).unwrap();
            body.schedule.rotations[0].starts = Zone::SAO_PAULO.local(NOW.plus(by));
            store.write(Actor::Operator, NOW, |tx| publish(tx, "duty", &body, version)).unwrap();
            assert_eq!(beside(), found, "by {by:?}");
        }
    }
}
