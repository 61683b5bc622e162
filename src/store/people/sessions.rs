//! Sign-ins. One row backs the browser's cookie or a program's refresh token; only the secret's hash is stored.
//! A killed session ends with the next request (OWASP ASVS 7.4).

use std::time::Duration;

use diesel::prelude::*;

use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::prune::oldest;
use crate::db::schema::{sessions, users};
use crate::keys::Subject;
use crate::keys::secret::{Secret, hash};
use crate::{Act, Tx, View};
use domain::{Instant, SessionId, UserId};

/// No session outlives this, however busy.
pub const LIFE: Duration = Duration::from_secs(12 * 3_600);
/// A browser that is silent for this long signs in again.
pub(crate) const IDLE: Duration = Duration::from_secs(15 * 60);
/// How stale `seen_at` may grow before it is written again.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// What carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A cookie; ends when idle.
    Browser,
    /// A refresh token that rotates.
    Program,
    /// A cookie that opens nothing but the setting of the second factor that the role demands.
    Enrolment,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Program => "program",
            Self::Enrolment => "enrolment",
        }
    }

    fn from_name(name: &str) -> Result<Self> {
        let kinds = [Self::Browser, Self::Program, Self::Enrolment];
        kinds.into_iter().find(|kind| kind.name() == name).ok_or(Error::corrupt("sessions.kind"))
    }
}

/// A live session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The id, which access tokens carry as `sid`.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What carries it.
    pub kind: Kind,
    /// Since when.
    pub created_at: Instant,
    /// When its user last showed who they are; step-up asks how long ago that is.
    pub confirmed_at: Instant,
    /// When it was last used, to the minute.
    pub seen_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
}

/// What came of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// The old secret is spent; hand out this one.
    Fresh(Session, Secret),
    /// A spent secret came back: two hold it, so the session was killed.
    Reused(SessionId),
    /// No live session has this secret.
    Unknown,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: String,
    user_id: String,
    kind: String,
    created_at: i64,
    seen_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    confirmed_at: Option<i64>,
}

impl Row {
    fn live(self, now: Instant) -> Result<Option<Session>> {
        let id = self.id.clone();
        self.parse(now).in_row(id)
    }

    fn parse(self, now: Instant) -> Result<Option<Session>> {
        let kind = Kind::from_name(&self.kind)?;
        let session = Session {
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("sessions.id"))?,
            user: self.user_id.parse().map_err(|_not_an_id| Error::corrupt("sessions.user_id"))?,
            kind,
            created_at: Instant::from_micros(self.created_at),
            confirmed_at: Instant::from_micros(self.confirmed_at.unwrap_or(self.created_at)),
            seen_at: Instant::from_micros(self.seen_at),
            expires_at: Instant::from_micros(self.expires_at),
        };
        let idle = kind != Kind::Program && now.since(session.seen_at) >= IDLE;
        let lives = self.ended_at.is_none() && now < session.expires_at && !idle;
        Ok(lives.then_some(session))
    }
}

/// Opens a session for somebody who has just shown who they are.
///
/// # Errors
/// [`Error::NotFound`] for a user who does not exist, is disabled or waits for a second person; database errors.
pub fn create(tx: &mut Tx<'_>, user: UserId, kind: Kind) -> Result<(Session, Secret)> {
    let now = tx.now();
    let may = users::disabled_at.is_null().and(users::held_at.is_null());
    let enabled = users::table.find(user.to_string()).filter(may);
    let enabled: Option<String> = enabled.select(users::id).get_result(tx.conn).optional()?;
    enabled.ok_or(Error::NotFound("user"))?;
    let id = SessionId::new(now);
    let secret = fresh(tx, id, kind)?;
    let expires_at = now.plus(LIFE);
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id.to_string()),
            sessions::user_id.eq(user.to_string()),
            sessions::kind.eq(kind.name()),
            sessions::secret.eq(hash(secret.reveal())),
            sessions::created_at.eq(now.micros()),
            sessions::seen_at.eq(now.micros()),
            sessions::expires_at.eq(expires_at.micros()),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "session": id, "kind": kind.name() });
    tx.audit(&Act::new("auth.login").about(Subject::User(user)).body(body))?;
    Ok((Session { id, user, kind, created_at: now, confirmed_at: now, seen_at: now, expires_at }, secret))
}

