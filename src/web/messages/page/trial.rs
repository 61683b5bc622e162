//! Trying whether pages reach the reader: a test page to themselves, and what became of it.

use crate::escalation::view::progress::Called;
use crate::http::fault::Fault;
use crate::messages::api::tried;
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::view::account::{self as pages, Trial};
use crate::{Code, Key, Section};
use domain::messages::Channel;
use store::escalation::paging;
use store::messages::{self, Stored, TRIAL_LINK};
use store::{View, on_call};

/// The channels that a policy may page a person on.
const WAYS: [Channel; 2] = [Channel::InApp, Channel::Email];
/// As many messages as are shown.
const SHOWN: i64 = 6;

/// What the reader may try and tried; `None`: nobody pages them.
///
/// # Errors
/// Store faults.
pub(crate) fn of(room: &Room) -> Result<Option<Trial>, Fault> {
    if !room.shell.may_be_paged() {
        return Ok(None);
    }
    room.read(|view| {
        let mut trial = Trial {
            ways: ways(view, room)?,
            wait: messages::next_trial(view, room.viewer.id, room.now)?,
            ..Trial::default()
        };
        let sent = messages::trials(view, room.viewer.id, SHOWN)?;
        for test in sent.chunk_by(|one, next| one.subject == next.subject) {
            let state = |message: &Stored| (message.channel, message.way.state);
            let mut ways: Vec<_> = test.iter().map(state).collect();
            ways.sort_by_key(|(channel, _)| *channel);
            trial.sent.push(Called { name: String::new(), ways });
            trial.sent_at.extend(test.first().map(|message| message.created_at));
        }
        Ok(Some(trial))
    })
}

fn ways(view: &mut View<'_>, room: &Room) -> Result<Vec<(Channel, Option<Key>)>, Fault> {
    let reached = paging::channels(view, room.viewer.id)?;
    let lost = on_call::unreachable(view, room.viewer.id)?;
    let why = |channel: Channel| {
        if reached.contains(&channel) {
            None
        } else if lost.iter().any(|gone| gone.channel == channel) {
            Some(Key("trial-lost"))
        } else {
            Some(Key("trial-no-server"))
        }
    };
    Ok(WAYS.into_iter().map(|channel| (channel, why(channel))).collect())
}

/// POST `/account/trial`.
pub(crate) async fn send(visit: Visit) -> Answer {
    visit
        .act(|room| {
            if !room.shell.may_be_paged() {
                return Err(Code::State.into());
            }
            room.write(|tx| tried(tx, room.viewer.id))?;
            Ok("/account#trial".to_owned())
        })
        .await
}

/// `/account/trial`: where a test page leads; coming here is its receipt.
pub(crate) async fn arrived(visit: Visit) -> Answer {
    debug_assert_eq!(TRIAL_LINK, "/account/trial");
    visit
        .page(Section::Elsewhere, |room| {
            let view = pages::View { trial: of(room)?, ..pages::View::default() };
            Ok(pages::arrived(&room.shell, &view))
        })
        .await
}
