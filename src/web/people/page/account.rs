//! One's own account: the second factor is offered, confirmed by a code and the password, and taken away by the
//! password. Its secret is on one page, in the answer that made it, and in no log.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use totp_rs::Secret;

use crate::http::fault::Fault;
use crate::messages::api::reader::reader;
use crate::messages::page::trial;
use crate::pages::visit::{Answer, Room, Visit, blocking};
use crate::people::sign_in;
use crate::people::view::account::{self as pages, Factor};
use crate::state::State;
use crate::{Code, Section};
use domain::SessionId;
use store::messages::reader as reading;
use store::people::{links, users};

/// Bytes of a secret (RFC 4226 §4 R6).
const LENGTH: usize = 20;

/// How long somebody who has shown their password may take to choose another.
const CHANGES_WITHIN: Duration = Duration::from_secs(600);

/// `/account`.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit
        .page(Section::Elsewhere, |room| {
            if !room.is_part {
                return page(room, None, None);
            }
            let view = pages::View { trial: trial::of(room)?, ..pages::View::default() };
            Ok(pages::trial(&room.shell, &view))
        })
        .await
}

/// The account, with a secret that is offered and what was refused.
fn page(room: &Room, offered: Option<String>, refused: Option<Code>) -> Result<crate::pages::Html, Fault> {
    let user = room.read(|view| Ok(users::get(view, room.viewer.id)?))?;
    let email = user.identity.map_or_else(String::new, |who| who.email.as_str().to_owned());
    let factor = match offered {
        _ if user.has_totp => Factor::Set,
        Some(secret) => Factor::Offered(secret),
        None => Factor::Missing,
    };
    let mail = match room.shell.may_be_paged() {
        true => Some(room.read(|view| Ok(reading::reader(view, room.viewer.id)?))?),
        false => None,
    };
    Ok(pages::page(&room.shell, &pages::View { email, factor, refused, mail, trial: trial::of(room)? }))
}

/// What the forms of the second factor send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    secret: String,
    code: String,
    password: String,
}

/// POST `/account/totp`: offers a secret, or sets the one whose code is right.
pub(crate) async fn set(visit: Visit, state: Data<State>, sent: Form<Sent>) -> Answer {
    let Sent { secret, code, password } = sent.into_inner();
    if secret.is_empty() {
        return visit.page(Section::Elsewhere, |room| page(room, Some(fresh()?), None)).await;
    }
    match confirmed(&visit, &state, &secret, &code, password).await {
        Ok(bytes) => {
            visit
                .act(move |room| {
                    room.write(|tx| Ok(users::set_totp(tx, room.viewer.id, Some(&bytes), stays(room))?))?;
                    Ok("/account".to_owned())
                })
                .await
        }
        Err(fault) => again(visit, fault, Some(secret)).await,
    }
}

/// The secret's bytes, when the code is one of it and the password is right.
async fn confirmed(
    visit: &Visit,
    state: &Data<State>,
    secret: &str,
    code: &str,
    password: String,
) -> Result<Vec<u8>, Fault> {
    let decoded = Secret::try_from_base32(secret).map_err(|_not_one| Fault::new(Code::Invalid))?;
    let bytes = decoded.as_bytes().to_vec();
    if bytes.len() != LENGTH {
        return Err(Code::Invalid.into());
    }
    let step = sign_in::step(bytes.clone(), code, state.now())?;
    let Some(step) = step else { return Err(Code::Totp.into()) };
    sign_in::again(state, visit.viewer.id, password).await?;
    let (shared, user) = (Data::clone(state), visit.viewer.id);
    let spent = blocking(move || sign_in::spend(&shared, user, step, shared.now())).await?;
    if spent { Ok(bytes) } else { Err(Code::Totp.into()) }
}

/// The session that stays when the second factor changes: this one, unless it was only for setting it.
fn stays(room: &Room) -> Option<SessionId> {
    (!room.viewer.enrolling).then_some(room.viewer.session)
}

/// POST `/account/totp/remove`: by who has it, the password alone takes nothing away. Where the role demands a second
/// factor, only two others do.
pub(crate) async fn remove(visit: Visit, state: Data<State>, sent: Form<Sent>) -> Answer {
    if sign_in::demands_factor(&state, visit.viewer.role) {
        return Err(visit.refuse(Code::FourEyes.into()));
    }
    let Sent { password, code, .. } = sent.into_inner();
    match sign_in::confirm(&state, &visit.viewer, password, Some(code)).await {
        Ok(()) => {
            visit
                .act(|room| {
                    room.write(|tx| Ok(users::set_totp(tx, room.viewer.id, None, stays(room))?))?;
                    Ok("/account".to_owned())
                })
                .await
        }
        Err(fault) => again(visit, fault, None).await,
    }
}

/// POST `/account/password`: whoever knows their password goes on to set another, by a link of their own.
pub(crate) async fn password(visit: Visit, state: Data<State>, sent: Form<Sent>) -> Answer {
    match sign_in::again(&state, visit.viewer.id, sent.into_inner().password).await {
        Ok(()) => {
            visit
                .act(|room| {
                    let secret = room.write(|tx| {
                        Ok(links::insert(tx, room.viewer.id, links::Purpose::Password, CHANGES_WITHIN)?)
                    })?;
                    Ok(format!("/password/{}", secret.reveal()))
                })
                .await
        }
        Err(fault) if fault.code == Code::Credentials => {
            Err(visit.refuse(Fault::invalid("password", "the password of this account")))
        }
        Err(fault) => Err(visit.refuse(fault)),
    }
}

/// How messages to the reader are to be written.
#[derive(Deserialize)]
pub(crate) struct MailPreferences {
    lang: String,
    zone: String,
}

/// POST `/account/messages`.
pub(crate) async fn mail(visit: Visit, sent: Form<MailPreferences>) -> Answer {
    visit
        .act(move |room| {
            let reader = reader(&sent.lang, &sent.zone)?;
            room.write(|tx| Ok(reading::write_for(tx, room.viewer.id, reader)?))?;
            Ok("/account#mail".to_owned())
        })
        .await
}

/// The page again, saying what was refused.
async fn again(visit: Visit, fault: Fault, offered: Option<String>) -> Answer {
    if !matches!(fault.code, Code::Credentials | Code::Totp | Code::Rate) {
        return Err(visit.refuse(fault));
    }
    let code = fault.code;
    let mut answer: HttpResponse =
        visit.page(Section::Elsewhere, move |room| page(room, offered, Some(code))).await?;
    *answer.status_mut() = Code::Invalid.status();
    Ok(answer)
}

fn fresh() -> Result<String, Fault> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_no_randomness| Fault::new(Code::Internal))?;
    Ok(Secret::from(bytes).to_base32())
}
