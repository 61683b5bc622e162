//! Messages around an absence: a call that waits does not leave to who went away meanwhile, and each who must know of
//! the absence reads it in their own language.

use std::sync::Arc;
use std::time::Duration;

use crate::Module as _;
use crate::messages::outbox::{Breakers, Outbox};
use crate::tests::escalation::on_call::{clinics, goes_away};
use crate::tests::messages::mail::Mail;
use crate::tests::ward::{Ward, at, raise, wards};
use domain::alerts::{Act, Outcome};
use domain::escalation::State;
use domain::messages::{self as message, mark};
use domain::templates::Lang;
use domain::time::civil::{Window, Zone};
use domain::{AlertId, Instant};
use notify::Channel;
use store::messages::reader::{self, Reader};
use store::on_call::absences;
use store::testing::{NOW, entries};
use store::{Actor, escalation, messages};

const FIRST: &str = "p0@example.org";
const SECOND: &str = "p1@example.org";

fn post(ward: &Ward, mail: &Arc<Mail>) -> Outbox {
    let channel: Arc<dyn Channel> = Arc::<Mail>::clone(mail);
    Outbox::new((*ward.home).clone(), channel, Breakers::default(), "https://zelo.example".into())
}

fn settle(ward: &Ward, post: &mut Outbox, now: Instant) {
    while ward.tick(now) > 0 || post.run(now).unwrap().more {}
}

/// How many messages of a case came to somebody.
fn calls(mail: &Mail, to: &str, case: AlertId) -> usize {
    let mark = format!("[{}]", mark(&case.to_string()));
    mail.to(to).iter().filter(|one| one.subject.contains(&mark) || one.text.contains(&mark)).count()
}

/// After an outage a page left to somebody who had been away for two minutes.
#[test]
fn a_call_that_waits_does_not_leave_to_who_went_away_meanwhile_and_whoever_stands_in_has_theirs() {
    for mut ward in clinics(Duration::ZERO) {
        ward.sends_e_mail();
        ward.act(3, Act::Resolve { outcome: Outcome::TrueAlarm }, NOW);
        let mail = Arc::new(Mail::default());
        let mut post = post(&ward, &mail);
        mail.goes_away(true);
        ward.alert = raise(&ward.home, NOW);
        settle(&ward, &mut post, NOW);
        goes_away(&ward, Duration::ZERO);
        settle(&ward, &mut post, at(1));
        mail.goes_away(false);
        for step in 0..12 {
            settle(&ward, &mut post, at(2).plus(Duration::from_secs(10 * step)));
        }
        assert_eq!(
            (calls(&mail, FIRST, ward.alert), calls(&mail, SECOND, ward.alert)),
            (0, 1),
            "{:?}",
            mail.arrived()
        );
        let about = ward.alert.to_string();
        let sent = ward.home.read(|view| messages::of_case(view, escalation::ALERT, &about)).unwrap();
        let first = ward.people[0].to_string();
        let hers = sent.iter().find(|one| one.recipient == first && one.channel == message::Channel::Email);
        assert_eq!(hers.unwrap().way.state, message::State::Cancelled);
        assert_eq!(entries(&ward.home, "message.suppressed"), 1);
        ward.act(1, Act::Ack, at(4));
        assert_eq!(ward.state(), State::Acknowledged(ward.people[1]));
    }
}

/// Who was away already when they were called was called because nobody else was there.
#[test]
fn a_call_to_who_was_away_when_it_was_planned_leaves_all_the_same_and_so_does_one_to_who_is_back() {
    for mut ward in wards() {
        ward.sends_e_mail();
        ward.act(3, Act::Resolve { outcome: Outcome::TrueAlarm }, NOW);
        let mail = Arc::new(Mail::default());
        let mut post = post(&ward, &mail);
        let within = Window { from: NOW, to: at(60) };
        let note = |now, within| {
            ward.home
                .write(Actor::Operator, now, |tx| absences::note(tx, ward.people[0], within, &[]))
                .unwrap()
        };
        let away = note(NOW, within);
        ward.alert = raise(&ward.home, at(1));
        settle(&ward, &mut post, at(1));
        assert_eq!(calls(&mail, FIRST, ward.alert), 1, "{:?}", mail.arrived());
        // Away for a moment of the time that a message waits, and back.
        ward.home.write(Actor::Operator, at(2), |tx| absences::take_back(tx, away.id)).unwrap();
        mail.goes_away(true);
        let next = raise(&ward.home, at(3));
        settle(&ward, &mut post, at(3));
        let moment = note(at(4), Window { from: at(4), to: at(60) });
        ward.home.write(Actor::Operator, at(5), |tx| absences::take_back(tx, moment.id)).unwrap();
        mail.goes_away(false);
        for step in 0..12 {
            settle(&ward, &mut post, at(5).plus(Duration::from_secs(10 * step)));
        }
        assert_eq!(calls(&mail, FIRST, next), 1, "{:?}", mail.arrived());
    }
}

#[test]
fn each_who_must_know_of_an_absence_reads_it_once_in_their_own_language() {
    for ward in clinics(Duration::ZERO) {
        ward.sends_e_mail();
        let english = Reader { lang: Lang::En, zone: Zone::parse("America/Manaus").unwrap() };
        ward.home.write(Actor::Operator, NOW, |tx| reader::write_for(tx, ward.people[1], english)).unwrap();
        let mail = Arc::new(Mail::default());
        let mut post = post(&ward, &mail);
        goes_away(&ward, Duration::ZERO);
        for minute in 1..4 {
            while post.run(at(minute)).unwrap().more {}
        }
        let subjects = |to: &str| mail.to(to).into_iter().map(|one| one.subject).collect::<Vec<_>>();
        let clock = |zone: Zone, at: Instant| zone.local(at).format("%d/%m %H:%M").to_string();
        let (from, until) = (clock(Zone::SAO_PAULO, at(1)), clock(Zone::SAO_PAULO, at(50)));
        assert_eq!(subjects(FIRST), [format!("Zelo: sua ausência de {from} até {until} foi registrada")]);
        let (from, until) = (clock(english.zone, at(1)), clock(english.zone, at(50)));
        assert_eq!(subjects(SECOND), [format!("Zelo: you stand in for somebody from {from} until {until}")]);
        let text = &mail.to(SECOND)[0].text;
        assert!(text.contains("you are the one who is called") && text.contains("/absence#a-"), "{text}");
    }
}
