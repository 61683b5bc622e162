//! What people did about an alert, when its readings turn out to be another's, and when they come back.

use super::*;
use domain::alerts::Act;
use domain::{Role, UserId};
use store::alerts::{self, moves};

impl Ward {
    /// Ana's calm and Bia's racing heart, all of it taken for Ana's: her red.
    fn red_of_ana(&mut self) -> StoredAlert {
        self.send(&of_ana());
        self.send(&of_bia());
        self.settle();
        self.alerts(&self.ana).remove(0)
    }

    /// A clinician acts on an alert, with a note.
    fn act(&self, alert: &StoredAlert, what: Act) -> UserId {
        let who = UserId::new(NOW);
        let actor = Actor::User { id: who, role: Role::Clinician };
        let acted = |tx: &mut Tx<'_>| Ok(alerts::acted(tx, alert.id(), who, what, Some("fui ver")).is_ok());
        assert!(self.home.write(actor, NOW, acted).unwrap());
        who
    }

    fn done(&self, alert: &StoredAlert) -> Vec<(String, Option<String>)> {
        let acts = self.home.read(|view| alerts::acts(view, alert.id())).unwrap();
        acts.into_iter().map(|row| (row.act, row.note)).collect()
    }

    /// The highest value that its finding tells.
    fn says_of(&self, whose: &Person, alert: &StoredAlert) -> Option<f64> {
        let findings = self.shown(whose, |tx, permit| Ok(vec![alert.finding(tx, permit)?]));
        findings.into_iter().next()??.max.map(|sample| sample.value)
    }

    /// From here on another device of somebody's measures.
    fn take_up_another(&mut self, whose: PatientId) {
        let another = |tx: &mut Tx<'_>| {
            let identity = DeviceIdentity { label: "v".into(), model: "w".into(), serial: None };
            let device = devices::insert(tx, &identity)?;
            bindings::bind(tx, device.id, whose, ago(30 * DAY), true)?;
            Ok(device)
        };
        let device = self.home.write(Actor::Operator, NOW, another).unwrap();
        (self.device, self.device_key) = (device.id, device.key);
    }

    fn stands(&self, whose: &Person) -> Vec<StoredAlert> {
        let mut all = self.alerts(whose);
        all.retain(|alert| alert.case.state != AlertState::Resolved);
        all
    }
}

fn done(acts: &[&str]) -> Vec<(String, Option<String>)> {
    let note = |act: &str| (!matches!(act, "moved" | "returned")).then(|| "fui ver".to_owned());
    acts.iter().map(|act| ((*act).to_owned(), note(act))).collect()
}

#[test]
fn what_was_done_about_an_alert_stays_where_it_was_told_and_is_shown_to_whom_its_readings_went() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let red = ward.red_of_ana();
        let who = ward.act(&red, Act::Ack);
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        ward.settle();
        let left = ward.home.read(|view| alerts::get(view, red.id())).unwrap();
        assert_eq!((left.case.state, left.case.outcome), (AlertState::Resolved, Some(Outcome::Retracted)));
        assert_eq!((left.case.moved_at, left.case.owner), (Some(NOW.plus(ORPHANED)), Some(who)));
        assert_eq!(left.case.acknowledgements.len(), 1);
        assert_eq!(ward.done(&left), done(&["ack", "moved"]));
        assert_eq!(
            (ward.says_of(&ward.ana, &left), left.is_hidden()),
            (None, false),
            "told where they are now"
        );
        // Nobody went to Bia: her red waits for a person, and says who was called for whom.
        let hers = ward.stands(&ward.bia).remove(0);
        assert_eq!((hers.case.state, hers.case.owner, ward.escalates(&hers)), (AlertState::Open, None, true));
        let elsewhere = ward.home.read(|view| moves::raised_elsewhere(view, hers.id())).unwrap();
        assert_eq!(elsewhere.iter().map(|elsewhere| elsewhere.alert.id()).collect::<Vec<_>>(), [red.id()]);
        let of_hers = ward.home.read(|view| moves::raised_elsewhere(view, red.id())).unwrap();
        assert_eq!(of_hers.len(), 0, "nothing came to Ana");
    }
}

#[test]
fn an_alert_comes_back_with_its_readings_and_with_what_was_done_about_it() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let red = ward.red_of_ana();
        ward.act(&red, Act::Ack);
        let mut acts = vec!["ack"];
        for end in [3_590, 3_000] {
            ward.unbind(ago(end));
            ward.settle();
            ward.bind(ward.ana.id, ago(end));
            ward.settle();
            if end == 3_590 {
                acts.extend(["moved", "returned"]);
            }
            let all = ward.alerts(&ward.ana);
            assert_eq!(all.iter().map(StoredAlert::id).collect::<Vec<_>>(), [red.id()], "one story");
            assert_eq!(ward.done(&all[0]), done(&acts));
            let case = &all[0].case;
            assert_eq!((case.state, case.moved_at, case.outcome), (AlertState::Open, None, None));
            assert!(ward.escalates(&all[0]), "nobody looked after it meanwhile");
            assert_eq!(ward.says_of(&ward.ana, &all[0]), Some(131.0));
        }
    }
}

