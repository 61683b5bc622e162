//! Users: the administrator adds them, gives them a link to set a password, and ends their sign-in.

use actix_web::HttpRequest;
use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use super::names::People;
use super::ties;
use crate::http::fault::Fault;
use crate::pages::shell::address;
use crate::pages::visit::{Answer, Room, Visit};
use crate::patients::page::search::Wanted;
use crate::people::sign_in;
use crate::people::view::users::{self as pages, Draft, Ties, User};
use crate::{Code, Section};
use domain::{Can, Reason, Role, StaffIdentity, UserId};
use store::people::links::{self, PASSWORD_LIFE};
use store::people::users::{self, NewUser, User as Stored};
use store::people::{departures, holds, sessions};
use store::privacy::accesses::What;
use store::{Ask, View};

/// How many names are opened for one page of a search: they are sealed, so a search opens each.
const WINDOW: usize = 1_000;

/// `?q=&cursor=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    cursor: String,
}

/// `/users`.
pub(crate) async fn list(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Users, move |room| {
            let view = room.read(|view| fill(view, room, &asked))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<pages::View, Fault> {
    let wanted = Wanted::of(&asked.q);
    let limit = if wanted.is_empty() { Ask::default().limit } else { WINDOW };
    let page = users::page(view, &Ask { limit, ..crate::pages::ask(&asked.cursor) })?;
    let (mut rows, mut ties, resting) = (Vec::new(), ties::all(view, room)?, departures::resting(view)?);
    for user in page.items.into_iter().filter(|user| is_meant(user, &wanted)) {
        let ties = ties.remove(&user.id).unwrap_or_default();
        let resting_on = resting.get(&user.id).copied().unwrap_or_default();
        rows.push(User { ties, open: resting_on.cases, red: resting_on.red, ..shown(view, room, user)? });
    }
    rows.sort_by_key(|user| user.name.to_lowercase());
    let q = asked.q.trim().to_owned();
    let next = page.next.map(|next| address("/users", &[("q", &q), ("cursor", &next.to_string())]));
    Ok(pages::View { q, rows, next, total: users::count(view)?, ..pages::View::default() })
}

/// Whether words typed mean this user: their name, unless they are a patient, or their e-mail.
fn is_meant(user: &Stored, wanted: &Wanted) -> bool {
    let Some(who) = &user.identity else { return wanted.is_empty() };
    let name = if user.role == Role::Patient { "" } else { who.name.as_str() };
    wanted.fits(&format!("{name} {}", who.email.as_str()))
}

fn shown(view: &mut View<'_>, room: &Room, user: Stored) -> Result<User, Fault> {
    user.patient.into_iter().for_each(|patient| room.sight.saw(patient, What::Identity));
    let seen_at = sessions::last_seen(view, user.id)?;
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
        may_vouch: user.held.is_some_and(|hold| !hold.by.contains(&room.viewer.id))
            && user.id != room.viewer.id,
        version: user.version,
        open: 0,
        red: 0,
        ties: Ties::default(),
    })
}

/// What adding sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    name: String,
    email: String,
    role: String,
}

/// POST `/users`: adds a user and shows, once, the link by which they set a password.
pub(crate) async fn create(visit: Visit, sent: Form<Sent>, request: HttpRequest) -> Answer {
    let base = base(&request);
    visit
        .page(Section::Users, move |room| {
            let made = added(room, &sent, &base);
            let mut view = room.read(|view| fill(view, room, &Asked::default()))?;
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
pub(crate) struct ActForm {
    reason: String,
    /// The version of the account that was shown, for who vouches for it.
    seen: String,
}

impl ActForm {
    /// Why, as it is to stand in the log.
    fn reason(&self) -> Result<Reason, Fault> {
        self.reason.parse().map_err(|_no_line| Fault::new(Code::ReasonMissing).with("field", "reason"))
    }
}

/// POST `/users/{id}/{reset|lock|unlock|totp|vouch}`: `totp` takes away a second factor whose app was lost; `vouch` is
/// the second person.
pub(crate) async fn act(
    visit: Visit,
    path: Path<(UserId, String)>,
    sent: Form<ActForm>,
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
                "vouch" => {
                    let seen = sent.seen.parse().ok();
                    room.write(|tx| Ok(holds::vouch(tx, id, seen)?))?;
                }
                _ => return Err(Code::NotFound.into()),
            }
            let view = room.read(|view| fill(view, room, &Asked::default()))?;
            Ok(pages::page(&room.shell, &pages::View { link, ..view }))
        })
        .await
}

/// The address of this site as the administrator reached it.
fn base(request: &HttpRequest) -> String {
    let info = request.connection_info();
    format!("{}://{}", info.scheme(), info.host())
}
