//! Swaps of turns on the page of their schedule: what is asked for, and what this reader may say to it.

use std::time::Duration;

use actix_web::web::{Form, Path};

use super::rotations::Sent;
use super::schedule::staff;
use crate::Words;
use crate::http::fault::Fault;
use crate::on_call::api::swaps::{asked, word};
use crate::on_call::view::schedule::Swap;
use crate::pages::Choice;
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::People;
use domain::time::civil::Window;
use domain::{Can, Instant, SwapId, UserId};
use store::View;
use store::on_call::{self, swaps};

/// How far ahead turns are offered.
const AHEAD: Duration = Duration::from_secs(31 * 86_400);
/// As many turns as are chosen from.
const MOST: usize = 200;

/// What is asked for, as this reader sees it.
///
/// # Errors
/// Store faults.
pub(crate) fn open(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    room: &Room,
    id: &str,
) -> Result<Vec<Swap>, Fault> {
    let (me, takes_calls) = (room.viewer.id, room.viewer.may(Can::AnswerCalls));
    let schedule = on_call::get(view, id, room.now)?.body.schedule;
    let mut out = Vec::new();
    for swap in swaps::open(view, id, room.now)? {
        let giver = people.user(view, swap.giver)?;
        let what = match swap.taker {
            Some(taker) => w.two("swap-gives", "giver", giver, "taker", people.user(view, taker)?),
            None => w.one("swap-gives-anybody", "giver", giver),
        };
        let may = |word| takes_calls && swap.may(&schedule, me, word);
        out.push(Swap {
            id: swap.id.to_string(),
            what,
            window: (swap.window.from, swap.window.to),
            back: swap.back.map(|back| (back.from, back.to)),
            may_accept: may(swaps::Word::Accept),
            may_decline: may(swaps::Word::Decline),
            is_mine: swap.asked_by == me,
        });
    }
    Ok(out)
}

/// The coming turns, to choose from, and the people to swap with; nothing for who takes no calls.
///
/// # Errors
/// Store faults.
pub(crate) fn choices(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    room: &Room,
    id: &str,
) -> Result<(Vec<Choice>, Vec<Choice>), Fault> {
    if !room.viewer.may(Can::AnswerCalls) {
        return Ok((Vec::new(), Vec::new()));
    }
    let within = Window { from: room.now, to: room.now.plus(AHEAD) };
    let mut turns = Vec::new();
    for (window, user) in on_call::turns(view, id, within)?.into_iter().take(MOST) {
        let name = people.user(view, user)?;
        turns.push(Choice {
            value: format!("{}|{}|{user}", window.from.micros(), window.to.micros()),
            label: format!("{name} · {} – {}", w.at(&window.from), w.at(&window.to)),
        });
    }
    let me = room.viewer.id.to_string();
    let mates = staff(view)?.into_iter().filter(|choice| choice.value != me).collect();
    Ok((turns, mates))
}

/// A turn as its choice carries it.
fn turn(sent: &Sent, name: &'static str) -> Result<Option<(Window, UserId)>, Fault> {
    let Some(text) = sent.first(name) else { return Ok(None) };
    let mut parts = text.split('|');
    let mut micros = || parts.next().and_then(|part| part.parse().ok()).map(Instant::from_micros);
    let (from, to) = (micros(), micros());
    let user = parts.next().and_then(|part| part.parse().ok());
    let (Some(from), Some(to), Some(user)) = (from, to, user) else {
        return Err(Fault::invalid("day", "a turn of the list"));
    };
    Ok(Some((Window { from, to }, user)))
}

/// POST `/schedules/{id}/swap`: offers a turn, or offers to take one.
pub(crate) async fn ask(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    let (id, sent) = (id.into_inner(), Sent(sent.into_inner()));
    visit
        .act(move |room| {
            let (window, giver) =
                turn(&sent, "turn")?.ok_or_else(|| Fault::invalid("day", "a turn of the list"))?;
            let back = turn(&sent, "back")?;
            // Whose turn comes back is who takes this one.
            let taker = sent.user("with")?.filter(|_| giver == room.viewer.id).or(back.map(|(_, user)| user));
            let asked = asked(room.viewer.id, Some(giver), taker, window, back.map(|(window, _)| window));
            room.write(|tx| Ok(swaps::ask(tx, &id, &asked)?))?;
            Ok(format!("/schedules/{id}#swaps"))
        })
        .await
}

/// POST `/swaps/{id}/{accept|decline|withdraw}`.
pub(crate) async fn act(visit: Visit, path: Path<(SwapId, String)>) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .act(move |room| {
            let word = word(&name)?;
            let swap = room.write(|tx| Ok(swaps::answer(tx, id, word)?))?;
            Ok(format!("/schedules/{}#swaps", swap.schedule))
        })
        .await
}
