//! The forms of a schedule, which need no script: a rotation, the end of a feed.

use std::collections::BTreeMap;

use actix_web::web::{Form, Path};

use super::schedule::{LOCAL, clock};
use super::windows;
use crate::Code;
use crate::http::fault::Fault;
use crate::on_call::view::schedule::RotationShown;
use crate::pages::visit::{Answer, Visit};
use domain::calendars::Hours;
use domain::line::NotALine;
use domain::on_call::{Duty, Idle, Length, Rotation, Schedule};
use domain::rules::Name;
use domain::{Label, UserId};
use store::Tx;
use store::on_call::{self, feeds};

/// Empty places for people at the end of the form.
const SPARE: usize = 3;
/// Letters of a name.
const HOURS: [&str; 7] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6"];

/// Every rotation as its form holds it, and an empty one.
pub(crate) fn of(schedule: &Schedule) -> Vec<RotationShown> {
    let shown_rows = schedule.rotations.iter().enumerate().map(|(place, rotation)| shown(place, rotation));
    let empty = RotationShown {
        lengths: [("1".to_owned(), "weeks"), (String::new(), "days")],
        people: vec![String::new(); 4],
        hours: vec![String::new(); 7],
        ..RotationShown::default()
    };
    shown_rows.chain([empty]).collect()
}

fn shown(place: usize, rotation: &Rotation) -> RotationShown {
    let mut people: Vec<String> = rotation.people.iter().map(ToString::to_string).collect();
    people.resize(people.len() + SPARE, String::new());
    let mut lengths = rotation.lengths.iter().map(|length| match length {
        Length::Hours(n) => (n.to_string(), "hours"),
        Length::Days(n) => (n.to_string(), "days"),
        Length::Weeks(n) => (n.to_string(), "weeks"),
        Length::Months(n) => (n.to_string(), "months"),
    });
    let mut length = || lengths.next().unwrap_or_else(|| (String::new(), "days"));
    let hours = |hours: &[Hours; 7]| hours.iter().map(|day| String::from(day.clone())).collect();
    RotationShown {
        place: place.to_string(),
        name: rotation.name.to_string(),
        starts: rotation.starts.format(LOCAL).to_string(),
        ends: rotation.ends.map_or_else(String::new, |ends| ends.format(LOCAL).to_string()),
        lengths: [length(), length()],
        people,
        hours: rotation.hours.as_ref().map_or_else(|| vec![String::new(); 7], hours),
        beyond: rotation.lengths.len() > 2,
        overlap: rotation.overlap_minutes,
        counted: rotation.idle_turns == Idle::Counted,
    }
}

/// What a form sent: names may come more than once.
pub(crate) struct Sent(pub Vec<(String, String)>);

impl Sent {
    /// Every value of a name, without those that are empty.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Its first value.
    pub(crate) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// A name in both languages.
    ///
    /// # Errors
    /// `E_INVALID` names the language.
    pub(crate) fn name(&self) -> Result<Name, Fault> {
        Ok(Name { pt: self.label("pt")?, en: self.label("en")? })
    }

    fn label(&self, field: &'static str) -> Result<Label, Fault> {
        let text = self.first(field).unwrap_or_default();
        text.parse().map_err(|why: NotALine| Fault::invalid(field, &why.to_string()))
    }

    /// The version that the form was drawn from.
    ///
    /// # Errors
    /// `E_PRECONDITION_REQUIRED`.
    pub(crate) fn version(&self) -> Result<u32, Fault> {
        let version = self.first("version").and_then(|text| text.parse().ok());
        version.ok_or_else(|| Fault::new(Code::PreconditionRequired))
    }

    /// A person, or nobody.
    ///
    /// # Errors
    /// `E_INVALID` names the field.
    pub(crate) fn user(&self, name: &str) -> Result<Option<UserId>, Fault> {
        self.first(name).map(|id| id.parse().map_err(|_id| Fault::invalid("person", "a person"))).transpose()
    }

