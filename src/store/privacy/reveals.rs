//! Revealing the person behind a pseudonym (DESIGN §5). A DPO may reveal one person at a time and gives a reason: the
//! number of a request. An auditor requests it with a reason, and may see the name for a day once a DPO has agreed.
//! Each step is an entry in the log; each time a name is shown is an access, and the person sees it.

use std::time::Duration;

use diesel::prelude::*;

use super::accesses::{self, Look, What};
use crate::db::conn::Conn;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::reveals;
use crate::keys::seal::{Broken, Place};
use crate::keys::{Class, Subject};
use crate::patients::audience::Audience;
use crate::{Act, Actor, Tx, View, patients};
use domain::line;
use domain::{Instant, PatientId, PatientIdentity, RevealId, Role, UserId};

/// How long an auditor may know a person after a DPO agreed.
pub const LASTS: Duration = Duration::from_secs(24 * 3_600);
/// The most characters of a reason.
pub const LONGEST: usize = 500;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A DPO has not answered.
    Asked,
    /// A DPO agreed, and its day is not over.
    Approved,
    /// A DPO refused.
    Refused,
    /// Its day is over.
    Over,
}

impl State {
    /// The spoken name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Over => "over",
        }
    }
}

/// An auditor's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reveal {
    /// The id.
    pub id: RevealId,
    /// Whom it is about.
    pub patient: PatientId,
    /// Who asks.
    pub asker: UserId,
    /// Why; `None` once the person was erased.
    pub reason: Option<String>,
    /// When it was asked.
    pub asked_at: Instant,
    /// Which DPO answered, and when.
    pub decided: Option<(UserId, Instant)>,
    /// Where it stands.
    pub state: State,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reveals)]
struct Row {
    id: String,
    patient_key: i64,
    asker: String,
    reason: Vec<u8>,
    asked_at: i64,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    approved: Option<bool>,
}

impl Row {
    fn open(self, view: &mut View<'_>, now: Instant) -> Result<Reveal> {
        let id = self.id.clone();
        self.parse(view, now).in_row(id)
    }

    fn parse(self, view: &mut View<'_>, now: Instant) -> Result<Reveal> {
        let corrupt = |column| move |_not_an_id| Error::corrupt(column);
        let reason = match view.open_json(place(&self.id), &self.reason) {
            Ok(reason) => Some(reason),
            Err(Error::Sealed(Broken::KeyDestroyed, _)) => None,
            Err(other) => return Err(other),
        };
        let decided = match (self.decided_by, self.decided_at) {
            (Some(by), Some(at)) => {
                Some((by.parse().map_err(corrupt("reveals.decided_by"))?, Instant::from_micros(at)))
            }
            _ => None,
        };
        let state = match (self.approved, decided) {
            (Some(true), Some((_, at))) if now < at.plus(LASTS) => State::Approved,
            (Some(true), _) => State::Over,
            (Some(false), _) => State::Refused,
            (None, _) => State::Asked,
        };
        Ok(Reveal {
            id: self.id.parse().map_err(corrupt("reveals.id"))?,
            patient: patients::id_of(view, self.patient_key)?,
            asker: self.asker.parse().map_err(corrupt("reveals.asker"))?,
            reason,
            asked_at: Instant::from_micros(self.asked_at),
            decided,
            state,
        })
    }
}

const fn place(id: &str) -> Place<'_> {
    Place::new("reveals", "reason", id)
}

/// Who a person is, for a DPO under a reason: at once. The entry and the look are in this transaction.
///
/// # Errors
/// `E_ROLE` for anybody but a DPO; `E_REASON`; [`Error::Sealed`] once erased; [`Error::NotFound`]; database errors.
pub fn at_once(tx: &mut Tx<'_>, patient: PatientId, reason: &str) -> Result<PatientIdentity> {
    if !matches!(tx.actor(), Actor::User { role: Role::Dpo, .. }) {
        return Err(Error::Refused { code: "E_ROLE", what: "somebody else asks, and a DPO answers" });
    }
    let reason = checked(reason)?;
    show(tx, patient, serde_json::json!({ "reason": reason }))
}

