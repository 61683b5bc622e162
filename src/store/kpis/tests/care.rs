//! Alerts, their clocks and their escalations, by the functions that change them.

use std::time::Duration;

use super::*;
use crate::escalation::Advanced;
use crate::messages::Ground;
use crate::on_call::testing::person;
use domain::Outcome;
use domain::escalation::Did;
use domain::kpis::Unit;

#[test]
fn an_alert_leaves_a_fact_when_it_is_raised_answered_and_resolved() {
    for store in clinics() {
        let (maria, ana) = (consented(&store, "Maria"), person(&store, Role::Clinician));
        let before = newest(&store);
        let alert = red(&store, &maria);
        assert_eq!(kinds(&store, before), ["alert.raised", "escalation.begun"]);
        let raised = only(&store, before, Kind::AlertRaised);
        assert_eq!(raised.subject.as_deref(), Some(alert.to_string().as_str()));
        assert_eq!((raised.at, raised.patient_key, raised.user), (NOW, Some(maria.key), None));
        assert_eq!(
            serde_json::to_value(&raised.dimensions).unwrap(),
            serde_json::json!({ "rule": "tachycardia", "level": "red", "timing": "in_time" })
        );
        assert_eq!(took(&raised), (60_000, None));

        let before = newest(&store);
        does(&store, ana, alert, Act::Ack, at(90)).unwrap();
        assert_eq!(kinds(&store, before), ["alert.acknowledged", "escalation.answered", "sla.met"]);
        let answered = only(&store, before, Kind::AlertAcknowledged);
        assert_eq!((answered.user, code(&answered, Dimension::Turn)), (Some(ana), "first"));
        assert_eq!(took(&answered), (90_000, None));
        assert_eq!(took(&only(&store, before, Kind::EscalationAnswered)), (90_000, None));
        let met = only(&store, before, Kind::SlaMet);
        assert_eq!(code(&met, Dimension::Metric), "first_response");
        assert_eq!((code(&met, Dimension::Outcome), took(&met)), ("answered", (90_000, Some(90_000))));

        let before = newest(&store);
        does(&store, ana, alert, Act::Resolve { outcome: Outcome::TrueAlarm }, at(600)).unwrap();
        assert_eq!(kinds(&store, before), ["alert.acknowledged", "alert.resolved", "sla.met"]);
        let resolved = only(&store, before, Kind::AlertResolved);
        assert_eq!((code(&resolved, Dimension::Outcome), took(&resolved).0), ("true", 600_000));
        let again = only(&store, before, Kind::AlertAcknowledged);
        assert_eq!((code(&again, Dimension::Turn), again.amount), ("again", None));

        let before = newest(&store);
        let twice = does(&store, ana, alert, Act::Resolve { outcome: Outcome::TrueAlarm }, at(601));
        assert!(twice.is_err());
        assert_eq!(kinds(&store, before), Vec::<&str>::new(), "what was refused changed nothing");
    }
}

#[test]
fn a_revocation_resolves_with_its_own_outcome_and_an_alert_that_goes_on_is_opened_again() {
    for store in clinics() {
        let maria = consented(&store, "Maria");
        let (withdrawn, before) = (red(&store, &maria), newest(&store));
        let stored = store.read(|view| alerts::get(view, withdrawn)).unwrap();
        let revoked = |tx: &mut Tx<'_>| alerts::withdraw(tx, &stored, Outcome::ConsentRevoked);
        act(&store, revoked).unwrap();
        let resolved = only(&store, before, Kind::AlertResolved);
        assert_eq!((code(&resolved, Dimension::Outcome), resolved.user), ("consent_revoked", None));
        assert_eq!(behind(&store, before).iter().filter(|fact| fact.kind == Kind::SlaWithdrawn).count(), 2);
        let before = newest(&store);
        act(&store, revoked).unwrap();
        assert_eq!(kinds(&store, before), Vec::<&str>::new(), "it was closed already");

        let yellow = seen_only_yellow(&store, &maria);
        let before = newest(&store);
        let (rule, _) = tachycardia();
        let stored = store.read(|view| alerts::get(view, yellow)).unwrap();
        let mut worse = stored.episode.clone();
        worse.levels.push(rules::LevelAt { at: NOW, level: Level::Red });
        let finding = Finding::of(&rule, Level::Red, &[]);
        alone(&store, at(20), |tx| alerts::judged(tx, &stored, &worse, Some(&finding), false)).unwrap();
        assert_eq!(code(&only(&store, before, Kind::AlertReopened), Dimension::Level), "red");
    }
}

