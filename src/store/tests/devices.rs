//! Devices, their tokens, whom they measure and what they are told.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{act, patient};
use crate::devices::bindings::{self, Of};
use crate::devices::status::Charge;
use crate::devices::{self, commands, status};
use crate::patients::audience::Audience;
use crate::testing::{NOW, entries, stores};
use crate::tests::hears;
use crate::{Actor, Ask, Error, Result, Store, Touched, Tx, Urgency};
use domain::{DeviceId, DeviceIdentity, Instant};

fn device(store: &Store) -> devices::Device {
    let identity =
        DeviceIdentity { label: "Pulseira 7".into(), model: "Acme Band".into(), serial: Some("SN-1".into()) };
    act(store, |tx| devices::insert(tx, &identity)).unwrap()
}

fn house<T>(store: &Store, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> T {
    store.keep_house(Urgency::Urgent, "edge", NOW, f).unwrap()
}

fn hours(n: u64) -> Instant {
    NOW.plus(Duration::from_secs(3_600 * n))
}

#[test]
fn two_tokens_hold_at_once_and_a_third_ends_the_oldest() {
    for store in stores() {
        let id = device(&store).id;
        let issue = || act(&store, |tx| devices::issue_token(tx, id, None)).unwrap();
        let holds = |token, now| store.read(|view| devices::token_is_valid(view, id, token, now)).unwrap();
        let (first, second) = (issue(), issue());
        assert!(holds(first, NOW) && holds(second, NOW));
        let third = store.write(Actor::Operator, hours(1), |tx| devices::issue_token(tx, id, None));
        let third = third.unwrap();
        assert!(holds(third, NOW));
        assert_eq!([first, second].into_iter().filter(|token| holds(*token, NOW)).count(), 1);
        act(&store, |tx| devices::revoke_token(tx, id, third)).unwrap();
        act(&store, |tx| devices::revoke_token(tx, id, third)).unwrap();
        assert!(!holds(third, NOW));
        let other = device(&store).id;
        assert!(!store.read(|view| devices::token_is_valid(view, other, second, NOW)).unwrap());
        let foreign = act(&store, |tx| devices::revoke_token(tx, other, second));
        assert!(matches!(foreign, Err(Error::NotFound("token"))));
    }
}

#[test]
fn a_token_ends_at_its_time_and_with_its_device() {
    for store in stores() {
        let made = device(&store);
        let brief = act(&store, |tx| devices::issue_token(tx, made.id, Some(hours(1)))).unwrap();
        let endless = act(&store, |tx| devices::issue_token(tx, made.id, None)).unwrap();
        let holds =
            |token, now| store.read(|view| devices::token_is_valid(view, made.id, token, now)).unwrap();
        assert!(holds(brief, NOW) && !holds(brief, hours(1)) && holds(endless, hours(99_999)));
        drop(store.take_touched());
        act(&store, |tx| devices::disable(tx, made.id)).unwrap();
        assert!(!holds(endless, NOW));
        assert_eq!(store.take_touched(), [Touched::Device(made.key)]);
        let again = act(&store, |tx| devices::issue_token(tx, made.id, None));
        assert!(matches!(again, Err(Error::Conflict(_))));
        for _ in 0..2 {
            act(&store, |tx| devices::enable(tx, made.id)).unwrap();
        }
        assert_eq!(super::entries(&store, "device.enabled"), 1);
        assert!(!holds(endless, NOW), "its tokens stay ended");
        let fresh = act(&store, |tx| devices::issue_token(tx, made.id, None)).unwrap();
        assert!(holds(fresh, NOW));
    }
}

#[test]
fn the_first_connection_is_told_once_and_status_comes_back() {
    for store in stores() {
        let id = device(&store).id;
        let mut announced = store.signals();
        assert!(house(&store, |tx| devices::connected(tx, id, 3)));
        hears(&mut announced, "device.changed", &id);
        house(&store, |tx| devices::disconnected(tx, id, 2));
        assert!(store.read(|view| devices::get(view, id)).unwrap().online, "it is at another node");
        house(&store, |tx| devices::disconnected(tx, id, 3));
        assert!(!house(&store, |tx| devices::connected(tx, id, 3)));
        house(&store, |tx| status::report(tx, id, b"{\"battery\":80}"));
        let seen = store.read(|view| devices::get(view, id)).unwrap();
        assert!(seen.online && seen.first_seen_at == Some(NOW));
        let status = store.read(|view| status::last(view, id)).unwrap();
        assert_eq!(status, Some((b"{\"battery\":80}".to_vec(), Some(NOW))));
        assert_eq!(house(&store, devices::all_offline), 1);
        assert_eq!(
            store
                .read(|view| devices::page(view, &Audience::program(), &Ask::default()))
                .unwrap()
                .items
                .len(),
            1
        );
    }
}

#[test]
fn a_device_is_never_at_two_patients_at_one_instant() {
    let hours = |hours: u64| NOW.minus(Duration::from_secs(3_600 * (10 - hours)));
    for store in stores() {
        let (made, ana, bia) = (device(&store), patient(&store, "Ana"), patient(&store, "Bia"));
        let bind = |who, from| act(&store, |tx| bindings::bind(tx, made.id, who, from, false));
        let first = bind(ana.id, hours(0)).unwrap();
        assert!(matches!(bind(bia.id, hours(5)), Err(Error::Conflict(_))));
        let backwards =
            act(&store, |tx| bindings::unbind(tx, made.id, None, hours(0).minus(Duration::from_secs(1))));
        assert!(matches!(backwards, Err(Error::Conflict(_))));
        let ahead =
            act(&store, |tx| bindings::unbind(tx, made.id, None, NOW.plus(Duration::from_secs(3_600))));
        assert!(matches!(ahead, Err(Error::Conflict(_))), "a year mistyped");
        let stale = act(&store, |tx| bindings::unbind(tx, made.id, Some(bia.id), hours(2)));
        assert!(matches!(stale, Err(Error::Conflict(_))), "it is Ana's");
        act(&store, |tx| bindings::unbind(tx, made.id, None, hours(2))).unwrap();
        assert!(matches!(bind(bia.id, hours(1)), Err(Error::Conflict(_))));
        let odd = bind(bia.id, hours(3).plus(Duration::from_micros(1_999))).unwrap();
        assert_eq!(odd.from, hours(3).plus(Duration::from_millis(1)), "as it is shown");
        let never = act(&store, |tx| bindings::unbind(tx, made.id, Some(bia.id), odd.from)).unwrap();
        assert_eq!((never.id, never.to), (odd.id, Some(odd.from)), "it never was");
        assert!(matches!(bind(bia.id, NOW.plus(Duration::from_secs(3_600))), Err(Error::Conflict(_))));
        let late = bind(bia.id, hours(4)).unwrap();
        assert!(matches!(bind(bia.id, hours(1)), Err(Error::Conflict(_))), "that hour is Ana's");
        let second = bind(bia.id, hours(2)).unwrap();
        assert_eq!((second.id, second.from, second.to), (late.id, hours(2), None), "it began earlier");
        let at = |instant| store.read(|view| bindings::at(view, made.key, instant)).unwrap().map(|b| b.id);
        assert_eq!(at(hours(0).minus(Duration::from_micros(1))), None);
        assert_eq!(at(hours(0)), Some(first.id));
        assert_eq!(at(hours(2).minus(Duration::from_micros(1))), Some(first.id));
        assert_eq!(at(hours(2)), Some(second.id));
        let all = |of| store.read(|view| bindings::page(view, of, &Ask::default())).unwrap().items.len();
        assert_eq!((all(Of::Device(made.id)), all(Of::Patient(ana.id)), all(Of::Patient(bia.id))), (2, 1, 1));
        assert_eq!(
            store.read(|view| bindings::of_device(view, &Audience::program(), made.key)).unwrap().len(),
            2
        );
    }
}

/// Such an end was let in once.
#[test]
fn an_end_that_lies_ahead_can_be_put_right() {
    for store in stores() {
        let (made, ana, bia) = (device(&store), patient(&store, "Ana"), patient(&store, "Bia"));
        let far = NOW.plus(Duration::from_secs(3_600));
        act(&store, |tx| bindings::bind(tx, made.id, ana.id, NOW.minus(Duration::from_secs(60)), false))
            .unwrap();
        store.write(Actor::Operator, far, |tx| bindings::unbind(tx, made.id, None, far)).unwrap();
        let ended = act(&store, |tx| bindings::unbind(tx, made.id, None, NOW)).unwrap();
        assert_eq!(ended.to, Some(NOW));
        act(&store, |tx| bindings::bind(tx, made.id, bia.id, NOW, false)).unwrap();
        let whose = store.read(|view| bindings::open_of_device(view, made.key)).unwrap();
        assert_eq!(whose.map(|binding| binding.patient), Some(bia.id));
    }
}

#[test]
fn a_new_preferred_source_takes_the_place_of_the_old() {
    for store in stores() {
        let (one, two, ana) = (device(&store), device(&store), patient(&store, "Ana"));
        for made in [&one, &two] {
            drop(store.take_touched());
            act(&store, |tx| bindings::bind(tx, made.id, ana.id, NOW, true)).unwrap();
            assert_eq!(store.take_touched(), [Touched::Device(made.key), Touched::Patient(ana.key)]);
        }
        let open = store.read(|view| bindings::open_of_patient(view, ana.key)).unwrap();
        let order: Vec<(DeviceId, bool)> = open.iter().map(|b| (b.device, b.preferred)).collect();
        assert_eq!(order, [(two.id, true), (one.id, false)]);
    }
}

#[test]
fn a_command_waits_until_its_own_device_has_it_and_the_first_reply_stays() {
    for store in stores() {
        let (id, other) = (device(&store).id, device(&store).id);
        let body = serde_json::json!({ "set": { "interval_s": 30 } });
        let command = act(&store, |tx| commands::insert(tx, id, &body, NOW.plus(commands::LASTS))).unwrap();
        let waiting = || store.read(|view| commands::waiting(view, id, NOW)).unwrap();
        assert_eq!(waiting()[0].body, body);
        let foreign =
            store.keep_house(Urgency::Urgent, "edge", NOW, |tx| commands::acknowledge(tx, other, command));
        assert!(matches!(foreign, Err(Error::NotFound("command"))));
        for answer in ["done", "again"] {
            house(&store, |tx| commands::reply(tx, id, command, &serde_json::json!(answer)));
        }
        assert_eq!(waiting(), []);
        let command = store.read(|view| commands::page(view, id, &Ask::default())).unwrap().items.remove(0);
        assert_eq!(command.reply, Some((NOW, serde_json::json!("done"))));
    }
}

#[test]
fn a_command_that_nobody_came_for_expires_and_one_that_is_taken_back_is_not_sent() {
    for store in stores() {
        let id = device(&store).id;
        let body = serde_json::json!({ "sync": true });
        let give = |end| act(&store, |tx| commands::insert(tx, id, &body, end)).unwrap();
        let (brief, long) = (give(hours(1)), give(hours(9)));
        let waiting = |at| {
            let waiting = store.read(|view| commands::waiting(view, id, at)).unwrap();
            waiting.iter().map(|command| command.id).collect::<BTreeSet<_>>()
        };
        assert_eq!((waiting(NOW), waiting(hours(1))), ([brief, long].into(), [long].into()));
        let cancel = |command, at| store.write(Actor::Operator, at, |tx| commands::cancel(tx, id, command));
        assert!(matches!(cancel(brief, hours(1)), Err(Error::Conflict(_))), "expired");
        cancel(long, hours(1)).unwrap();
        cancel(long, hours(2)).unwrap();
        assert_eq!(waiting(hours(1)), BTreeSet::new());
        assert_eq!(entries(&store, "device.command_cancelled"), 1);
        let states = || {
            let page = store.read(|view| commands::page(view, id, &Ask::default())).unwrap();
            let state =
                |id| page.items.iter().find(|given| given.id == id).map(|given| given.state(hours(1)).name());
            [state(brief), state(long)]
        };
        assert_eq!(states(), [Some("expired"), Some("cancelled")]);
        // It was on its way, and arrived.
        house(&store, |tx| commands::acknowledge(tx, id, long));
        assert_eq!(states(), [Some("expired"), Some("acknowledged")]);
        assert!(matches!(cancel(long, hours(1)), Err(Error::Conflict(_))));
    }
}

#[test]
fn what_waits_for_one_device_is_bounded() {
    for store in stores() {
        let id = device(&store).id;
        let give = |body: &serde_json::Value| act(&store, |tx| commands::insert(tx, id, body, hours(9)));
        let large = serde_json::json!({ "firmware": "x".repeat(60_000) });
        for _ in 0..8 {
            give(&large).unwrap();
        }
        let waiting = store.read(|view| commands::waiting(view, id, NOW)).unwrap();
        assert_eq!(waiting.len(), 4, "a quarter of a MiB at once");
        let small = serde_json::json!({});
        for _ in 8..commands::WAITING {
            give(&small).unwrap();
        }
        assert!(matches!(give(&small), Err(Error::Conflict(_))));
    }
}

#[test]
fn the_newest_battery_level_stays() {
    for store in stores() {
        let made = device(&store);
        let charge = |at, percent| Charge { at, percent };
        for charge in [charge(hours(1), 40.0), charge(hours(3), 7.0), charge(hours(2), 25.0)] {
            house(&store, |tx| status::charge(tx, made.id, made.key, charge));
        }
        let stored = store.read(|view| status::charged(view, made.id, made.key)).unwrap();
        assert_eq!(stored, Some(charge(hours(3), 7.0)));
    }
}