/// An auditor's request to know who a person is.
///
/// # Errors
/// `E_REASON`; [`Error::NotFound`]; database errors.
pub fn ask(tx: &mut Tx<'_>, patient: PatientId, reason: &str) -> Result<Reveal> {
    let reason = checked(reason)?;
    let (asker, now) = (somebody(tx)?, tx.now());
    let (key, id) = (patients::key_of(tx, patient)?, RevealId::new(now));
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::Patient(patient), Class::Audit, place(&text), &reason)?;
    diesel::insert_into(reveals::table)
        .values((
            reveals::id.eq(&text),
            reveals::patient_key.eq(key),
            reveals::asker.eq(asker.to_string()),
            reveals::reason.eq(sealed),
            reveals::asked_at.eq(now.micros()),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "reveal": id, "step": State::Asked.name(), "reason": reason });
    tx.audit(&Act::new("access.reveal").patient(patient).body(body))?;
    get(tx, id, now)
}

/// A DPO's answer to an auditor's request.
///
/// # Errors
/// `E_FOUR_EYES` for one's own; [`Error::Conflict`] for one that was answered; [`Error::NotFound`]; database errors.
pub fn decide(tx: &mut Tx<'_>, id: RevealId, approved: bool) -> Result<Reveal> {
    let (by, now) = (somebody(tx)?, tx.now());
    let reveal = locked(tx, id)?;
    if reveal.asker == by {
        return Err(Error::Refused { code: "E_FOUR_EYES", what: "whoever asks cannot agree" });
    }
    if reveal.state != State::Asked {
        return Err(Error::Conflict("this request was answered"));
    }
    diesel::update(reveals::table.find(id.to_string()))
        .set((
            reveals::decided_by.eq(Some(by.to_string())),
            reveals::decided_at.eq(Some(now.micros())),
            reveals::approved.eq(Some(approved)),
        ))
        .execute(tx.conn)?;
    let step = if approved { State::Approved } else { State::Refused };
    let body = serde_json::json!({ "reveal": id, "step": step.name(), "asked_by": reveal.asker });
    tx.audit(&Act::new("access.reveal").patient(reveal.patient).decided(approved).body(body))?;
    get(tx, id, now)
}

/// Who a person is, for the auditor whose request a DPO agreed to. Each time is an entry and a look.
///
/// # Errors
/// `E_FOUR_EYES` while no DPO agreed, after one refused and once its day is over; [`Error::NotFound`] for somebody
/// else's request; [`Error::Sealed`] once erased; database errors.
pub fn open(tx: &mut Tx<'_>, id: RevealId) -> Result<(Reveal, PatientIdentity)> {
    let reveal = locked(tx, id)?;
    if reveal.asker != somebody(tx)? {
        return Err(Error::NotFound("reveal"));
    }
    if reveal.state != State::Approved {
        return Err(Error::Refused {
            code: "E_FOUR_EYES",
            what: "a DPO agrees first, and then it lasts a day",
        });
    }
    let who = show(tx, reveal.patient, serde_json::json!({ "reveal": id, "reason": reveal.reason }))?;
    Ok((reveal, who))
}

/// One request.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn get(view: &mut View<'_>, id: RevealId, now: Instant) -> Result<Reveal> {
    let row =
        reveals::table.find(id.to_string()).select(Row::as_select()).get_result(view.conn).optional()?;
    row.ok_or(Error::NotFound("reveal"))?.open(view, now)
}

/// The requests about the patients of an audience.
fn rows(
    audience: &Audience,
    of: Option<UserId>,
) -> reveals::BoxedQuery<'static, <Conn as Connection>::Backend> {
    let mut rows = reveals::table.into_boxed();
    if let Some(within) = audience.within("reveals.patient_key") {
        rows = rows.filter(within);
    }
    match of {
        Some(asker) => rows.filter(reveals::asker.eq(asker.to_string())),
        None => rows,
    }
}