    fn rotation(&self) -> Result<Rotation, Fault> {
        let when = |name: &'static str| {
            self.first(name).map(|text| clock(text).ok_or_else(|| Fault::invalid(name, "a day and an hour")))
        };
        let starts = when("starts").ok_or_else(|| Fault::invalid("starts", "a day and an hour"))??;
        let people =
            self.all("person").map(|id| id.parse().map_err(|_id| Fault::invalid("person", "a person")));
        let lengths = [self.length("n1", "u1")?, self.length("n2", "u2")?];
        Ok(Rotation {
            name: self.label("name")?,
            starts,
            ends: when("ends").transpose()?,
            lengths: lengths.into_iter().flatten().collect(),
            people: people.collect::<Result<_, _>>()?,
            hours: self.hours()?,
            overlap_minutes: self.overlap()?,
            idle_turns: if self.first("counted").is_some() { Idle::Counted } else { Idle::Skipped },
        })
    }

    fn overlap(&self) -> Result<u16, Fault> {
        let text = self.first("overlap").unwrap_or("0");
        text.parse().map_err(|_number| Fault::invalid("overlap", "minutes, 0 to 240"))
    }

    fn length(&self, count: &'static str, unit: &'static str) -> Result<Option<Length>, Fault> {
        let Some(text) = self.first(count) else { return Ok(None) };
        let n = text.parse().map_err(|_number| Fault::invalid(count, "a whole number"))?;
        match self.first(unit) {
            Some("hours") => Ok(Some(Length::Hours(n))),
            Some("days") => Ok(Some(Length::Days(n))),
            Some("weeks") => Ok(Some(Length::Weeks(n))),
            Some("months") => Ok(Some(Length::Months(n))),
            _ => Err(Fault::invalid(unit, "hours, days, weeks or months")),
        }
    }

    fn hours(&self) -> Result<Option<[Hours; 7]>, Fault> {
        let mut days: BTreeMap<usize, Hours> = BTreeMap::new();
        for (day, name) in HOURS.into_iter().enumerate() {
            if let Some(text) = self.first(name) {
                let hours =
                    Hours::parse(text).map_err(|_hours| Fault::invalid(name, "07:00-12:00 13:00-19:00"))?;
                days.insert(day, hours);
            }
        }
        let of = |day: usize| days.get(&day).cloned().unwrap_or_default();
        Ok((!days.is_empty()).then(|| std::array::from_fn(of)))
    }
}

/// POST `/schedules/{id}/{override|take-override|temporary|take-temporary|rotation|remove}`.
pub(crate) async fn act(
    visit: Visit,
    path: Path<(String, String)>,
    sent: Form<Vec<(String, String)>>,
) -> Answer {
    let (id, name) = path.into_inner();
    let sent = Sent(sent.into_inner());
    visit
        .act(move |room| {
            room.write(|tx| match name.as_str() {
                "override" => windows::put_override(tx, &id, &sent),
                "temporary" => windows::put_temporary(tx, &id, &sent),
                "take-override" => windows::take_override(tx, &id, &sent),
                "take-temporary" => windows::take_temporary(tx, &id, &sent),
                "rotation" => turned(tx, &id, &sent),
                "remove" => removed(tx, &id, &sent),
                _ => Err(Code::NotFound.into()),
            })?;
            Ok(format!("/schedules/{id}"))
        })
        .await
}

/// POST `/schedules/{id}/unfeed`: ends the viewer's feed.
pub(crate) async fn unfeed(visit: Visit, id: Path<String>) -> Answer {
    visit
        .act(move |room| {
            room.write(|tx| Ok(feeds::close(tx, &id, room.viewer.id)?))?;
            Ok(format!("/schedules/{id}#feed"))
        })
        .await
}

/// The schedule in force.
///
/// # Errors
/// `E_NOT_FOUND`; store faults.
pub(crate) fn duty(tx: &mut Tx<'_>, id: &str) -> Result<Duty, Fault> {
    let now = tx.now();
    Ok(on_call::get(tx, id, now)?.body)
}

fn turned(tx: &mut Tx<'_>, id: &str, sent: &Sent) -> Result<(), Fault> {
    let mut duty = duty(tx, id)?;
    let rotation = sent.rotation()?;
    match sent.first("place") {
        None => duty.schedule.rotations.push(rotation),
        Some(place) => *drafted(&mut duty, place)? = rotation,
    }
    on_call::publish(tx, id, &duty, sent.version()?)?;
    Ok(())
}

fn removed(tx: &mut Tx<'_>, id: &str, sent: &Sent) -> Result<(), Fault> {
    let mut duty = duty(tx, id)?;
    let place = sent.first("place").and_then(|place| place.parse().ok());
    let place = place.filter(|place: &usize| *place < duty.schedule.rotations.len());
    duty.schedule.rotations.remove(place.ok_or_else(|| Fault::new(Code::NotFound))?);
    on_call::publish(tx, id, &duty, sent.version()?)?;
    Ok(())
}

fn drafted<'a>(duty: &'a mut Duty, place: &str) -> Result<&'a mut Rotation, Fault> {
    let place: Option<usize> = place.parse().ok();
    place.and_then(|place| duty.schedule.rotations.get_mut(place)).ok_or_else(|| Fault::new(Code::NotFound))
}
