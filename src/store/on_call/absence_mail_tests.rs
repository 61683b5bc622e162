//! Who hears of an absence: each once, of what is true now, and nobody of what they did themselves.

use std::time::Duration;

use super::absences::{change, note, note_once, take_back};
use super::testing::{duty, person, rotation};
use super::*;
use crate::escalation::paging;
use crate::testing::{NOW, stores};
use crate::{Actor, Store, messages};
use domain::messages::{Channel, State};
use domain::on_call::{Cover, Length};
use domain::{AbsenceId, Role};

fn hour(n: u32) -> Instant {
    NOW.plus(Duration::from_secs(3_600) * n)
}

fn hours(from: u32, to: u32) -> Window {
    Window { from: hour(from), to: hour(to) }
}

fn cover(Window { from, to }: Window, by: UserId) -> Cover {
    Cover { schedule: "duty".into(), from, to, by }
}

/// Ana and Bia by twelve hours from now on, Caio beside them, and who keeps the schedules; the house sends e-mail.
fn ward(store: &Store) -> [UserId; 4] {
    let [ana, bia, caio] = [(); 3].map(|()| person(store, Role::Clinician));
    let boss = person(store, Role::Manager);
    let body = duty(vec![rotation(Zone::SAO_PAULO.local(NOW), Length::Hours(12), &[ana, bia])]);
    let house = |tx: &mut Tx<'_>| paging::send_e_mail(tx, true).and_then(|()| publish(tx, "duty", &body, 0));
    store.write(Actor::Operator, NOW, house).unwrap();
    [ana, bia, caio, boss]
}

fn by<T>(store: &Store, id: UserId, now: Instant, f: impl FnMut(&mut Tx<'_>) -> Result<T>) -> T {
    store.write(Actor::User { id, role: Role::Manager }, now, f).unwrap()
}

/// The messages that wait for somebody; the dashboard shows the same.
fn messages_of(store: &Store, user: UserId) -> Vec<messages::Stored> {
    let to = user.to_string();
    let mails = store.read(|view| messages::after(view, Channel::Email, &to, 0, 99)).unwrap();
    let wait: Vec<_> = mails.into_iter().filter(|one| one.way.state == State::Due).collect();
    let shown = store.read(|view| messages::unread(view, user, 99)).unwrap();
    let words = |of: &[messages::Stored]| of.iter().map(|one| one.template.clone()).collect::<Vec<_>>();
    assert_eq!(words(&wait), words(&shown));
    wait
}

fn words(store: &Store, user: UserId) -> Vec<String> {
    messages_of(store, user).into_iter().map(|one| one.template).collect()
}

/// The stand-in was told nothing until the page at 3 a.m., and the absent person nothing at all.
#[test]
fn who_is_away_and_who_stands_in_hear_of_what_a_manager_noted_changed_and_took_back() {
    for store in stores() {
        let [ana, bia, caio, boss] = ward(&store);
        let covers = [cover(hours(24, 36), caio), cover(hours(48, 60), bia), cover(hours(49, 50), boss)];
        let within = hours(24, 60);
        let id = by(&store, boss, NOW, |tx| note_once(tx, ana, within, &covers)).id;
        by(&store, boss, hour(1), |tx| note_once(tx, ana, within, &covers));
        let all = || [ana, bia, caio, boss].map(|user| words(&store, user).join(" "));
        assert_eq!(all(), ["own_absence", "stand_in", "stand_in", ""], "each once, and not who did it");
        let announced = |user: UserId| {
            let message = messages_of(&store, user).pop().unwrap();
            let at = |name: &str| Instant::parse(message.variables[name].as_str().unwrap()).unwrap();
            (Window { from: at("from"), to: at("until") }, message.variables["count"].as_u64())
        };
        assert_eq!((announced(ana), announced(caio)), ((within, None), (hours(24, 36), Some(1))));
        // Shorter: the turn of one of them is none any more, that of the other stays.
        by(&store, boss, hour(2), |tx| change(tx, id, hours(24, 40)));
        assert_eq!(all(), ["own_absence_changed", "stand_in_ended", "stand_in", ""]);
        assert_eq!((announced(ana).0, announced(bia).0), (hours(24, 40), hours(48, 60)));
        by(&store, boss, hour(3), |tx| change(tx, id, hours(24, 40)));
        assert_eq!(all(), ["own_absence_changed", "stand_in_ended", "stand_in", ""], "nothing changed");
        by(&store, boss, hour(4), |tx| change(tx, id, hours(30, 40)));
        assert_eq!(all(), ["own_absence_changed", "stand_in_ended", "stand_in_changed", ""]);
        assert_eq!(announced(caio), (hours(30, 36), Some(1)));
        by(&store, boss, hour(5), |tx| take_back(tx, id));
        assert_eq!(all(), ["own_absence_ended", "stand_in_ended", "stand_in_ended", ""]);
        assert_eq!((announced(ana).0, announced(caio).0), (hours(30, 40), hours(30, 36)));
    }
}

/// "Somebody is away" stood over a message of an absence that was taken back.
#[test]
fn the_managers_hear_what_somebody_did_about_an_absence_of_their_own_by_its_name() {
    for store in stores() {
        let [ana, _, caio, boss] = ward(&store);
        let own = |now, f: &mut dyn FnMut(&mut Tx<'_>) -> Result<AbsenceId>| by(&store, ana, now, f);
        let both = || (words(&store, boss).join(" "), words(&store, ana).len());
        let id = own(NOW, &mut |tx| Ok(note(tx, ana, hours(24, 36), &[])?.id));
        assert_eq!(both(), ("absence".into(), 0));
        own(hour(1), &mut |tx| Ok(change(tx, id, hours(24, 30))?.id));
        assert_eq!(both(), ("absence_changed".into(), 0), "the word of before is not sent any more");
        own(hour(2), &mut |tx| take_back(tx, id).map(|()| id));
        assert_eq!(both(), ("absence_ended".into(), 0));
        // Who keeps the schedules is away, and says who stands in: the other manager and the stand-in hear of it.
        let other = person(&store, Role::Manager);
        let body = duty(vec![rotation(Zone::SAO_PAULO.local(NOW), Length::Weeks(1), &[boss])]);
        by(&store, boss, hour(3), |tx| publish(tx, "managers", &body, 0));
        let covers =
            [caio, other].map(|by| Cover { schedule: "managers".into(), ..cover(hours(40, 50), by) });
        by(&store, boss, hour(3), |tx| note(tx, boss, hours(40, 50), &covers));
        let all = [boss, other, caio].map(|user| words(&store, user).join(" "));
        assert_eq!(all, ["absence_ended", "stand_in", "stand_in"], "who stands in has one word");
    }
}
