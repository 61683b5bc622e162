//! What happened to the red alerts of a span, and who was on call by today's schedules: the past on which a policy is
//! dry-run. Instants and ids only; no finding or name is opened.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::alerts::dsl as a;
use crate::db::schema::{certificates, users};
use crate::db::tx::View;
use crate::on_call::absences;
use crate::versions;
use ::rules::Episode;
use domain::alerts::AlertCase;
use domain::escalation::{Happened, Step, Target};
use domain::on_call::{Absences, Duty, Team};
use domain::{Instant, Level, Role, UserId};

/// The most alerts read; the newest ones.
pub(crate) const MOST: i64 = 2_000;

/// The alerts that could page in a span, oldest first: red at their worst, and known in time.
///
/// # Errors
/// Database errors.
pub fn history(view: &mut View<'_>, from: Instant, to: Instant) -> Result<Vec<Happened>> {
    let rows: Vec<(String, i64, String, String)> = a::alerts
        .filter(a::peak.eq(Level::Red.code()).and(a::retrospective.eq(false)))
        .filter(a::raised_at.ge(from.micros()).and(a::raised_at.lt(to.micros())))
        .order((a::raised_at.desc(), a::id.desc()))
        .limit(MOST)
        .select((a::id, a::raised_at, a::episode, a::case_record))
        .load(view.conn)?;
    let read = |(id, raised_at, episode, case): (String, i64, String, String)| {
        let broken = |column| Error::corrupt(column).in_row(&id);
        let episode: Episode = serde_json::from_str(&episode).map_err(|_shape| broken("alerts.episode"))?;
        let case: AlertCase = serde_json::from_str(&case).map_err(|_shape| broken("alerts.case_record"))?;
        let raised_at = Instant::from_micros(raised_at);
        let red = episode.levels.iter().find(|change| change.level == Level::Red).map(|change| change.at);
        Ok(Happened {
            began: red.map_or(raised_at, |at| at.max(raised_at)),
            answered: case.acknowledgements.first().map(|first| (first.by, first.at)),
            over: case.resolved_at,
        })
    };
    rows.into_iter().rev().map(read).collect()
}

/// Everybody whom a step may name, read once: roles, teams, and who is on call when.
pub struct Staff {
    users: Vec<(UserId, Role)>,
    certified_until: HashMap<UserId, Instant>,
    duties: HashMap<String, Duty>,
    teams: HashMap<String, Team>,
    absences: Absences,
}

/// How far back a policy is dry-run.
const LOOKED_BACK: Duration = Duration::from_secs(400 * 86_400);

impl Staff {
    /// As it stands at an instant; disabled accounts are left out.
    ///
    /// # Errors
    /// Database errors.
    pub fn load(view: &mut View<'_>, at: Instant) -> Result<Self> {
        let rows: Vec<(String, String)> = users::table
            .filter(users::disabled_at.is_null())
            .order(users::id)
            .select((users::id, users::role))
            .load(view.conn)?;
        let held = |(id, role): (String, String)| {
            let role = Role::from_name(&role).ok_or_else(|| Error::corrupt("users.role").in_row(&id))?;
            Ok((id.parse().map_err(|_not_an_id| Error::corrupt("users.id").in_row(&id))?, role))
        };
        let rows: Vec<(UserId, Role)> = rows.into_iter().map(held).collect::<Result<_>>()?;
        let certified: Vec<(String, i64)> =
            certificates::table.select((certificates::user_id, certificates::valid_until)).load(view.conn)?;
        let certified = certified.into_iter().map(|(id, until)| {
            let id = id.parse().map_err(|_not_an_id| Error::corrupt("certificates.user_id").in_row(&id))?;
            Ok((id, Instant::from_micros(until)))
        });
        let duties = versions::all_in_force::<Duty>(view, at)?;
        let teams = versions::all_in_force::<Team>(view, at)?;
        Ok(Self {
            absences: absences::after(view, at.minus(LOOKED_BACK))?,
            users: rows,
            certified_until: certified.collect::<Result<_>>()?,
            duties: duties.into_iter().map(|held| (held.name, held.body)).collect(),
            teams: teams.into_iter().map(|held| (held.name, held.body)).collect(),
        })
    }

    /// Who would be paged for a step at an instant, in the order of its targets.
    #[must_use]
    pub fn find(&self, step: &Step, at: Instant) -> Vec<UserId> {
        let mut found = Vec::new();
        for target in &step.targets {
            match target {
                Target::Person(user) => found.push(*user),
                Target::Role(role) => {
                    found.extend(self.users.iter().filter(|(_, held)| held == role).map(|(id, _)| *id));
                }
                Target::Schedule(name) => {
                    let on_call = self
                        .duties
                        .get(name)
                        .map(|duty| duty.schedule.at(at, self.absences.in_schedule(name)));
                    found.extend(on_call.into_iter().flatten().map(|(user, _why)| user));
                }
                Target::Team(name) => {
                    found.extend(self.teams.get(name).into_iter().flat_map(|team| &team.members).copied());
                }
            }
        }
        found.retain(|user| self.users.iter().any(|(id, _)| id == user));
        if step.certificate {
            found.retain(|user| self.certified_until.get(user).is_some_and(|until| *until > at));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::users::{NewUser, insert};
    use crate::testing::{NOW, stores};
    use crate::{Act, Actor};
    use domain::StaffIdentity;
    use domain::rules::Name;

    #[test]
    fn a_step_finds_roles_teams_and_persons_who_may_sign_in_and_certificates_end() {
        for store in stores() {
            let person = |tx: &mut crate::Tx<'_>, n: u8, role| {
                let identity = StaffIdentity {
                    name: format!("Pessoa {n}").parse().unwrap(),
                    email: format!("p{n}@zelo.example").parse().unwrap(),
                };
                insert(tx, &NewUser { identity, role, password: None, patient: None }).map(|user| user.id)
            };
            let (ana, bia) = store
                .write(Actor::Operator, NOW, |tx| {
                    let ana = person(tx, 1, Role::Clinician)?;
                    let bia = person(tx, 2, Role::Manager)?;
                    let name = Name { pt: "Noite".into(), en: "Night".into() };
                    versions::publish(tx, "night", &Team { name, members: vec![bia, ana] }, 0)?;
                    diesel::insert_into(certificates::table)
                        .values((
                            certificates::user_id.eq(ana.to_string()),
                            certificates::valid_until.eq(NOW.plus(Duration::from_secs(60)).micros()),
                            certificates::noted_by.eq("operator"),
                            certificates::noted_at.eq(NOW.micros()),
                        ))
                        .execute(tx.conn)?;
                    tx.audit(&Act::new("config.proposed"))?;
                    Ok((ana, bia))
                })
                .unwrap();
            let staff = store.read(|view| Staff::load(view, NOW)).unwrap();
            let step = |targets, certificate| Step { targets, minutes: 5, certificate, skip_if_empty: true };
            let find = |step: &Step, secs| staff.find(step, NOW.plus(Duration::from_secs(secs)));
            assert_eq!(find(&step(vec![Target::Role(Role::Manager)], false), 0), [bia]);
            assert_eq!(find(&step(vec![Target::Team("night".into())], false), 0), [bia, ana]);
            assert_eq!(find(&step(vec![Target::Team("night".into())], true), 0), [ana]);
            assert_eq!(find(&step(vec![Target::Person(ana)], true), 61), []);
            assert_eq!(find(&step(vec![Target::Schedule("none".into())], false), 0), []);
            let gone = store.read(|view| history(view, Instant::from_micros(0), NOW)).unwrap();
            assert_eq!(gone, []);
        }
    }
}
