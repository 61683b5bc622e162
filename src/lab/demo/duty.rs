//! Who is on call at the demo's clinic: four clinicians who take turns by the day, somebody behind them, and the
//! manager at the top of the policy. One of them is away for a few days next week.

use std::time::Duration;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};

use super::seed::SeedError;
use domain::on_call::{Cover, Idle, Length, Need, Rotation};
use domain::time::civil::{Window, Zone};
use domain::{Instant, Role, StaffIdentity, UserId};
use store::Tx;
use store::on_call::{self, absences};
use store::people::users::{self, NewUser};

/// Colleagues without a sign-in: role, name, e-mail address.
const COLLEAGUES: [(Role, &str, &str); 4] = [
    (Role::Clinician, "Caio Exemplo", "caio@clinica.example"),
    (Role::Clinician, "Célia Exemplo", "celia@clinica.example"),
    (Role::Clinician, "Cecília Exemplo", "cecilia@clinica.example"),
    (Role::Agent, "Artur Exemplo", "artur@clinica.example"),
];
/// Turns are handed over at seven in the morning.
const HAND_OVER: u32 = 7;
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const WHOLE_WEEK: Duration = Duration::from_secs(168 * 3_600);

/// Fills the seeded schedules. The first of `clinicians` is on call now.
///
/// # Errors
/// [`SeedError`].
pub(super) fn seed(tx: &mut Tx<'_>, staff: &[(Role, UserId)], now: Instant) -> Result<(), SeedError> {
    on_call::seed(tx)?;
    let mut staff = staff.to_vec();
    for (role, name, email) in COLLEAGUES {
        let identity = StaffIdentity {
            name: name.parse().map_err(|_not_valid| SeedError::Form("a name"))?,
            email: email.parse().map_err(|_not_valid| SeedError::Form("an e-mail address"))?,
        };
        let new = NewUser { identity, role, password: None, patient: None };
        staff.push((role, users::insert(tx, &new)?.id));
    }
    let of = |wanted: Role| staff.iter().filter(|(role, _)| *role == wanted).map(|(_, user)| *user).collect();
    let (clinicians, agents, managers): (Vec<_>, Vec<_>, Vec<_>) =
        (of(Role::Clinician), of(Role::Agent), of(Role::Manager));
    for user in &clinicians {
        on_call::certify(tx, *user, now.plus(YEAR))?;
    }
    let mut behind = clinicians.clone();
    behind.rotate_left(1);
    let week = Need { certificate: false, most_in_a_week: WHOLE_WEEK, averaged_weeks: 1 };
    turns(tx, "clinician_on_call", None, Length::Days(1), clinicians.clone(), now)?;
    turns(tx, "clinician_backup", None, Length::Days(1), behind, now)?;
    turns(tx, "coordination", Some(week), Length::Weeks(1), agents, now)?;
    turns(tx, "duty_manager", Some(week), Length::Weeks(1), managers, now)?;
    leave(tx, &clinicians, now)
}

/// The last of the clinicians has a few days off, and two others stand in: each where the backup of that day is not
/// themselves.
fn leave(tx: &mut Tx<'_>, clinicians: &[UserId], now: Instant) -> Result<(), SeedError> {
    let [first, second, .., away] = clinicians else { return Ok(()) };
    let within = Window { from: now.plus(DAY * 9), to: now.plus(DAY * 14) };
    let stand_in = |(schedule, Window { from, to }): (String, Window)| {
        let by = if schedule == "clinician_on_call" { *second } else { *first };
        Cover { schedule, from, to, by }
    };
    let turns = absences::turns_of(tx, *away, within, now)?;
    let covers: Vec<Cover> = turns.into_iter().map(stand_in).collect();
    absences::note(tx, *away, within, &covers)?;
    Ok(())
}

fn turns(
    tx: &mut Tx<'_>,
    schedule: &str,
    need: Option<Need>,
    length: Length,
    people: Vec<UserId>,
    now: Instant,
) -> Result<(), SeedError> {
    let stored = on_call::get(tx, schedule, now)?;
    let mut duty = stored.body;
    duty.need = need.unwrap_or(duty.need);
    duty.schedule.rotations = vec![Rotation {
        name: "Revezamento".into(),
        starts: last_hand_over(now),
        ends: None,
        lengths: vec![length],
        people,
        hours: None,
        overlap_minutes: 0,
        idle_turns: Idle::Skipped,
    }];
    on_call::publish(tx, schedule, &duty, stored.version)?;
    Ok(())
}

/// The last seven in the morning on the clinic's clock.
fn last_hand_over(now: Instant) -> NaiveDateTime {
    let local = Zone::SAO_PAULO.local(now);
    let today = local.date().and_time(NaiveTime::from_hms_opt(HAND_OVER, 0, 0).unwrap_or_default());
    if today <= local { today } else { today - TimeDelta::days(1) }
}
