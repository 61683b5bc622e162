//! A service level as data: its target and the alerts it is for, and those that every installation starts with. A timer keeps
//! the version that was in force when it started; a change is a new version.

use serde::{Deserialize, Serialize};

use super::Target;
use crate::alerts::Level;
use crate::calendars::{Calendar, Hours, Place, State};
use crate::rules::Name;
use crate::time::civil::Zone;

/// What ends the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// A named person answers: an acknowledgement.
    FirstResponse,
    /// The case is done.
    Resolution,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 2] = [Self::FirstResponse, Self::Resolution];

    /// Its name in the store and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstResponse => "first_response",
            Self::Resolution => "resolution",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

/// One version of a service level. JSON: `{"name": {"pt": …, "en": …}, "level": "red", "metric": "first_response",
/// "target": {"minutes": 20}, "calendar": "always", "on_breach": "red_alert"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceLevel {
    /// Its name for people.
    pub name: Name,
    /// The worst level of the alerts that it is given to.
    pub level: Level,
    /// What ends the clock.
    pub metric: Metric,
    /// How long it may take, and which clock counts.
    pub target: Target,
    /// The calendar, by its lasting id.
    pub calendar: String,
    /// The policy that is run when the time is over, by its lasting id.
    #[serde(default)]
    pub on_breach: Option<String>,
}

/// What is wrong with a service level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Faulty {
    /// Green is no alert.
    #[error("a service level is for yellow or red alerts")]
    Level,
    /// At once, or longer than anybody waits.
    #[error("the target is {0} minutes or days; give 1 minute to {MOST_DAYS} days")]
    Target(u32),
    /// A red waits for no clinic to open, and not for days.
    #[error(
        "a service level for reds counts day and night: minutes, up to {MOST_FIRST} until somebody answers and up to \
         {MOST_WHOLE} until it is resolved"
    )]
    Slow,
    /// A breach of a red that calls nobody.
    #[error("a breach of a red calls somebody: on_breach names a policy")]
    Mute,
}

/// Four hours: the first answer to a red takes no longer.
const MOST_FIRST: u32 = 4 * 60;
/// Three days: a red that nobody closed by then is somebody's fault to hear of.
const MOST_WHOLE: u32 = 3 * 24 * 60;

/// A year: every wait has an end.
const MOST_DAYS: u32 = 366;

impl ServiceLevel {
    /// Whether it is fit to be put in force.
    ///
    /// # Errors
    /// [`Faulty`].
    pub const fn check(&self) -> Result<(), Faulty> {
        if matches!(self.level, Level::Green) {
            return Err(Faulty::Level);
        }
        let (count, most) = match self.target {
            Target::Minutes(n) | Target::OpenMinutes(n) => (n, MOST_DAYS * 24 * 60),
            Target::Days(n) | Target::WorkingDays(n) => (n, MOST_DAYS),
        };
        if count == 0 || count > most {
            return Err(Faulty::Target(count));
        }
        if !matches!(self.level, Level::Red) {
            return Ok(());
        }
        let in_time = match (self.target, self.metric) {
            (Target::Minutes(n), Metric::FirstResponse) => n <= MOST_FIRST,
            (Target::Minutes(n), Metric::Resolution) => n <= MOST_WHOLE,
            (Target::OpenMinutes(_) | Target::Days(_) | Target::WorkingDays(_), _) => false,
        };
        match (in_time, self.on_breach.is_some()) {
            (false, _) => Err(Faulty::Slow),
            (true, false) => Err(Faulty::Mute),
            (true, true) => Ok(()),
        }
    }
}

