//! What a schedule is called, on whose clock its people live and what it must hold: a new one, and a change.

use std::time::Duration;

use actix_web::web::{Form, Path};

use super::rotations::{Sent, duty};
use crate::Code;
use crate::http::fault::Fault;
use crate::on_call::api::schedules::lasting;
use crate::pages::visit::{Answer, Visit};
use domain::on_call::{Duty, Need, Schedule};
use domain::time::civil::Zone;
use store::{on_call, versions};

/// The most that one person may be set to be on call in a week: all of it.
const WEEK: u64 = 168;

fn zone(sent: &Sent) -> Result<Zone, Fault> {
    let name = sent.first("zone").unwrap_or_default();
    Zone::parse(name).map_err(|_unknown| Fault::invalid("zone", "a zone of the IANA database"))
}

fn need(sent: &Sent) -> Result<Need, Fault> {
    let hours = sent.first("hours").and_then(|text| text.parse().ok());
    let hours = hours.filter(|hours| (1..=WEEK).contains(hours));
    let hours: u64 = hours.ok_or_else(|| Fault::invalid("hours", "1 to 168 hours"))?;
    let most_in_a_week = Duration::from_secs(hours * 3_600);
    let weeks = sent.first("weeks").map_or(Ok(1), str::parse);
    let averaged_weeks = weeks.map_err(|_number| Fault::invalid("weeks", "1 to 4 weeks"))?;
    Ok(Need { certificate: sent.first("certificate").is_some(), most_in_a_week, averaged_weeks })
}

/// POST `/schedules`: makes one with nobody in it.
pub(crate) async fn create(visit: Visit, sent: Form<Vec<(String, String)>>) -> Answer {
    let sent = Sent(sent.into_inner());
    visit
        .act(move |room| {
            let id = sent.first("id").unwrap_or_default();
            lasting(id)?;
            if room.read(|view| Ok(versions::in_force::<Duty>(view, id, room.now)?))?.is_some() {
                return Err(Fault::new(Code::Conflict).with("field", "id"));
            }
            let (rotations, temporaries, overrides) = (Vec::new(), Vec::new(), Vec::new());
            let schedule = Schedule { zone: zone(&sent)?, rotations, temporaries, overrides };
            let duty = Duty { name: sent.name()?, need: need(&sent)?, schedule };
            room.write(|tx| Ok(on_call::publish(tx, id, &duty, 0)?))?;
            Ok(format!("/schedules/{id}"))
        })
        .await
}

/// POST `/schedules/{id}/need`: another name, clock or need; those who take turns stay.
pub(crate) async fn set(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    let (id, sent) = (id.into_inner(), Sent(sent.into_inner()));
    visit
        .act(move |room| {
            room.write(|tx| {
                let mut duty = duty(tx, &id)?;
                (duty.name, duty.need, duty.schedule.zone) = (sent.name()?, need(&sent)?, zone(&sent)?);
                Ok(on_call::publish(tx, &id, &duty, sent.version()?)?)
            })?;
            Ok(format!("/schedules/{id}"))
        })
        .await
}
