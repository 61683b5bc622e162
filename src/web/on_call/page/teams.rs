//! Teams for one viewer now, and the form that makes and changes one.

use actix_web::web::{Form, Path};

use super::rotations::Sent;
use super::schedule::staff;
use crate::http::fault::Fault;
use crate::on_call::api::schedules::lasting;
use crate::on_call::api::teams::keep_team;
use crate::on_call::view::teams::{self as pages, Member, Team};
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::People;
use crate::{Code, Section};
use domain::on_call::Team as Body;
use domain::rules::Name;
use domain::{Can, UserId};
use store::{View, on_call, versions};

/// `/teams`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Schedules, |room| {
            let view = room.read(|view| fill(view, room))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room) -> Result<pages::View, Fault> {
    let (mut people, active) = (People::default(), on_call::people(view)?);
    let mut rows = Vec::new();
    for team in versions::all_in_force::<Body>(view, room.now)? {
        let mut members = Vec::new();
        for user in team.body.members {
            let (name, gone) = (people.user(view, user)?, !active.contains_key(&user));
            members.push(Member { id: user.to_string(), name, gone });
        }
        let Name { pt, en } = team.body.name;
        rows.push(Team { id: team.name, version: team.version, pt: pt.into(), en: en.into(), members });
    }
    let may_manage = room.viewer.may(Can::ManageSchedules);
    Ok(pages::View { rows, people: if may_manage { staff(view)? } else { Vec::new() }, may_manage })
}

/// POST `/teams`: makes one.
pub(crate) async fn create(visit: Visit, sent: Form<Vec<(String, String)>>) -> Answer {
    let sent = Sent(sent.into_inner());
    visit
        .act(move |room| {
            let id = sent.first("id").unwrap_or_default();
            lasting(id)?;
            let there = room.read(|view| Ok(versions::in_force::<Body>(view, id, room.now)?))?;
            if there.is_some() {
                return Err(Fault::new(Code::Conflict).with("field", "id"));
            }
            save(room, id, &sent)
        })
        .await
}

/// POST `/teams/{id}`: puts a new version in force.
pub(crate) async fn change(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    let (id, sent) = (id.into_inner(), Sent(sent.into_inner()));
    visit
        .act(move |room| {
            let there = room.read(|view| Ok(versions::in_force::<Body>(view, &id, room.now)?))?;
            there.ok_or_else(|| Fault::new(Code::NotFound))?;
            save(room, &id, &sent)
        })
        .await
}

fn save(room: &Room, id: &str, sent: &Sent) -> Result<String, Fault> {
    let member = |id: &str| id.parse::<UserId>().map_err(|_id| Fault::invalid("members", "a person"));
    let members = sent.all("members").map(member).collect::<Result<_, _>>()?;
    let team = Body { name: sent.name()?, members };
    let seen = sent.version()?;
    room.write(|tx| keep_team(tx, id, &team, seen))?;
    Ok("/teams".to_owned())
}
