//! Calendars, stored in versions.

use crate::alerts::reds;
use crate::versions::Versioned;
use crate::{Error, Result, View};
use domain::Instant;
use domain::calendars::{Calendar, Faulty};

impl Versioned for Calendar {
    const KIND: &'static str = "calendar";

    fn check(&self, view: &mut View<'_>, name: &str, now: Instant) -> Result<()> {
        let what = match Calendar::check(self) {
            Ok(()) => return reds::calendar(view, name, self, now),
            Err(Faulty::Municipality) => {
                "the holidays of this municipality are not known here: leave it out and write its holidays as \
                 exceptions, with \"yearly\": true for those that come back"
            }
            Err(Faulty::State) => "this municipality lies in another state: name its own state with it",
        };
        Err(Error::Refused { code: "E_INVALID", what })
    }
}
