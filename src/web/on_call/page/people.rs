//! People who may be on call, for one viewer now: certificate, capacity and reach, and the forms that change them.

use std::collections::BTreeMap;

use actix_web::web::{Form, Path};
use chrono::{Days, NaiveDate};
use serde::Deserialize;

use crate::escalation::view::progress::channel_word;
use crate::http::fault::Fault;
use crate::on_call::view::people::{self as pages, Certificate, Load, Lost, One, Person};
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::People;
use crate::{Code, Key, Section};
use domain::line::NotALine;
use domain::messages::Channel;
use domain::on_call::Licence;
use domain::on_call::capacity::{Agent, MOST, Work};
use domain::time::civil::Zone;
use domain::{Can, Instant, UserId};
use store::View;
use store::escalation::paging;
use store::on_call::{self, Gone};
use store::people::users;

/// `/on-duty`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Schedules, |room| {
            let rows = room.read(|view| rows(view, room))?;
            Ok(pages::page(&room.shell, &pages::View { rows }))
        })
        .await
}

/// `/on-duty/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<UserId>) -> Answer {
    visit
        .page(Section::Schedules, move |room| {
            let view = room.read(|view| one(view, room, *id))?;
            Ok(pages::one(&room.shell, &view))
        })
        .await
}

fn rows(view: &mut View<'_>, room: &Room) -> Result<Vec<Person>, Fault> {
    let on_duty = on_call::capacity::on_duty(view, room.now)?;
    let agents = on_call::capacity::agents(view, None)?;
    let away = if room.shell.sees_absences() { paging::away(view, room.now)? } else { BTreeMap::new() };
    let mut people = People::default();
    let mut rows = Vec::new();
    for (id, fit) in on_call::people(view)? {
        rows.push(Person {
            id,
            name: people.user(view, id)?,
            role: users::get(view, id)?.role,
            on_call: on_duty.contains(&id),
            away: away.get(&id).copied(),
            certificate: certificate(room, fit.certified_until),
            ways: paging::channels(view, id)?.into_iter().map(channel_word).collect(),
            lost: on_call::unreachable(view, id)?.into_iter().map(lost).collect(),
            load: agents.iter().find(|agent| agent.user == id).map(load),
        });
    }
    rows.sort_by_key(|person| person.name.to_lowercase());
    Ok(rows)
}

fn one(view: &mut View<'_>, room: &Room, id: UserId) -> Result<One, Fault> {
    let person = rows(view, room)?.into_iter().find(|person| person.id == id);
    let certificate = on_call::certificate(view, id)?;
    let noted = match &certificate {
        Some(certificate) => {
            Some((People::default().actor(view, &certificate.noted_by)?, certificate.noted_at))
        }
        None => None,
    };
    let licence = certificate.as_ref().and_then(|certificate| certificate.licence.clone());
    let licence =
        licence.map_or_else(Default::default, |licence| (licence.council.into(), licence.number.into()));
    let day = certificate
        .map_or_else(String::new, |certificate| zone(room).date(last(certificate.valid_until)).to_string());
    Ok(One {
        person: person.ok_or_else(|| Fault::new(Code::NotFound))?,
        noted,
        licence,
        last_day: day,
        may_manage: room.viewer.may(Can::ManageSchedules),
    })
}

/// The reader's clock decides when a day ends.
fn zone(room: &Room) -> Zone {
    Zone::parse(room.words().zone.name()).unwrap_or(Zone::SAO_PAULO)
}

/// The last instant at which something is valid that is not any more at `until`.
const fn last(until: Instant) -> Instant {
    Instant::from_micros(until.micros().saturating_sub(1))
}

fn certificate(room: &Room, until: Option<Instant>) -> Certificate {
    match until {
        None => Certificate::None,
        Some(until) if room.now < until => Certificate::Valid(last(until)),
        Some(until) => Certificate::Over(last(until)),
    }
}

fn lost(gone: Gone) -> Lost {
    let why = if gone.why == "bounced" { Key("lost-bounced") } else { Key("lost-by-hand") };
    Lost { channel: gone.channel.name(), word: channel_word(gone.channel), why, since: gone.since }
}

fn load(agent: &Agent) -> Load {
    Load {
        load: agent.load,
        capacity: agent.capacity,
        reserve: agent.reserve(),
        reserve_used: agent.reserve_used(),
        free: agent.free(Work::Ordinary),
    }
}

/// What the forms send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    day: String,
    council: String,
    number: String,
    most: String,
    channel: String,
}

impl Sent {
    /// The first instant after the last day.
    fn until(&self, zone: Zone) -> Result<Instant, Fault> {
        let day: Option<NaiveDate> = self.day.trim().parse().ok();
        let next = day.and_then(|day| day.checked_add_days(Days::new(1)));
        let next = next.filter(|day| (2_000..2_200).contains(&chrono::Datelike::year(day)));
        Ok(zone.day(next.ok_or_else(|| Fault::invalid("day", "a day"))?).from)
    }

    /// Both, or neither.
    fn licence(&self) -> Result<Option<Licence>, Fault> {
        if self.council.trim().is_empty() && self.number.trim().is_empty() {
            return Ok(None);
        }
        let read = |field: &'static str, text: &str| {
            text.parse().map_err(|why: NotALine| Fault::invalid(field, &why.to_string()))
        };
        let (council, number) = (read("council", &self.council)?, read("number", &self.number)?);
        Ok(Some(Licence { council, number }))
    }

    fn most(&self) -> Result<u32, Fault> {
        let most = self.most.trim().parse().ok().filter(|most| *most <= MOST);
        most.ok_or_else(|| Fault::invalid("most", "0 to 500"))
    }
}

/// POST `/on-duty/{id}/{certificate|uncertify|capacity|reached}`.
pub(crate) async fn act(visit: Visit, path: Path<(UserId, String)>, sent: Form<Sent>) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .act(move |room| {
            match name.as_str() {
                "certificate" => {
                    let (until, licence) = (sent.until(zone(room))?, sent.licence()?);
                    room.write(|tx| {
                        on_call::certify(tx, id, until)?;
                        let noted = on_call::certificate(tx, id)?.and_then(|certificate| certificate.licence);
                        if noted == licence {
                            Ok(())
                        } else {
                            Ok(on_call::license(tx, id, licence.as_ref())?)
                        }
                    })?;
                }
                "uncertify" => {
                    room.write(|tx| Ok(on_call::certify(tx, id, room.now)?))?;
                }
                "capacity" => {
                    let most = sent.most()?;
                    room.write(|tx| Ok(on_call::capacity::set(tx, id, most)?))?;
                }
                "reached" => {
                    let channel = Channel::from_name(&sent.channel);
                    let channel = channel.ok_or_else(|| Fault::invalid("channel", "one of the channels"))?;
                    room.write(|tx| {
                        users::get(tx, id)?;
                        Ok(on_call::reached_again(tx, id, channel)?)
                    })?;
                }
                _ => return Err(Code::NotFound.into()),
            }
            Ok(format!("/on-duty/{id}"))
        })
        .await
}