/// Requests about an audience in the order in which they came: of one auditor, or of all.
///
/// # Errors
/// Database errors.
pub fn page(
    view: &mut View<'_>,
    audience: &Audience,
    of: Option<UserId>,
    ask: &Ask,
    now: Instant,
) -> Result<Page<Reveal>> {
    let Cursor { at, id } = &ask.after;
    let rows: Vec<Row> = rows(audience, of)
        .filter(reveals::asked_at.gt(at).or(reveals::asked_at.eq(at).and(reveals::id.gt(id))))
        .order((reveals::asked_at, reveals::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    let page = Page::of(rows, ask, |row| Cursor { at: row.asked_at, id: row.id.clone() });
    page.try_map(|row| row.open(view, now))
}

/// The newest requests about an audience: of one auditor, or of all.
///
/// # Errors
/// Database errors.
pub fn newest(
    view: &mut View<'_>,
    audience: &Audience,
    of: Option<UserId>,
    limit: i64,
    now: Instant,
) -> Result<Vec<Reveal>> {
    let rows: Vec<Row> = rows(audience, of)
        .order((reveals::asked_at.desc(), reveals::id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(|row| row.open(view, now)).collect()
}

/// One request, held until the transaction ends.
fn locked(tx: &mut Tx<'_>, id: RevealId) -> Result<Reveal> {
    let row = reveals::table.find(id.to_string());
    let row: Option<Row> = match &mut *tx.conn {
        Conn::Pg(conn) => row.for_update().select(Row::as_select()).get_result(conn).optional()?,
        Conn::Sqlite(conn) => row.select(Row::as_select()).get_result(conn).optional()?,
    };
    let now = tx.now();
    row.ok_or(Error::NotFound("reveal"))?.open(tx, now)
}

/// Who a person is, with the look that says so.
fn show(tx: &mut Tx<'_>, patient: PatientId, mut body: serde_json::Value) -> Result<PatientIdentity> {
    let found = patients::get(tx, &Audience::program(), patient)?;
    let who = found
        .identity
        .ok_or_else(|| Error::from(Broken::KeyDestroyed).at(patients::place(&patient.to_string())))?;
    let look = Look { patient, what: What::Reveal, refused: None };
    let role = accesses::save(tx, &[(found.key, look)])?;
    if let Some(body) = body.as_object_mut() {
        body.insert("role".to_owned(), role.into());
        body.insert("what".to_owned(), serde_json::json!([What::Reveal.name()]));
    }
    tx.audit(&Act::new("access.reveal").patient(patient).decided(true).body(body))?;
    Ok(who)
}

fn somebody(tx: &Tx<'_>) -> Result<UserId> {
    match tx.actor() {
        Actor::User { id, .. } => Ok(id),
        Actor::Device(_) | Actor::System(_) | Actor::Operator => {
            Err(Error::Refused { code: "E_ROLE", what: "only a person asks who somebody is" })
        }
    }
}

fn checked(reason: &str) -> Result<String> {
    let what = "say why, in 1 to 500 characters on one line: the number of the request";
    line::read(reason, LONGEST).map_err(|_no_line| Error::Refused { code: "E_REASON", what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::testing::{NOW, entries, stores};
    use crate::tests::patient;

    fn act<T>(
        store: &Store,
        (id, role): (UserId, Role),
        now: Instant,
        f: impl FnMut(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        store.write(Actor::User { id, role }, now, f)
    }

    fn code<T>(done: Result<T>) -> &'static str {
        match done {
            Err(Error::Refused { code, .. }) => code,
            Err(Error::Conflict(_)) => "conflict",
            Err(Error::NotFound(_)) => "not found",
            Err(Error::Sealed(Broken::KeyDestroyed, _)) => "erased",
            Err(_) => "another",
            Ok(_) => "done",
        }
    }

    #[test]
    fn a_dpo_knows_one_person_under_a_reason_and_each_time_is_an_entry_and_a_look() {
        for store in stores() {
            let ana = patient(&store, "Ana");
            let (dpo, auditor) = ((UserId::new(NOW), Role::Dpo), (UserId::new(NOW), Role::Auditor));
            let looks = || store.read(|view| accesses::of_patient(view, ana.key, None, 100)).unwrap();
            let reveal = |who, reason: &str| act(&store, who, NOW, |tx| at_once(tx, ana.id, reason));
            for nothing in ["", "  ", &"x".repeat(501)] {
                assert_eq!(code(reveal(dpo, nothing)), "E_REASON");
            }
            assert_eq!(code(reveal(auditor, "2026-11/7")), "E_ROLE");
            assert!(looks().is_empty());
            assert_eq!(reveal(dpo, "2026-11/7").unwrap().name.as_str(), "Ana");
            assert_eq!(reveal(dpo, "2026-11/7").unwrap().name.as_str(), "Ana");
            assert_eq!(entries(&store, "access.reveal"), 2, "no entry speaks for another reveal");
            assert_eq!(looks().len(), 2);
            assert!(looks().iter().all(|look| look.what == What::Reveal && look.role == Some(Role::Dpo)));
        }
    }

    #[test]
    fn an_auditor_asks_a_dpo_agrees_and_it_lasts_a_day() {
        for store in stores() {
            let ana = patient(&store, "Ana");
            let (dpo, auditor) = ((UserId::new(NOW), Role::Dpo), (UserId::new(NOW), Role::Auditor));
            let asked = act(&store, auditor, NOW, |tx| ask(tx, ana.id, "auditoria 12")).unwrap();
            assert_eq!((asked.state, asked.reason.as_deref()), (State::Asked, Some("auditoria 12")));
            let opened = |who, now| act(&store, who, now, |tx| Ok(open(tx, asked.id)?.1));
            let answer = |who, yes| act(&store, who, NOW, |tx| decide(tx, asked.id, yes));
            assert_eq!(code(opened(auditor, NOW)), "E_FOUR_EYES");
            assert_eq!(code(answer(auditor, true)), "E_FOUR_EYES");
            assert_eq!(answer(dpo, true).unwrap().state, State::Approved);
            assert_eq!(code(answer(dpo, false)), "conflict");
            assert_eq!(opened(auditor, NOW).unwrap().name.as_str(), "Ana");
            assert_eq!(code(opened(dpo, NOW)), "not found", "it is the auditor's alone");
            assert_eq!(code(opened(auditor, NOW.plus(LASTS))), "E_FOUR_EYES");
            assert_eq!(entries(&store, "access.reveal"), 3, "asked, agreed, opened");
            let looks = store.read(|view| accesses::of_patient(view, ana.key, None, 100)).unwrap();
            assert_eq!(looks.len(), 1, "only what was shown is a look");
            let later = NOW.plus(Duration::from_secs(1));
            let other = act(&store, auditor, later, |tx| ask(tx, ana.id, "auditoria 13")).unwrap();
            act(&store, dpo, later, |tx| decide(tx, other.id, false)).unwrap();
            assert_eq!(code(act(&store, auditor, NOW, |tx| open(tx, other.id))), "E_FOUR_EYES");
            let all =
                store.read(|view| newest(view, &Audience::program(), Some(auditor.0), 10, NOW)).unwrap();
            let states: Vec<State> = all.iter().map(|reveal| reveal.state).collect();
            assert_eq!(states, [State::Refused, State::Approved]);
            let page = store
                .read(|view| page(view, &Audience::program(), None, &Ask::default(), NOW.plus(LASTS)))
                .unwrap();
            assert_eq!(page.items[0].state, State::Over);
            crate::testing::destroy_keys(&store, Subject::Patient(ana.id));
            let stored = store.read(|view| get(view, asked.id, NOW)).unwrap();
            assert_eq!(stored.reason, None, "why goes with who");
            assert_eq!(code(opened(auditor, NOW)), "erased");
        }
    }
}