/// A yellow that a person resolved before it was known to be red.
fn seen_only_yellow(store: &Store, of: &Patient) -> AlertId {
    let ana = person(store, Role::Clinician);
    let rule = Rule::seeds().remove(1);
    let opened = Change::Opened { level: Level::Yellow, started_at: NOW, at: NOW };
    let episode = Episode::opened(&rule, &opened).unwrap();
    let finding = Finding::of(&rule, Level::Yellow, &[]);
    let alert =
        act(store, |tx| alerts::open(tx, Keyed { key: of.key, id: of.id }, &rule, &episode, &finding, false))
            .unwrap();
    does(store, ana, alert, Act::Resolve { outcome: Outcome::TrueAlarm }, at(10)).unwrap();
    alert
}

#[test]
fn a_clock_that_runs_out_is_missed_once_whoever_finds_it_and_late_when_it_stops() {
    for store in clinics() {
        let (maria, bia) = (consented(&store, "Maria"), consented(&store, "Bia"));
        let ana = person(&store, Role::Clinician);
        let (found, unfound) = (red(&store, &maria), red(&store, &bia));
        let first = store.read(|view| sla::of_alert(view, found)).unwrap();
        let first = first.iter().find(|clock| clock.service_level == "red_first_response").unwrap();
        let (before, due) = (newest(&store), first.due_at().unwrap());
        let late = due.plus(Duration::from_secs(60));

        // The engine finds both clocks; the second alert was answered before it came.
        does(&store, ana, unfound, Act::Ack, late).unwrap();
        assert_eq!(
            kinds(&store, before),
            ["alert.acknowledged", "escalation.answered", "sla.late", "sla.missed"]
        );
        let missed = only(&store, before, Kind::SlaMissed);
        assert_eq!(missed.at, due, "the instant at which the time ran out");
        let before = newest(&store);
        for _ in 0..2 {
            alone(&store, late, |tx| sla::work(tx, 100, Duration::MAX)).unwrap();
        }
        assert_eq!(only(&store, before, Kind::SlaMissed).at, due);
        assert_eq!(only(&store, before, Kind::SlaMissed).patient_key, Some(maria.key));

        let before = newest(&store);
        does(&store, ana, found, Act::Ack, late.plus(Duration::from_secs(60))).unwrap();
        let stopped = only(&store, before, Kind::SlaLate);
        assert_eq!(code(&stopped, Dimension::Policy), "red_first_response");
        assert!(!kinds(&store, before).contains(&"sla.missed"), "that was a fact already");
    }
}

#[test]
fn an_escalation_leaves_a_fact_for_each_page_and_one_at_its_top() {
    for store in clinics() {
        let (maria, ana) = (consented(&store, "Maria"), person(&store, Role::Clinician));
        let alert = red(&store, &maria);
        let (mut steps, mut topped) = (Vec::new(), false);
        while !topped {
            let before = newest(&store);
            let from = store.read(|view| escalation::of_alert(view, alert)).unwrap().unwrap();
            let now = from.run.next_at.unwrap();
            let mut run = from.run.clone();
            let did = run.tick(now, &mut |_| vec![ana]);
            topped = did.contains(&Did::NobodyReached);
            alone(&store, now, |tx| {
                let ground = Ground::ask(tx, maria.id)?;
                let one = Advanced { from: from.clone(), run: run.clone(), did, due_at: now, ground };
                escalation::save(tx, std::slice::from_ref(&one))?;
                // Another node that read the same row comes too late, and leaves nothing.
                let late = tx.item(|tx| escalation::save(tx, std::slice::from_ref(&one)));
                assert!(matches!(late, Err(Error::GivenUp)), "{late:?}");
                Ok(())
            })
            .unwrap();
            let paged = only(&store, before, Kind::EscalationPaged);
            assert_eq!(paged.amount.map(|amount| (amount.value, amount.unit)), Some((1, Unit::People)));
            steps.push(code(&paged, Dimension::Step).to_owned());
            assert_eq!(kinds(&store, before).contains(&"escalation.exhausted"), topped);
        }
        assert_eq!(steps.first().map(String::as_str), Some("1"));
        assert_eq!(steps.last().map(String::as_str), Some("top"));
        let exhausted = only(&store, 0, Kind::EscalationExhausted);
        assert_eq!(code(&exhausted, Dimension::Policy), escalation::RED);
        assert_eq!(took(&exhausted).0, i64::try_from(exhausted.at.since(NOW).as_millis()).unwrap());
    }
}