/// The live session that a cookie's secret names.
///
/// # Errors
/// Database errors.
pub fn find(view: &mut View<'_>, secret: &str, now: Instant) -> Result<Option<Session>> {
    let row = sessions::table.filter(sessions::secret.eq(hash(secret))).select(Row::as_select());
    let row: Option<Row> = row.get_result(view.conn).optional()?;
    row.map_or(Ok(None), |row| row.live(now))
}

/// The session with this id, if it lives: an access token counts no longer than that.
///
/// # Errors
/// Database errors.
pub fn live(view: &mut View<'_>, id: SessionId, now: Instant) -> Result<Option<Session>> {
    let row =
        sessions::table.find(id.to_string()).select(Row::as_select()).get_result(view.conn).optional()?;
    row.map_or(Ok(None), |row: Row| row.live(now))
}

/// Whether the session with this id lives.
///
/// # Errors
/// Database errors.
pub fn is_live(view: &mut View<'_>, id: SessionId, now: Instant) -> Result<bool> {
    Ok(live(view, id, now)?.is_some())
}

/// A user's live sessions, oldest first.
///
/// # Errors
/// Database errors.
#[cfg(test)]
pub(crate) fn of_user(view: &mut View<'_>, user: UserId, now: Instant) -> Result<Vec<Session>> {
    let rows: Vec<Row> = sessions::table
        .filter(sessions::user_id.eq(user.to_string()).and(sessions::ended_at.is_null()))
        .order((sessions::created_at, sessions::id))
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().filter_map(|row| row.live(now).transpose()).collect()
}

/// When somebody was last here, in a session that lives or has ended; `None` when no session of theirs is remembered.
///
/// # Errors
/// Database errors.
pub fn last_seen(view: &mut View<'_>, user: UserId) -> Result<Option<Instant>> {
    let rows = sessions::table.filter(sessions::user_id.eq(user.to_string()));
    let seen: Option<i64> = rows.select(diesel::dsl::max(sessions::seen_at)).first(view.conn)?;
    Ok(seen.map(Instant::from_micros))
}

/// Whether [`touch`] has anything to write.
#[must_use]
pub fn is_due(session: &Session, now: Instant) -> bool {
    now.since(session.seen_at) >= SEEN_EVERY
}

/// Notes that a session was used; housekeeping, at most once a minute.
///
/// # Errors
/// Database errors.
pub fn touch(tx: &mut Tx<'_>, session: &Session) -> Result<()> {
    let now = tx.now();
    if is_due(session, now) {
        diesel::update(sessions::table.find(session.id.to_string()))
            .set(sessions::seen_at.eq(now.micros()))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Notes that whose session it is showed again who they are.
///
/// # Errors
/// Database errors.
pub fn confirm(tx: &mut Tx<'_>, session: SessionId, user: UserId) -> Result<()> {
    let now = tx.now().micros();
    diesel::update(sessions::table.find(session.to_string()))
        .set(sessions::confirmed_at.eq(now))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "session": session, "kind": "confirmed" });
    tx.audit(&Act::new("auth.login").about(Subject::User(user)).body(body))
}

/// Spends a refresh token and gives the next. Run it with [`crate::Store::keep_house`]: only the killing
/// leaves an entry.
///
/// # Errors
/// Database errors.
pub fn rotate(tx: &mut Tx<'_>, secret: &str) -> Result<Rotated> {
    let (now, old) = (tx.now(), hash(secret));
    if let Some(session) = find(tx, secret, now)?.filter(|session| session.kind == Kind::Program) {
        let next = fresh(tx, session.id, Kind::Program)?;
        // The condition decides between two refreshes that run at once on PostgreSQL.
        let target = sessions::table.find(session.id.to_string());
        let changed =
            diesel::update(target.filter(sessions::secret.eq(&old).and(sessions::ended_at.is_null())))
                .set((sessions::secret.eq(hash(next.reveal())), sessions::seen_at.eq(now.micros())))
                .execute(tx.conn)?;
        if changed == 1 {
            return Ok(Rotated::Fresh(Session { seen_at: now, ..session }, next));
        }
    }
    // Given out once and not in force: it was spent, however many rotations ago.
    let Some(id) = given_out(tx, secret)? else { return Ok(Rotated::Unknown) };
    let lives = sessions::table.find(id.to_string()).filter(sessions::ended_at.is_null());
    let lives: Option<String> = lives.select(sessions::id).get_result(tx.conn).optional()?;
    if lives.is_none() {
        return Ok(Rotated::Unknown);
    }
    kill(tx, id, "reused")?;
    Ok(Rotated::Reused(id))
}

