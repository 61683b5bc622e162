//! Users: the administrator adds them, gives them a link to set a password, and ends their sign-in.

use actix_web::HttpRequest;
use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use super::devices::{Asked, ask};
use super::people::People;
use super::ties;
use super::visit::{Answer, Room, Visit};
use crate::domain::{Can, Reason, Role, StaffIdentity, UserId};
use crate::store::accesses::What;
use crate::store::links::{self, PASSWORD_LIFE};
use crate::store::users::{self, NewUser, User as Stored};
use crate::store::{View, holds, sessions};
use crate::web::fault::Fault;
use crate::web::pages::users::{self as pages, Draft, Ties, User};
use crate::web::sign_in;
use crate::web::{Code, Section};

/// `/users`.
pub async fn list(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Users, move |room| {
            let view = room.read(|view| fill(view, room, &asked.cursor))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, cursor: &str) -> Result<pages::View, Fault> {
    let page = users::page(view, &ask(cursor))?;
    let (mut rows, mut ties) = (Vec::new(), ties::all(view, room)?);
    for user in page.items {
        let ties = ties.remove(&user.id).unwrap_or_default();
        rows.push(User { ties, ..shown(view, room, user)? });
    }
    rows.sort_by_key(|user| user.name.to_lowercase());
    Ok(pages::View { rows, next: page.next.map(|next| next.to_string()), ..pages::View::default() })
}

fn shown(view: &mut View<'_>, room: &Room, user: Stored) -> Result<User, Fault> {
    user.patient.into_iter().for_each(|patient| room.sight.saw(patient, What::Identity));
    let seen_at = sessions::of_user(view, user.id, room.now)?.iter().map(|session| session.seen_at).max();
    let email = user.identity.as_ref().map_or_else(String::new, |who| who.email.as_str().to_owned());
    Ok(User {
        id: user.id,
        name: People::default().user(view, user.id)?,
        email,
        role: user.role,
        totp: user.has_totp,
        seen_at,
        locked: user.disabled_at.is_some(),
        held: user.held.is_some(),
        may_vouch: user.held.is_some_and(|held| held.by != room.viewer.id) && user.id != room.viewer.id,
        open: users::open_alerts(view, user.id)?,
        ties: Ties::default(),
    })
}

/// What adding sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    name: String,
    email: String,
    role: String,
}

/// POST `/users`: adds a user and shows, once, the link by which they set a password.
pub async fn create(visit: Visit, sent: Form<Sent>, request: HttpRequest) -> Answer {
    let base = base(&request);
    visit
        .page(Section::Users, move |room| {
            let made = added(room, &sent, &base);
            let mut view = room.read(|view| fill(view, room, ""))?;
            match made {
                Ok(link) => view.link = Some(link),
                Err(fault) => {
                    view.refused = Some(fault.code);
                    view.field =
                        fault.more.get("field").and_then(serde_json::Value::as_str).map(str::to_owned);
                    let role = Role::from_name(&sent.role);
                    view.draft = Draft { name: sent.name.clone(), email: sent.email.clone(), role };
                }
            }
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn added(room: &Room, sent: &Sent, base: &str) -> Result<(String, String), Fault> {
    let identity = StaffIdentity {
        name: sent.name.parse().map_err(|_not_one| Fault::invalid("name", "a name"))?,
        email: sent.email.parse().map_err(|_not_one| Fault::invalid("email", "an e-mail address"))?,
    };
    let role = Role::from_name(&sent.role).ok_or_else(|| Fault::invalid("role", "one of the roles"))?;
    let new = NewUser { identity, role, password: None, patient: None };
    sign_in::stepped_up(&room.state, &room.viewer, room.now)?;
    room.write(|tx| {
        let twice = |error| Fault::from(error).with("field", "email");
        let user = users::insert(tx, &new).map_err(twice)?;
        let secret = links::insert(tx, user.id, links::Purpose::Password, PASSWORD_LIFE)?;
        Ok((sent.name.clone(), format!("{base}/password/{}", secret.reveal())))
    })
}

/// What an act on a user sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    reason: String,
}

impl Said {
    /// Why, as it is to stand in the log.
    fn reason(&self) -> Result<Reason, Fault> {
        self.reason.parse().map_err(|_no_line| Fault::new(Code::ReasonMissing).with("field", "reason"))
    }
}

/// POST `/users/{id}/{reset|lock|unlock|totp|vouch}`: `totp` takes away a second factor whose app was lost; `vouch` is
/// the second person.
pub async fn act(
    visit: Visit,
    path: Path<(UserId, String)>,
    sent: Form<Said>,
    request: HttpRequest,
) -> Answer {
    let (id, name) = path.into_inner();
    let base = base(&request);
    visit
        .page(Section::Users, move |room| {
            let by_two = name == "vouch";
            room.viewer.must(if by_two { Can::VouchForUsers } else { Can::ManageUsers })?;
            if name != "lock" {
                sign_in::stepped_up(&room.state, &room.viewer, room.now)?;
            }
            let mut link = None;
            match name.as_str() {
                "reset" => {
                    link = Some(room.write(|tx| {
                        let who = People::default().user(tx, id)?;
                        let secret = links::insert(tx, id, links::Purpose::Password, PASSWORD_LIFE)?;
                        Ok((who, format!("{base}/password/{}", secret.reveal())))
                    })?);
                }
                "totp" => room.write(|tx| Ok(users::set_totp(tx, id, None, None)?))?,
                "lock" if id == room.viewer.id => return Err(Code::Conflict.into()),
                "lock" => {
                    let why = sent.reason()?;
                    room.write(|tx| Ok(users::block(tx, id, Some(&why))?))?;
                }
                "unlock" => {
                    let why = sent.reason()?;
                    room.write(|tx| Ok(users::unlock(tx, id, Some(&why))?))?;
                }
                "vouch" => room.write(|tx| Ok(holds::vouch(tx, id)?))?,
                _ => return Err(Code::NotFound.into()),
            }
            let view = room.read(|view| fill(view, room, ""))?;
            Ok(pages::page(&room.shell, &pages::View { link, ..view }))
        })
        .await
}

/// The address of this site as the administrator reached it.
fn base(request: &HttpRequest) -> String {
    let info = request.connection_info();
    format!("{}://{}", info.scheme(), info.host())
}