/// The calendars that every installation starts with: day and night, and a clinic of São Paulo that closes for
/// lunch, at weekends and on the holidays of country, state and city.
#[must_use]
pub fn calendars() -> [(&'static str, Calendar); 2] {
    let place = Place { state: Some(State::Sp), municipality: Some(3_550_308) };
    let day = |day: usize| if day < 5 { Hours::office() } else { Hours::NONE };
    let always = Calendar::always(Zone::SAO_PAULO);
    let clinic = Calendar { week: std::array::from_fn(day), place: Some(place), ..always.clone() };
    [("always", always), ("clinic", clinic)]
}

/// The service levels that every installation starts with.
#[must_use]
pub fn seeds() -> [(&'static str, ServiceLevel); 4] {
    let service_level =
        |pt: &'static str, en: &'static str, level, metric, target, calendar: &str, on_breach: &str| {
            ServiceLevel {
                name: Name { pt: pt.into(), en: en.into() },
                level,
                metric,
                target,
                calendar: calendar.into(),
                on_breach: Some(on_breach.into()),
            }
        };
    [
        (
            "red_first_response",
            service_level(
                "Alerta vermelho: primeira resposta em 20 min",
                "Red alert: first response in 20 min",
                Level::Red,
                Metric::FirstResponse,
                Target::Minutes(20),
                "always",
                "red_alert",
            ),
        ),
        (
            "red_resolution",
            service_level(
                "Alerta vermelho: resolução em 8 h",
                "Red alert: resolution in 8 h",
                Level::Red,
                Metric::Resolution,
                Target::Minutes(480),
                "always",
                "red_alert",
            ),
        ),
        (
            "yellow_first_response",
            service_level(
                "Alerta amarelo: primeira resposta em 4 h úteis",
                "Yellow alert: first response in 4 open hours",
                Level::Yellow,
                Metric::FirstResponse,
                Target::OpenMinutes(240),
                "clinic",
                "standard",
            ),
        ),
        (
            "yellow_resolution",
            service_level(
                "Alerta amarelo: resolução em 2 dias úteis",
                "Yellow alert: resolution in 2 working days",
                Level::Yellow,
                Metric::Resolution,
                Target::WorkingDays(2),
                "clinic",
                "standard",
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escalation;

    #[test]
    fn the_seeds_hold_together() {
        let calendars: Vec<&str> = calendars().into_iter().map(|(name, _)| name).collect();
        let policies: Vec<String> = escalation::seeds().into_iter().map(|policy| policy.id).collect();
        for (name, level) in seeds() {
            assert_eq!(level.check(), Ok(()), "{name}");
            assert!(calendars.contains(&level.calendar.as_str()), "{name}");
            assert!(level.on_breach.is_some_and(|policy| policies.contains(&policy)), "{name}");
            assert_eq!(name, format!("{}_{}", level.level.name(), level.metric.name()));
        }
    }

    #[test]
    fn a_service_level_without_a_time_or_for_green_is_refused() {
        let [(_, service_level), ..] = seeds();
        let at_once = ServiceLevel { target: Target::OpenMinutes(0), ..service_level.clone() };
        assert_eq!(at_once.check(), Err(Faulty::Target(0)));
        let never = ServiceLevel { target: Target::WorkingDays(367), ..service_level.clone() };
        assert_eq!(never.check(), Err(Faulty::Target(367)));
        let green = ServiceLevel { level: Level::Green, ..service_level };
        assert_eq!(green.check(), Err(Faulty::Level));
    }

    #[test]
    fn a_service_level_for_reds_counts_day_and_night_is_bounded_and_calls_somebody() {
        let [(_, first), (_, whole), (_, yellow), _] = seeds();
        let with = |level: &ServiceLevel, target| ServiceLevel { target, ..level.clone() }.check();
        assert_eq!(with(&first, Target::Minutes(240)), Ok(()));
        assert_eq!(with(&first, Target::Minutes(241)), Err(Faulty::Slow));
        assert_eq!(with(&whole, Target::Minutes(4_320)), Ok(()));
        assert_eq!(with(&whole, Target::Minutes(4_321)), Err(Faulty::Slow));
        for target in [Target::OpenMinutes(20), Target::Days(1), Target::WorkingDays(1)] {
            assert_eq!(with(&first, target), Err(Faulty::Slow), "{target:?}");
        }
        assert_eq!(ServiceLevel { on_breach: None, ..first }.check(), Err(Faulty::Mute));
        assert_eq!(ServiceLevel { on_breach: None, ..yellow }.check(), Ok(()));
    }

    #[test]
    fn it_is_written_as_its_page_shows_it() {
        let text = r#"{"name":{"pt":"a","en":"b"},"level":"yellow","metric":"resolution","target":{"open_minutes":240},"calendar":"clinic"}"#;
        let service_level: ServiceLevel = serde_json::from_str(text).unwrap();
        assert_eq!((service_level.target, service_level.on_breach), (Target::OpenMinutes(240), None));
    }
}