/// What a browser or a program holds. A program's names its session and carries a tag that only this house makes, so
/// that one that was spent long ago is distinguished from one that was never given out.
fn fresh(tx: &mut Tx<'_>, id: SessionId, kind: Kind) -> Result<Secret> {
    let secret = Secret::fresh()?;
    if kind != Kind::Program {
        return Ok(secret);
    }
    let named = format!("{id}.{}", secret.reveal());
    let tag = tag(tx, &named)?;
    Ok(Secret::of(format!("{named}.{tag}")))
}

/// The session for which this token was once made here.
fn given_out(view: &mut View<'_>, token: &str) -> Result<Option<SessionId>> {
    let Some((named, shown)) = token.rsplit_once('.') else { return Ok(None) };
    let right = tag(view, named)? == shown;
    Ok(named.split_once('.').filter(|_| right).and_then(|(id, _)| id.parse().ok()))
}

fn tag(view: &mut View<'_>, named: &str) -> Result<String> {
    use base64::Engine;
    let mac = view.blind("sessions.refresh", named)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac))
}

/// Ends a session; `by` says what ended it (`logout`, `admin`, `reused`). Killing twice changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn kill(tx: &mut Tx<'_>, id: SessionId, by: &'static str) -> Result<()> {
    let row =
        sessions::table.find(id.to_string()).select(sessions::user_id).get_result(tx.conn).optional()?;
    let user: String = row.ok_or(Error::NotFound("session"))?;
    let user = user.parse().map_err(|_not_an_id| Error::corrupt("sessions.user_id").in_row(id))?;
    end(tx, Which::One(id), user, by)
}

/// Ends every session of a user.
///
/// # Errors
/// Database errors.
pub fn kill_all(tx: &mut Tx<'_>, user: UserId, by: &'static str) -> Result<()> {
    end(tx, Which::AllBut(None), user, by)
}

/// Ends every session of a user but one.
///
/// # Errors
/// Database errors.
pub(crate) fn kill_others(
    tx: &mut Tx<'_>,
    user: UserId,
    stays: Option<SessionId>,
    by: &'static str,
) -> Result<()> {
    end(tx, Which::AllBut(stays), user, by)
}

/// Which sessions of a user end.
#[derive(Clone, Copy)]
enum Which {
    One(SessionId),
    AllBut(Option<SessionId>),
}

fn end(tx: &mut Tx<'_>, which: Which, user: UserId, by: &'static str) -> Result<()> {
    let now = tx.now().micros();
    let mut target = diesel::update(sessions::table)
        .set((sessions::ended_at.eq(Some(now)), sessions::ended_by.eq(Some(by))))
        .into_boxed()
        .filter(sessions::user_id.eq(user.to_string()).and(sessions::ended_at.is_null()));
    let named = match which {
        Which::One(id) => {
            target = target.filter(sessions::id.eq(id.to_string()));
            id.to_string()
        }
        Which::AllBut(Some(stays)) => {
            target = target.filter(sessions::id.ne(stays.to_string()));
            "others".to_owned()
        }
        Which::AllBut(None) => "all".to_owned(),
    };
    let ended = target.execute(tx.conn)?;
    if ended == 0 {
        tx.unchanged();
        return Ok(());
    }
    let body = serde_json::json!({ "by": by, "ended": ended, "session": named });
    tx.audit(&Act::new("auth.session_killed").about(Subject::User(user)).body(body))?;
    tx.signal("session.ended", user)
}

/// Forgets sessions that ended, or could no longer live, before `before`.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<usize> {
    Ok(oldest!(tx, sessions, sessions::expires_at.lt(before.micros()), sessions::expires_at))
}
