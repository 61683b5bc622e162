//! Reads bounce reports from a mailbox. Reports and the position up to which the mailbox was read are recorded in one
//! transaction. A person whose mailbox is gone is paged by the other channels from then on.

use std::sync::Arc;
use std::time::Duration;

use super::reach;
use crate::{Module, Progress};
use domain::messages::{Channel, Receipt};
use domain::{Instant, UserId};
use notify::bounce::Bounce;
use notify::mailbox::{self, Reports, Visit, Watermark};
use store::db::settings;
use store::people::users;
use store::{Store, Tx, Urgency, View, messages};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);
const WATERMARK: &str = "notify.bounces";

/// The bounce mailbox as a module. It waits up to a minute for a server, so it needs a lane of its own. Two nodes may
/// read the same report: it counts once, since the message's own row shows that it was heard.
pub struct Bounces {
    store: Store,
    mailbox: Arc<dyn Reports>,
}

impl Bounces {
    /// Reads this mailbox into this store.
    #[must_use]
    pub fn new(store: Store, mailbox: Arc<dyn Reports>) -> Self {
        Self { store, mailbox }
    }

    fn read(&self, now: Instant) -> store::Result<Result<Visit, mailbox::Error>> {
        let since = self.store.read(watermark)?;
        let visit = match self.mailbox.visit(since) {
            Ok(visit) => visit,
            Err(error) => return Ok(Err(error)),
        };
        if since != Some(visit.watermark) {
            self.store.keep_house(Urgency::Urgent, self.name(), now, |tx| {
                visit.bounces.iter().try_for_each(|bounce| put_down(tx, bounce))?;
                move_on(tx, visit.watermark)
            })?;
        }
        Ok(self.mailbox.settle(&visit).map(|()| visit))
    }
}

impl Module for Bounces {
    fn name(&self) -> &'static str {
        "bounces"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        match self.read(now)? {
            Ok(visit) => {
                if visit.broken > 0 {
                    tracing::warn!(mails = visit.broken, "mail in the bounce mailbox cannot be read");
                }
                Ok(Progress { did: visit.bounces.len(), more: visit.more })
            }
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "bounces are not read; tried again in a minute");
                Ok(Progress::default())
            }
        }
    }
}

/// A report that cannot be recorded is left out: otherwise the mailbox would never be read past it.
fn put_down(tx: &mut Tx<'_>, bounce: &Bounce) -> store::Result<()> {
    match tx.item(|tx| counted(tx, bounce)) {
        Err(error @ (store::Error::Corrupt(_) | store::Error::NotFound(_))) => {
            tracing::error!(%error, "a report on a message cannot be put down; it is left out");
            Ok(())
        }
        done => done,
    }
}

fn counted(tx: &mut Tx<'_>, bounce: &Bounce) -> store::Result<()> {
    let Some(message) = messages::reported(tx, &bounce.key, bounce.receipt)? else { return Ok(()) };
    let Ok(user) = message.recipient.parse::<UserId>() else { return Ok(()) };
    match bounce.receipt {
        _ if message.channel != Channel::Email => Ok(()),
        Receipt::Undeliverable if bounce.permanent && is_theirs(tx, user, bounce)? => {
            reach::lose(tx, user, reach::BOUNCED)
        }
        Receipt::Delivered | Receipt::Read => reach::regain(tx, user),
        Receipt::Undeliverable | Receipt::Sent => Ok(()),
    }
}

/// Whether the mailbox that is gone is the person's own. The message may have been forwarded from there, and bounced
/// elsewhere.
fn is_theirs(view: &mut View<'_>, user: UserId, bounce: &Bounce) -> store::Result<bool> {
    let Some(identity) = users::get(view, user)?.identity else { return Ok(false) };
    let own = identity.email.as_str().to_ascii_lowercase();
    Ok(bounce.addresses.is_empty() || bounce.addresses.contains(&own))
}

fn watermark(view: &mut View<'_>) -> store::Result<Option<Watermark>> {
    let stored = settings::get(view, WATERMARK)?;
    Ok(stored.and_then(|text| {
        let (validity, uid) = text.split_once(':')?;
        Some(Watermark { validity: validity.parse().ok()?, uid: uid.parse().ok()? })
    }))
}

/// Moves the position forward, unless another node has read further meanwhile.
fn move_on(tx: &mut Tx<'_>, to: Watermark) -> store::Result<()> {
    let ahead = watermark(tx)?.is_some_and(|stored| stored.validity == to.validity && stored.uid > to.uid);
    if ahead {
        return Ok(());
    }
    settings::save(tx, WATERMARK, &format!("{}:{}", to.validity, to.uid))
}
