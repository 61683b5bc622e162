//! Schedules in the store on both backends, and the complaints about paging products that are replayed here.

use std::time::Duration;

use chrono::NaiveDateTime;

use super::capacity::{admit, agents, next_for, set, waiting};
use super::linter::AHEAD;
use super::testing::{duty, person, rotation};
use super::*;
use crate::people::users;
use crate::testing::{NOW, entries, stores};
use crate::{Actor, Keyed, Store, alerts, patients};
use domain::alerts::{Act as Deed, Level};
use domain::messages::Channel;
use domain::on_call::{Away, Change, Issue, Length, Licence, Override, Team};
use domain::{AlertId, DeviceId, Flags, PatientIdentity, Role, Rule};
use rules::{Change as Judged, Episode, Finding, JudgedReading};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn write<T>(store: &Store, at: Instant, f: impl FnMut(&mut Tx<'_>) -> Result<T>) -> T {
    store.write(Actor::Operator, at, f).unwrap()
}

fn clock(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn who(store: &Store, id: &str, at: Instant) -> Vec<UserId> {
    store.read(|view| on_call(view, id, at)).unwrap().1.into_iter().map(|(user, _)| user).collect()
}

/// A patient's alert of a level.
fn alert(store: &Store, patient: &patients::Patient, rule: usize, level: Level) -> AlertId {
    let rule = &Rule::seeds()[rule];
    let started_at = NOW.minus(Duration::from_secs(60));
    let episode = Episode::opened(rule, &Judged::Opened { level, started_at, at: NOW }).unwrap();
    let reading =
        JudgedReading { at: NOW, value: 131.0, flags: Flags::default(), device: DeviceId::new(NOW) };
    let finding = Finding::of(rule, level, &[reading]);
    write(store, NOW, |tx| {
        alerts::open(tx, Keyed { key: patient.key, id: patient.id }, rule, &episode, &finding, false)
    })
}

fn patient(store: &Store) -> patients::Patient {
    let identity = PatientIdentity {
        name: "Maria Souza".parse().unwrap(),
        birth_date: chrono::NaiveDate::from_ymd_opt(1961, 5, 4).unwrap(),
        cpf: None,
        cns: None,
        email: None,
        phone: None,
    };
    let details = patients::Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
    write(store, NOW, |tx| patients::insert(tx, &details))
}

#[test]
fn who_was_on_call_is_told_by_the_version_in_force_then() {
    for store in stores() {
        let (ana, bia, caio) =
            (person(&store, Role::Clinician), person(&store, Role::Clinician), person(&store, Role::Agent));
        let first = duty(vec![rotation(clock("2026-11-01 08:00"), Length::Weeks(1), &[ana])]);
        let second = duty(vec![rotation(clock("2026-11-01 08:00"), Length::Weeks(1), &[bia])]);
        assert_eq!(write(&store, NOW, |tx| publish(tx, "duty", &first, 0)), 1);
        write(&store, NOW.plus(DAY), |tx| publish(tx, "duty", &second, 1));
        let over = Override {
            from: NOW.plus(DAY * 2),
            to: NOW.plus(DAY * 3),
            change: Change::Replace(bia, caio),
            meant_at: None,
        };
        write(&store, NOW.plus(DAY + HOUR), |tx| changes::put_override(tx, "duty", None, over, 2));
        assert_eq!(who(&store, "duty", NOW.plus(HOUR)), [ana], "a later edit does not rewrite it");
        assert_eq!(who(&store, "duty", NOW.plus(DAY)), [bia]);
        assert_eq!(who(&store, "duty", NOW.plus(DAY * 2)), [caio]);
        let before = store.read(|view| on_call(view, "duty", NOW.minus(HOUR)));
        assert!(matches!(before, Err(Error::NotFound(_))), "there was no such schedule");
        // An override that was over is left out of the next version, and still shown.
        write(&store, NOW.plus(DAY * 4), |tx| publish(tx, "duty", &second, 3));
        assert_eq!(who(&store, "duty", NOW.plus(DAY * 5 / 2)), [caio]);
        let within = Window { from: NOW, to: NOW.plus(DAY * 6) };
        let turns = store.read(|view| turns(view, "duty", within)).unwrap();
        let turn = |from, to, user| (Window { from: NOW.plus(from), to: NOW.plus(to) }, user);
        let zero = Duration::ZERO;
        let expected = [
            turn(zero, DAY, ana),
            turn(DAY, DAY * 2, bia),
            turn(DAY * 2, DAY * 3, caio),
            turn(DAY * 3, DAY * 6, bia),
        ];
        assert_eq!(turns, expected);
        let stale = store.write(Actor::Operator, NOW.plus(DAY * 5), |tx| publish(tx, "duty", &first, 1));
        assert!(matches!(stale, Err(Error::Stale { current: 4 })));
        let stranger = duty(vec![rotation(clock("2026-11-01 08:00"), Length::Weeks(1), &[UserId::new(NOW)])]);
        let refused = store.write(Actor::Operator, NOW, |tx| publish(tx, "other", &stranger, 0));
        assert!(matches!(refused, Err(Error::Refused { code: "E_INVALID", .. })));
    }
}

#[test]
fn the_seeds_are_the_schedules_that_the_seeded_policies_name() {
    use domain::escalation::{Target, seeds};
    for store in stores() {
        write(&store, NOW, |tx| seed(tx).and_then(|()| seed(tx)));
        let policies = seeds();
        let steps = policies.iter().flat_map(|policy| policy.steps.iter().chain([&policy.nobody_reached]));
        for target in steps.flat_map(|step| &step.targets) {
            if let Target::Schedule(id) = target {
                let duty = store.read(|view| get(view, id, NOW)).unwrap();
                assert_eq!(duty.version, 1, "seeding twice changes nothing");
                let found = store.read(|view| problems(view, id, &duty.body, NOW)).unwrap();
                assert_eq!(found, [Issue::Gap(Window { from: NOW, to: NOW.plus(AHEAD) })], "{id} is loud");
            }
        }
    }
}

#[test]
fn a_certificate_is_noted_renewed_and_in_the_log() {
    for store in stores() {
        let ana = person(&store, Role::Clinician);
        assert_eq!(store.read(|view| certificate(view, ana)).unwrap(), None);
        let before = entries(&store, "admin.config");
        write(&store, NOW, |tx| certify(tx, ana, NOW.plus(DAY)));
        let renewed = write(&store, NOW.plus(HOUR), |tx| certify(tx, ana, NOW.plus(DAY * 400)));
        assert_eq!(store.read(|view| certificate(view, ana)).unwrap(), Some(renewed));
        assert_eq!(entries(&store, "admin.config"), before + 2);
        let slip = store.write(Actor::Operator, NOW, |tx| certify(tx, ana, NOW.plus(DAY * 36_600)));
        assert!(matches!(slip, Err(Error::Refused { code: "E_INVALID", .. })), "2126: {slip:?}");
        let nobody = store.write(Actor::Operator, NOW, |tx| certify(tx, UserId::new(NOW), NOW));
        assert!(matches!(nobody, Err(Error::NotFound("user"))));
        let fit = store.read(people).unwrap()[&ana];
        assert_eq!(fit.certified_until, Some(NOW.plus(DAY * 400)));
        let licence = Licence { council: "COREN-SP".into(), number: "123456-ENF".into() };
        write(&store, NOW, |tx| license(tx, ana, Some(&licence)));
        let again = write(&store, NOW, |tx| certify(tx, ana, NOW.plus(DAY)));
        assert_eq!(again.licence, Some(licence), "renewing keeps the number");
        write(&store, NOW, |tx| users::disable(tx, ana));
        assert!(!store.read(people).unwrap().contains_key(&ana));
    }
}

#[test]
fn a_feed_is_opened_by_its_secret_until_it_is_renewed_ended_or_its_owner_leaves() {
    for store in stores() {
        let ana = person(&store, Role::Clinician);
        let whose = |secret: &str| store.read(|view| feeds::whose(view, "duty", secret)).unwrap();
        let open = || write(&store, NOW, |tx| feeds::open(tx, "duty", ana)).reveal().to_owned();
        let (first, second) = (open(), open());
        assert_eq!((whose(&first), whose(&second), whose("")), (None, Some(ana), None));
        assert_eq!(store.read(|view| feeds::whose(view, "other", &second)).unwrap(), None);
        write(&store, NOW, |tx| feeds::close(tx, "duty", ana));
        assert_eq!(whose(&second), None);
        let third = open();
        write(&store, NOW, |tx| users::disable(tx, ana));
        assert_eq!(whose(&third), None);
    }
}

#[test]
fn ordinary_work_beyond_nine_tenths_is_refused_and_red_never() {
    for store in stores() {
        let (ana, maria, joao) = (person(&store, Role::Agent), patient(&store), patient(&store));
        let act = |alert, what| {
            store.write(Actor::User { id: ana, role: Role::Agent }, NOW, |tx| {
                admit(tx, alert, ana, what)?;
                alerts::acted(tx, alert, ana, what, None).map_err(|_refused| Error::Conflict("refused"))
            })
        };
        write(&store, NOW, |tx| set(tx, ana, 2));
        let first = alert(&store, &maria, 0, Level::Yellow);
        let second = alert(&store, &maria, 1, Level::Yellow);
        let red = alert(&store, &joao, 0, Level::Red);
        assert_eq!(store.read(waiting).unwrap(), 2);
        act(first, Deed::Claim).unwrap();
        for what in [Deed::Claim, Deed::Ack, Deed::Reassign { to: ana }] {
            let full = act(second, what);
            assert!(matches!(full, Err(Error::Refused { code: "E_CAPACITY", .. })), "{what:?}");
        }
        act(first, Deed::Ack).unwrap();
        act(red, Deed::Claim).unwrap();
        let agents = store.read(|view| agents(view, None)).unwrap();
        assert_eq!((agents[0].load, agents[0].capacity, agents[0].reserve_used()), (2, 2, 1));
        act(first, Deed::Resolve { outcome: domain::Outcome::FalseAlarm }).unwrap();
        act(second, Deed::Claim).unwrap_err();
        act(red, Deed::Resolve { outcome: domain::Outcome::FalseAlarm }).unwrap();
        act(second, Deed::Claim).unwrap();
        let most = store.write(Actor::Operator, NOW, |tx| set(tx, ana, 501));
        assert!(matches!(most, Err(Error::Refused { code: "E_INVALID", .. })));
    }
}

/// chatwoot 7204, 4158, 10376: work goes to people who are off, and a backlog stays when somebody frees up.
#[test]
fn complaint_10_work_goes_to_nobody_who_is_off_and_a_backlog_drains_when_somebody_comes() {
    for store in stores() {
        let (ana, bia) = (person(&store, Role::Agent), person(&store, Role::Agent));
        let maria = patient(&store);
        let starts = Zone::SAO_PAULO.local(NOW.minus(HOUR));
        let body = duty(vec![rotation(starts, Length::Hours(12), &[ana, bia])]);
        write(&store, NOW.minus(HOUR), |tx| publish(tx, "frontline", &body, 0));
        let reopened = alert(&store, &maria, 0, Level::Yellow);
        let next = |at| store.read(|view| next_for(view, reopened, at)).unwrap();
        // Bia knows the patient: she had this one before she left.
        let by = Actor::User { id: bia, role: Role::Agent };
        let claim = |tx: &mut Tx<'_>| alerts::acted(tx, reopened, bia, Deed::Claim, None).map(drop);
        store.write(by, NOW, |tx| claim(tx).map_err(|_refused| Error::Conflict("refused"))).unwrap();
        assert_eq!(next(NOW), Some(ana), "Bia knows her, and is off");
        assert_eq!(next(NOW.plus(HOUR * 12)), Some(bia));
        write(&store, NOW, |tx| set(tx, ana, 0));
        assert_eq!(next(NOW), None, "it waits: whoever is on has no room");
        write(&store, NOW, |tx| set(tx, ana, 10));
        assert_eq!(next(NOW), Some(ana), "and goes on as soon as there is some");
        write(&store, NOW, |tx| users::disable(tx, ana));
        assert_eq!(next(NOW), None);
    }
}

/// grafana oncall 934, 1511: the person on call had no way to be reached, and nobody was told before the night.
#[test]
fn complaint_22_whoever_cannot_be_reached_is_named_before_the_night() {
    for store in stores() {
        let (ana, bia) = (person(&store, Role::Clinician), person(&store, Role::Clinician));
        let body = duty(vec![rotation(Zone::SAO_PAULO.local(NOW), Length::Weeks(1), &[ana, bia])]);
        write(&store, NOW, |tx| publish(tx, "duty", &body, 0));
        let found = || store.read(|view| problems(view, "duty", &body, NOW)).unwrap();
        let whole = Window { from: NOW, to: NOW.plus(AHEAD) };
        assert_eq!(found(), [Issue::NobodyReachable(whole)], "no call leaves this house");
        write(&store, NOW, |tx| crate::escalation::paging::send_e_mail(tx, true));
        assert_eq!(found(), []);
        assert!(write(&store, NOW, |tx| mark_unreachable(tx, bia, Channel::Email, "bounced")));
        assert!(!write(&store, NOW, |tx| mark_unreachable(tx, bia, Channel::Email, "again")), "once");
        let unreached: Vec<Window> = found()
            .into_iter()
            .map(|issue| match issue {
                Issue::NobodyReachable(window) => window,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(unreached.len(), 2, "her weeks of the next 30 days");
        assert_eq!(unreached[0], Window { from: NOW.plus(DAY * 7), to: NOW.plus(DAY * 14) });
        assert_eq!(store.read(|view| unreachable(view, bia)).unwrap()[0].why, "bounced");
        write(&store, NOW, |tx| reached_again(tx, bia, Channel::Email));
        assert_eq!(found(), []);
        write(&store, NOW, |tx| users::disable(tx, ana));
        assert!(matches!(found()[0], Issue::NobodyReachable(_)), "who may not sign in reaches nobody");
    }
}

/// grafana oncall 3261, 5247, 5455, 2950, 4197: shifts stored in UTC slid by an hour when the clocks changed.
#[test]
fn complaint_28_a_turn_keeps_its_hour_on_the_wall_clock_when_the_clocks_change() {
    for store in stores() {
        let (ana, bia) = (person(&store, Role::Clinician), person(&store, Role::Clinician));
        // São Paulo 2018: the clock was set ahead at midnight of 4 November.
        let mut body = duty(vec![rotation(clock("2018-10-01 08:00"), Length::Days(1), &[ana, bia])]);
        let at = |text| body.schedule.zone.first(clock(text));
        let begin = at("2018-10-01 00:00");
        write(&store, begin, |tx| publish(tx, "duty", &body, 0));
        let within = Window { from: at("2018-10-20 08:00"), to: at("2018-11-20 08:00") };
        let turns = store.read(|view| turns(view, "duty", within)).unwrap();
        assert_eq!(turns.len(), 31);
        for pair in turns.windows(2) {
            assert_eq!(pair[0].0.to, pair[1].0.from, "no gap and no overlap");
        }
        for (window, _) in &turns {
            assert_eq!(body.schedule.zone.local(window.from).format("%H:%M").to_string(), "08:00");
        }
        let short = turns.iter().filter(|(window, _)| window.to.since(window.from) == HOUR * 23).count();
        assert_eq!(short, 1, "the night of the change has 23 hours");
        // The same rule for a hand-over in the hour that comes twice: an overlap, never a gap.
        body.schedule.zone = Zone::parse("America/New_York").unwrap();
        body.schedule.rotations[0].starts = clock("2026-10-01 01:30");
        let zone = body.schedule.zone;
        let day =
            Window { from: zone.first(clock("2026-10-31 12:00")), to: zone.first(clock("2026-11-02 12:00")) };
        let shifts = body.schedule.shifts(day, Away::NOBODY);
        let covered = union(shifts.iter().map(|shift| shift.window).collect());
        assert_eq!(covered, [day]);
        let both = shifts.windows(2).filter(|pair| pair[0].window.meet(pair[1].window).is_some());
        let both: Vec<_> = both.collect();
        assert_eq!(both.len(), 1, "both are on call in the hour between the two half past ones");
    }
}

/// rust-rrule 109, 115, 144: occurrences doubled or skipped at a change of clocks, a panic at an ambiguous bound.
#[test]
fn complaint_29_no_turn_is_doubled_or_skipped_at_a_change_of_clocks_and_no_bound_panics() {
    let people: Vec<UserId> = (0..3).map(|n| UserId(uuid::Uuid::from_u128(n + 1))).collect();
    for (zone, around) in [
        ("America/Sao_Paulo", "2018-11-04 00:00"),
        ("America/Sao_Paulo", "2018-02-17 23:30"),
        ("America/New_York", "2026-03-08 02:30"),
        ("America/New_York", "2026-11-01 01:30"),
        ("Australia/Lord_Howe", "2026-04-05 01:45"),
    ] {
        let zone = Zone::parse(zone).unwrap();
        let change = clock(around);
        let mut body = duty(vec![rotation(change - chrono::TimeDelta::days(10), Length::Days(1), &people)]);
        body.schedule.zone = zone;
        // Bounds that never came or came twice.
        body.schedule.rotations[0].ends = Some(change + chrono::TimeDelta::days(10));
        let within =
            Window { from: zone.first(change).minus(DAY * 20), to: zone.last(change).plus(DAY * 20) };
        let shifts = body.schedule.shifts(within, Away::NOBODY);
        assert_eq!(shifts.len(), 20, "{zone:?}: one turn a day");
        for (pair, place) in shifts.windows(2).zip(0..) {
            assert_eq!(pair[0].user, people[place % 3], "{zone:?}: in their order");
            assert!(pair[1].window.from <= pair[0].window.to && pair[0].window.from < pair[1].window.from);
        }
        for (from, to) in [(change, change), (change, change + chrono::TimeDelta::minutes(30))] {
            let window = Window { from: zone.first(from), to: zone.last(to) };
            let shifts = body.schedule.shifts(window, Away::NOBODY);
            assert!(
                shifts.iter().all(|shift| window.from <= shift.window.from && shift.window.to <= window.to)
            );
        }
    }
}

#[test]
fn a_team_is_kept_in_versions() {
    for store in stores() {
        let ana = person(&store, Role::Agent);
        let team = Team { name: Name { pt: "Frente".into(), en: "Front".into() }, members: vec![ana] };
        assert_eq!(team.check(), Ok(()));
        write(&store, NOW, |tx| versions::publish(tx, "front", &team, 0));
        let stored = store.read(|view| versions::in_force::<Team>(view, "front", NOW)).unwrap().unwrap();
        assert_eq!(stored.body, team);
    }
}