/// Its patient had taken the permission to judge away when they came, and gives it for what is measured from then on.
#[test]
fn readings_that_are_back_and_that_nothing_judges_are_not_said_to_be_anothers() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let red = ward.red_of_ana();
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        ward.settle();
        let left = |ward: &Ward| {
            ward.home.read(|view| {
                let alert = alerts::get(view, red.id())?;
                Ok((alert.case.moved_at.is_some(), moves::has_left(view, &alert)?))
            })
        };
        assert_eq!(left(&ward).unwrap(), (true, true));
        let change = |tx: &mut Tx<'_>| {
            let by = consent::Giver::Subject;
            consents::revoke(tx, ward.ana.id, Purpose::AlertEvaluate, &by.into()).map(drop)
        };
        ward.home.write(Actor::Operator, NOW, change).unwrap();
        ward.unbind(ago(3_590));
        ward.bind(ward.ana.id, ago(3_590));
        ward.settle();
        let change = |tx: &mut Tx<'_>| grant_one(tx, ward.ana.id, Purpose::AlertEvaluate);
        ward.home.write(Actor::Operator, NOW, change).unwrap();
        ward.settle();
        assert_eq!(left(&ward).unwrap(), (true, false), "what its page says of it");
    }
}

#[test]
fn what_a_person_resolved_as_true_is_marked_once_its_readings_are_anothers() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let red = ward.red_of_ana();
        ward.act(&red, Act::Resolve { outcome: Outcome::TrueAlarm });
        ward.unbind(ago(3_590));
        ward.settle();
        let left = ward.alerts(&ward.ana).remove(0);
        assert_eq!((left.id(), left.case.outcome), (red.id(), Some(Outcome::TrueAlarm)), "as they said");
        assert!(left.case.moved_at.is_some());
        // Judged again, it is not announced again.
        ward.send(&[(3_700, 72.0)]);
        ward.settle();
        assert_eq!(ward.alerts(&ward.ana)[0].version, left.version);
        ward.bind(ward.bia.id, ago(3_590));
        ward.settle();
        assert!(ward.escalates(&ward.stands(&ward.bia)[0]), "her red was never answered");
        // It was Ana's after all: what was resolved is so still.
        ward.end(&ward.bia, ago(3_590));
        ward.bind(ward.ana.id, ago(3_590));
        ward.settle();
        assert_eq!(ward.stands(&ward.bia).len(), 0);
        let back = ward.home.read(|view| alerts::get(view, red.id())).unwrap();
        assert_eq!((back.case.moved_at, back.case.outcome), (None, Some(Outcome::TrueAlarm)));
        assert_eq!(ward.done(&back), done(&["resolve", "moved", "returned"]));
    }
}

#[test]
fn only_an_alert_whose_own_readings_left_says_so_and_only_of_those_is_told_elsewhere() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        // Ana's red, which nobody's time takes away; what comes after it goes to Bia.
        ward.send(&of_ana());
        ward.send(&of_bia().into_iter().filter(|(before, _)| *before >= 3_000).collect::<Vec<_>>());
        ward.send(&(0..300).map(|n| (n * 10, 72.0)).rev().collect::<Vec<_>>());
        ward.settle();
        let red = ward.alerts(&ward.ana).remove(0);
        ward.act(&red, Act::Ack);
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(2_900));
        ward.settle();
        assert!(ward.home.read(|view| alerts::get(view, red.id())).unwrap().case.moved_at.is_some());
        // Another device of Bia's measured a racing heart all the while.
        ward.take_up_another(ward.bia.id);
        ward.send(&(200..360).map(|n| (n * 10, 140.0)).rev().collect::<Vec<_>>());
        ward.settle();
        let hers = ward.alerts(&ward.bia).remove(0);
        let elsewhere = ward.home.read(|view| moves::raised_elsewhere(view, hers.id())).unwrap();
        assert_eq!(elsewhere.len(), 0, "nobody has answered for Bia");
    }
}

#[test]
fn what_the_source_takes_back_did_not_go_to_another_person() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let red = ward.red_of_ana();
        ward.unbind(ago(3_590));
        ward.bind(ward.ana.id, ago(3_590));
        ward.settle();
        ward.says("entered-in-error", &of_bia());
        ward.settle();
        let gone = ward.home.read(|view| alerts::get(view, red.id())).unwrap();
        assert_eq!((gone.case.outcome, gone.case.moved_at), (Some(Outcome::Retracted), None));
    }
}

#[test]
fn whoever_is_given_a_part_of_a_red_is_told_what_was_done_while_it_was_anothers() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        let red = ward.red_of_ana();
        ward.act(&red, Act::Ack);
        ward.unbind(ago(1_800));
        ward.bind(ward.bia.id, ago(1_800));
        ward.settle();
        let stored = ward.home.read(|view| alerts::get(view, red.id())).unwrap();
        assert_eq!(stored.case.moved_at, None, "the rest of it is Ana's");
        let hers = ward.stands(&ward.bia).remove(0);
        let elsewhere = ward.home.read(|view| moves::raised_elsewhere(view, hers.id())).unwrap();
        assert_eq!(elsewhere.iter().map(|elsewhere| elsewhere.alert.id()).collect::<Vec<_>>(), [red.id()]);
        assert!(elsewhere[0].left_at >= NOW);
    }
}
