//! Sends what is due on one channel. One node claims a message, tries it within a time limit, and tries again with
//! growing pauses. A recipient or provider that fails is left alone for a while without holding up others; messages for
//! it stay due and none is lost.
//!
//! At most one mail to a person is under way at a time. The first page goes at once; cases that follow within
//! [`GATHERS`] go together in the next one. So fifty cases are two mails.

mod breakers;
mod flights;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use self::flights::{Flights, Parcel, lost};
use super::reach;
use crate::{Module, Progress};
use domain::messages::{self as message, Attempt};
use domain::{Instant, UserId};
use notify::{Channel, SendOutcome, retry};
use store::messages::webhooks;
use store::messages::{self, Stored};
use store::people::users;
use store::{Store, Tx, Urgency, View, escalation, versions};

pub use self::breakers::{Breakers, Rest, Whom};

/// Messages under way at once, each on a thread of its own.
const AT_ONCE: usize = 16;
/// Of those, to one domain: half, so that a domain that hangs leaves the other half to everybody else.
const TO_ONE_DOMAIN: usize = 8;
/// Calls to one program under way at once.
const TO_ONE_PROGRAM: usize = 8;
/// Cases in one mail.
const IN_ONE_MESSAGE: i64 = 50;
/// For this long after a message about cases, further cases for the same person wait, to go together in the next one.
pub const GATHERS: Duration = Duration::from_secs(10);
/// Recipients considered in one cycle.
const LOOKED_AT: i64 = 500;
/// How long a cycle waits for answers. A later answer is read in a later cycle: no message waits behind it.
const HEARS: Duration = Duration::from_millis(250);

/// A recipient to whom something is sent in this cycle.
struct Turn {
    to: String,
    whoms: Vec<Whom>,
    /// At most so many messages.
    most: usize,
}

/// The outbox of one channel as a module.
pub struct Outbox {
    store: Store,
    channel: Arc<dyn Channel>,
    breakers: Breakers,
    base_url: String,
    flights: Flights,
    /// When each person was last handed a message about cases.
    handed: BTreeMap<String, Instant>,
    /// The domain of each person's address; an account keeps its address for life.
    domains: BTreeMap<String, Option<String>>,
    ran_at: Instant,
    hears: Duration,
}

impl Outbox {
    /// Sends what is due on a channel. Links begin with `base_url`.
    #[must_use]
    pub fn new(store: Store, channel: Arc<dyn Channel>, breakers: Breakers, base_url: String) -> Self {
        let (flights, ran_at) = (Flights::new(), Instant::from_micros(0));
        let (handed, domains) = (BTreeMap::new(), BTreeMap::new());
        Self { store, channel, breakers, base_url, flights, handed, domains, ran_at, hears: HEARS }
    }

    /// How many messages are under way.
    #[cfg(test)]
    pub fn under_way(&self) -> usize {
        self.flights.parcels().count()
    }

    /// The same outbox, waiting this long for answers in a cycle.
    #[cfg(test)]
    #[must_use]
    pub(crate) const fn hearing_for(mut self, hears: Duration) -> Self {
        self.hears = hears;
        self
    }

    fn way(&self) -> message::Channel {
        self.channel.channel()
    }

    /// The recipients of this cycle: those with the most urgent message first, as far as there is room, without those
    /// who are left alone.
    fn turns(&mut self, now: Instant) -> store::Result<Vec<Turn>> {
        let mut room = AT_ONCE.saturating_sub(self.flights.parcels().count());
        if room == 0 {
            return Ok(Vec::new());
        }
        let store = self.store.clone();
        let mut waiting = store.read(|view| self.waiting(view, now))?;
        let mut busy: BTreeMap<Whom, usize> = BTreeMap::new();
        for whom in self.flights.parcels().flat_map(|parcel| &parcel.whoms) {
            *busy.entry(whom.clone()).or_default() += 1;
        }
        // Recipients with nothing under way come before those with something. The sort is stable: within each group
        // urgency decides.
        let under_way = |whoms: &[Whom]| whoms.last().and_then(|whom| busy.get(whom)).copied();
        waiting.sort_by_key(|(_, whoms)| under_way(whoms));
        let mut turns = Vec::new();
        for (to, whoms) in waiting {
            if room == 0 {
                break;
            }
            let place =
                |whom: &Whom| at_once(whom).saturating_sub(busy.get(whom).copied().unwrap_or_default());
            let most = whoms.iter().map(place).min().unwrap_or_default().min(room);
            if most == 0 || self.gathers(&to, now) {
                continue;
            }
            let Some(admitted) = self.breakers.admit(&whoms, now) else { continue };
            // A recovery probe is a single message.
            let most = if admitted.rested { 1 } else { most };
            room -= most;
            for whom in &whoms {
                *busy.entry(whom.clone()).or_default() += most;
            }
            turns.push(Turn { to, whoms, most });
        }
        Ok(turns)
    }

