//! Turns that people give each other, without anybody else: asked for, agreed to, declined, withdrawn.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, List, Reply};
use crate::http::fault::Fault;
use domain::time::civil::Window;
use domain::{Instant, SwapId, UserId};
use store::on_call::swaps::{self, Asked, Word};

/// A stretch of time.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Stretch)]
pub(crate) struct Stretch {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
}

impl From<Stretch> for Window {
    fn from(Stretch { from, to }: Stretch) -> Self {
        Self { from, to }
    }
}

impl From<Window> for Stretch {
    fn from(Window { from, to }: Window) -> Self {
        Self { from, to }
    }
}

/// A turn that one person would give another.
#[derive(Serialize, ToSchema)]
#[schema(as = Swap)]
pub(crate) struct Swap {
    #[schema(value_type = String)]
    id: SwapId,
    schedule: String,
    /// Who is on call.
    #[schema(value_type = String)]
    giver: UserId,
    /// Who would be; null: whoever comes first.
    #[schema(value_type = Option<String>)]
    taker: Option<UserId>,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// The taker's turn that the giver has instead.
    back: Option<Stretch>,
    /// Who asked: one of the two.
    #[schema(value_type = String)]
    asked_by: UserId,
    #[schema(value_type = String)]
    asked_at: Instant,
}

impl From<swaps::Swap> for Swap {
    fn from(swap: swaps::Swap) -> Self {
        Self {
            id: swap.id,
            schedule: swap.schedule,
            giver: swap.giver,
            taker: swap.taker,
            from: swap.window.from,
            to: swap.window.to,
            back: swap.back.map(Stretch::from),
            asked_by: swap.asked_by,
            asked_at: swap.asked_at,
        }
    }
}

/// A swap that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSwap)]
pub(crate) struct Wanted {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Who is on call; whoever asks, by default.
    #[schema(value_type = Option<String>)]
    giver: Option<UserId>,
    /// Who would be; by default, whoever comes first, or whoever asks for somebody else's turn.
    #[schema(value_type = Option<String>)]
    taker: Option<UserId>,
    /// The taker's turn that the giver has instead.
    back: Option<Stretch>,
}

/// What is asked for in a schedule and not answered yet, in order of time.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/swaps", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = List<Swap>), (status = 404)))]
pub(crate) async fn list(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let open = desk.read(|view| {
            store::on_call::get(view, &id, desk.now)?;
            Ok(swaps::open(view, &id, desk.now)?)
        })?;
        Reply::ok(&List::whole(open.into_iter().map(Swap::from).collect::<Vec<_>>()))
    })
    .await
}

/// Offers a turn of one's own, to one person or to whoever comes first, or offers to take somebody's.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/swaps", tag = "schedules", params(("id" = String, Path)), request_body = Wanted, responses((status = 201, body = Swap), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn ask(call: Call, id: Path<String>, body: Body<Wanted>) -> Answer {
    call.run(move |desk| {
        let Wanted { from, to, giver, taker, back } = body.value;
        let asked = asked(desk.viewer.id, giver, taker, Window { from, to }, back.map(Window::from));
        let swap = desk.write(|tx| Ok(swaps::ask(tx, &id, &asked)?))?;
        Reply::with(StatusCode::CREATED, &Swap::from(swap))
    })
    .await
}

/// Who gives and who takes, where one of them goes without saying.
pub(crate) fn asked(
    me: UserId,
    giver: Option<UserId>,
    taker: Option<UserId>,
    window: Window,
    back: Option<Window>,
) -> Asked {
    let giver = giver.unwrap_or(me);
    Asked { giver, taker: taker.or((giver != me).then_some(me)), window, back }
}

/// Agrees: from now on the schedule says so.
#[utoipa::path(post, path = "/api/v1/swaps/{id}/accept", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = Swap), (status = 403), (status = 404), (status = 422)))]
pub(crate) async fn accept(call: Call, id: Path<SwapId>) -> Answer {
    answered(call, *id, Word::Accept).await
}

/// Does not agree.
#[utoipa::path(post, path = "/api/v1/swaps/{id}/decline", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = Swap), (status = 403), (status = 404)))]
pub(crate) async fn decline(call: Call, id: Path<SwapId>) -> Answer {
    answered(call, *id, Word::Decline).await
}

/// Asks no more.
#[utoipa::path(post, path = "/api/v1/swaps/{id}/withdraw", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = Swap), (status = 403), (status = 404)))]
pub(crate) async fn withdraw(call: Call, id: Path<SwapId>) -> Answer {
    answered(call, *id, Word::Withdraw).await
}

async fn answered(call: Call, id: SwapId, word: Word) -> Answer {
    call.run(move |desk| {
        let swap = desk.write(|tx| Ok(swaps::answer(tx, id, word)?))?;
        Reply::ok(&Swap::from(swap))
    })
    .await
}

/// The word of an address.
pub(crate) fn word(name: &str) -> Result<Word, Fault> {
    match name {
        "accept" => Ok(Word::Accept),
        "decline" => Ok(Word::Decline),
        "withdraw" => Ok(Word::Withdraw),
        _ => Err(crate::Code::NotFound.into()),
    }
}