    /// The recipients with something due, and who must be in order for it to get through.
    fn waiting(&mut self, view: &mut View<'_>, now: Instant) -> store::Result<Vec<(String, Vec<Whom>)>> {
        let way = self.way();
        let mut waiting = Vec::new();
        if way == message::Channel::Webhook {
            for id in webhooks::ids(view)? {
                if messages::any_due(view, way, Some(&id), now)? {
                    waiting.push((id.clone(), vec![Whom::Recipient(way, id)]));
                }
            }
            return Ok(waiting);
        }
        for messages::Waiting { recipient } in messages::waiting(view, way, now, LOOKED_AT)? {
            let mut whoms = vec![Whom::Provider(way)];
            if way == message::Channel::Email {
                whoms.extend(self.domain(view, &recipient)?.map(Whom::Domain));
            }
            whoms.push(Whom::Recipient(way, recipient.clone()));
            waiting.push((recipient, whoms));
        }
        Ok(waiting)
    }

    fn domain(&mut self, view: &mut View<'_>, recipient: &str) -> store::Result<Option<String>> {
        if let Some(known) = self.domains.get(recipient) {
            return Ok(known.clone());
        }
        let Ok(id) = recipient.parse::<UserId>() else { return Ok(None) };
        let identity = match users::get(view, id) {
            Ok(user) => user.identity,
            Err(store::Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let domain =
            identity.and_then(|who| who.email.as_str().rsplit_once('@').map(|(_, at)| at.to_owned()));
        self.domains.insert(recipient.to_owned(), domain.clone());
        Ok(domain)
    }

    /// Whether the last message to a person is so recent that new cases are gathered. After the clock was set back
    /// nothing is gathered.
    fn gathers(&self, to: &str, now: Instant) -> bool {
        self.handed.get(to).is_some_and(|at| *at <= now && now.since(*at) < GATHERS)
    }

    /// Claims the messages of these recipients, a mail's worth at a time.
    fn claim(&self, turns: &[Turn], now: Instant) -> store::Result<Vec<Parcel>> {
        let way = self.way();
        self.house(now, |tx| {
            let mut parcels = Vec::new();
            for Turn { to, whoms, most } in turns {
                let parcel =
                    |messages| Parcel { to: to.clone(), messages, whoms: whoms.clone(), key: String::new() };
                if way == message::Channel::Email {
                    let cases = messages::claim_cases(tx, way, to, IN_ONE_MESSAGE)?;
                    if !cases.is_empty() {
                        parcels.push(parcel(cases));
                        continue;
                    }
                }
                let limit = i64::try_from(*most).unwrap_or(1);
                let claimed = messages::claim(tx, way, Some(to), limit)?;
                parcels.extend(claimed.into_iter().map(|one| parcel(vec![one])));
            }
            Ok(parcels)
        })
    }

    /// Writes the mail of a parcel and hands it to the provider right after. Messages that are no longer wanted are
    /// left out, and ended in transactions of their own once the message is on its way.
    fn send(&mut self, mut parcel: Parcel, began: Moment, now: Instant) -> store::Result<()> {
        let leaves = now.plus(began.elapsed());
        let written = self.house(leaves, |tx| {
            let wanted = messages::hand_over(tx, &parcel.messages)?;
            let still_wanted: BTreeSet<i64> = wanted.iter().map(|one| one.message().id).collect();
            let outgoing =
                if wanted.is_empty() { None } else { Some(write::outgoing(tx, &wanted, &self.base_url)?) };
            Ok((outgoing, still_wanted))
        });
        let (outgoing, still_wanted) =
            written.inspect_err(|_unwritten| self.breakers.not_asked(&parcel.whoms))?;
        let (messages, out) = parcel.messages.into_iter().partition(|one| still_wanted.contains(&one.id));
        parcel.messages = messages;
        match outgoing {
            Some(Ok(outgoing)) => {
                if self.way() == message::Channel::Email && parcel.is_of_cases() {
                    self.handed.insert(parcel.to.clone(), now);
                }
                parcel.key.clone_from(&outgoing.key);
                self.flights.start(&self.channel, outgoing, parcel, now);
            }
            Some(Err(code)) => {
                self.breakers.not_asked(&parcel.whoms);
                self.put_down(&parcel, &SendOutcome { attempt: Attempt::Never, code, ..lost() }, now)?;
            }
            None => self.breakers.not_asked(&parcel.whoms),
        }
        self.suppress(&out, now)
    }

    fn suppress(&self, out: &[Stored], now: Instant) -> store::Result<()> {
        out.iter().try_for_each(|one| self.house(now, |tx| messages::suppress(tx, one)).map(drop))
    }

    /// Records the answers that came meanwhile and those that come until `until`. Returns how many messages that is.
    fn land(&mut self, until: Moment, now: Instant) -> store::Result<usize> {
        let mut landed = 0;
        let mut failed = None;
        while let Some((parcel, outcome)) = self.flights.land(until) {
            landed += 1;
            self.breakers.heard(&parcel.whoms, &parcel.to, &outcome, now);
            if outcome.attempt != Attempt::Accepted {
                self.handed.remove(&parcel.to);
            }
            failed = self.put_down(&parcel, &outcome, now).err().or(failed);
        }
        failed.map_or(Ok(landed), Err)
    }

    /// Records one answer for all messages of a mail. Messages whose rows are free are written together, without
    /// waiting; those that somebody holds are written one by one. The order differs so that a crash in between does no
    /// harm. A refusal is noted at the mailbox first: an attempt that never reported is made again, and is refused
    /// again. An acceptance is written to the messages first: nobody gets a message twice.
    fn put_down(&self, parcel: &Parcel, outcome: &SendOutcome, now: Instant) -> store::Result<()> {
        let accepted = outcome.attempt == Attempt::Accepted;
        if !accepted {
            self.reach(parcel, outcome, now)?;
        }
        let Some(first) = parcel.messages.first() else { return Ok(()) };
        let (provider_id, mail) = (outcome.provider_id.as_deref(), Some(parcel.key.as_str()));
        let answer =
            messages::Answer { provider_id, mail, ..messages::Answer::new(outcome.attempt, outcome.code) };
        // The wait comes from the first message's key, so what failed together is tried again together.
        let wait = |one: &Stored| retry::wait(one.way.class, &first.key, one.way.attempt);
        let together =
            self.house(now, |tx| messages::attempted_together(tx, &parcel.messages, &answer, wait));
        let left = together.unwrap_or_else(|_one_is_at_fault| parcel.messages.iter().collect());
        let mut failed = None;
        for one in left {
            let put = self.house(now, |tx| messages::attempted(tx, one, &answer, wait(one)));
            failed = failed.or(put.err());
        }
        if accepted {
            self.reach(parcel, outcome, now)?;
        }
        failed.map_or(Ok(()), Err)
    }

    /// Updates whether e-mail reaches the person, from the answer of their mail server.
    fn reach(&self, parcel: &Parcel, outcome: &SendOutcome, now: Instant) -> store::Result<()> {
        match (self.way(), parcel.to.parse::<UserId>()) {
            (message::Channel::Email, Ok(user)) => reach::heard(&self.store, user, outcome.attempt, now),
            _ => Ok(()),
        }
    }

    fn house<T>(&self, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> store::Result<T>) -> store::Result<T> {
        self.store.keep_house(Urgency::Urgent, "outbox", now, f)
    }
}

impl Parcel {
    fn is_of_cases(&self) -> bool {
        self.messages.iter().any(|one| one.kind == escalation::ALERT)
    }
}

/// How many messages may be under way to one of these at once.
const fn at_once(whom: &Whom) -> usize {
    match whom {
        Whom::Provider(_) => AT_ONCE,
        Whom::Domain(_) => TO_ONE_DOMAIN,
        Whom::Recipient(message::Channel::Email, _) => 1,
        Whom::Recipient(..) => TO_ONE_PROGRAM,
    }
}

impl Module for Outbox {
    fn name(&self) -> &'static str {
        match self.way() {
            message::Channel::InApp => "outbox in_app",
            message::Channel::Email => "outbox email",
            message::Channel::Webhook => "outbox webhook",
        }
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        self.ran_at = now;
        let began = Moment::now();
        let landed = self.land(Moment::now(), now);
        if self.store.read(|view| messages::any_overdue(view, now))? {
            self.house(now, |tx| messages::overdue(tx, 100))?;
        }
        self.handed.retain(|_, at| *at <= now && now.since(*at) < GATHERS);
        let turns = self.turns(now)?;
        let claimed = if turns.is_empty() { Ok(Vec::new()) } else { self.claim(&turns, now) };
        // A provider due a recovery probe that had no message to carry it is probed in the next cycle.
        let parcels = claimed.as_deref().unwrap_or_default();
        for turn in turns.iter().filter(|turn| !parcels.iter().any(|parcel| parcel.to == turn.to)) {
            self.breakers.not_asked(&turn.whoms);
        }
        let claimed = claimed?;
        let did = claimed.len();
        let mut failed = None;
        for parcel in claimed {
            failed = self.send(parcel, began, now).err().or(failed);
            // Record answers before the next message is written: none of them waits for the whole batch.
            failed = self.land(Moment::now(), now).err().or(failed);
        }
        let heard = self.land(Moment::now() + self.hears, now)?;
        failed.map_or(Ok(()), Err)?;
        Ok(Progress { did, more: did > 0 || heard > 0 || landed? > 0 })
    }
}

impl Drop for Outbox {
    /// Waits for the messages under way and records their answers: unrecorded, they would be sent twice.
    fn drop(&mut self) {
        let until = Moment::now() + message::ANSWER_WITHIN;
        if let Err(error) = self.land(until, self.ran_at) {
            tracing::error!(%error, "what became of the last messages is not recorded; they are sent once more");
        }
    }
}

/// Seeds the default templates that are missing.
///
/// # Errors
/// Database errors.
pub fn seed(tx: &mut Tx<'_>) -> store::Result<()> {
    notify::seeds::seeds().iter().try_for_each(|template| versions::seed(tx, &template.id, template))
}
