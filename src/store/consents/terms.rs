//! The texts that patients accept: immutable, known by their hash, in the log before anybody is shown them.

use consent::{Change, Lang, Purpose, Term, Version};
use diesel::prelude::*;
use serde::Serialize;

use crate::consents;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::terms;
use crate::{Act, Tx, View};
use domain::{Instant, TermId};

/// One published text, in the API's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The id.
    pub id: TermId,
    /// What for.
    pub purpose: Purpose,
    /// In which language.
    pub lang: Lang,
    /// `major.minor.patch`.
    pub version: String,
    /// The exact text.
    pub text: String,
    /// SHA-256 of the text, 64 hexadecimal digits.
    pub text_sha256: String,
    /// Whether a grant may name it: no newer version stands for this purpose and language.
    pub current: bool,
    /// When it was published.
    pub published_at: Instant,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = terms)]
struct Row {
    id: String,
    purpose: String,
    lang: String,
    version: String,
    text: String,
    text_sha256: Vec<u8>,
    published_at: i64,
}

impl Row {
    fn version(&self) -> Result<Version> {
        Version::parse(&self.version).ok_or(Error::corrupt("terms.version"))
    }

    fn read(self, newest: &Newest) -> Result<Published> {
        let id = self.id.clone();
        self.parse(newest).in_row(id)
    }

    fn parse(self, newest: &Newest) -> Result<Published> {
        let version = self.version()?;
        let current = newest.iter().all(|(purpose, lang, newest)| {
            (*purpose, *lang) != (self.purpose.as_str(), self.lang.as_str()) || *newest <= version
        });
        Ok(Published {
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("terms.id"))?,
            purpose: Purpose::parse(&self.purpose).ok_or(Error::corrupt("terms.purpose"))?,
            lang: Lang::parse(&self.lang).ok_or(Error::corrupt("terms.lang"))?,
            version: self.version,
            text: self.text,
            text_sha256: hex::encode(self.text_sha256),
            current,
            published_at: Instant::from_micros(self.published_at),
        })
    }
}

/// The newest version of each (purpose, language).
type Newest = Vec<(&'static str, &'static str, Version)>;

fn newest(view: &mut View<'_>) -> Result<Newest> {
    let rows: Vec<(String, String, String, String)> =
        terms::table.select((terms::id, terms::purpose, terms::lang, terms::version)).load(view.conn)?;
    let mut newest = Newest::new();
    for (id, purpose, lang, version) in rows {
        let purpose = Purpose::parse(&purpose).ok_or(Error::corrupt("terms.purpose")).in_row(&id)?.as_str();
        let lang = Lang::parse(&lang).ok_or(Error::corrupt("terms.lang")).in_row(&id)?.as_str();
        let version = Version::parse(&version).ok_or(Error::corrupt("terms.version")).in_row(&id)?;
        match newest.iter_mut().find(|(p, l, _)| (*p, *l) == (purpose, lang)) {
            Some((.., known)) => *known = version.max(*known),
            None => newest.push((purpose, lang, version)),
        }
    }
    Ok(newest)
}

/// Publishes one version of a purpose's text in all its languages. Where the change is material, every grant
/// of the older text becomes stale, or is marked for a notice, in the same transaction (LGPD art. 8 §6).
///
/// # Errors
/// `E_TERM_VERSION` when the texts are not one version, or not newer than the present one; database errors.
pub fn publish(tx: &mut Tx<'_>, texts: &[Term], author: &str, approver: &str) -> Result<()> {
    let Some(first) = texts.first() else { return Err(mixed()) };
    let (purpose, version, change) = (first.purpose(), first.version(), first.change());
    if texts.iter().any(|text| (text.purpose(), text.version(), text.change()) != (purpose, version, change))
    {
        return Err(mixed());
    }
    let newest = newest(tx)?;
    if newest.iter().any(|(known, _, newest)| *known == purpose.as_str() && *newest >= version) {
        return Err(Error::Refused {
            code: "E_TERM_VERSION",
            what: "a published term never changes: give the new text a higher version",
        });
    }
    for text in texts {
        insert(tx, text, author, approver)?;
    }
    if change != Change::None {
        consents::supersede(tx, purpose, change)?;
    }
    tx.signal("term.published", purpose)
}

fn mixed() -> Error {
    Error::Refused {
        code: "E_TERM_VERSION",
        what: "publish the languages of one version of one purpose together",
    }
}

fn insert(tx: &mut Tx<'_>, text: &Term, author: &str, approver: &str) -> Result<()> {
    let now = tx.now();
    let id = TermId::new(now);
    let hash = text.text_sha256();
    diesel::insert_into(terms::table)
        .values((
            terms::id.eq(id.to_string()),
            terms::purpose.eq(text.purpose().as_str()),
            terms::lang.eq(text.lang().as_str()),
            terms::version.eq(text.version().to_string()),
            terms::text.eq(text.text()),
            terms::text_sha256.eq(hash.as_slice()),
            terms::change.eq(text.change().as_str()),
            terms::published_at.eq(now.micros()),
            terms::author.eq(author),
            terms::approver.eq(approver),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({
        "term": id, "lang": text.lang(), "version": text.version().to_string(), "change": text.change(),
        "author": author, "approver": approver,
    });
    tx.audit(&Act::new("term.published").purpose(text.purpose().as_str()).term(&hash).body(body))
}

/// The texts that stand now for a purpose, one per language.
///
/// # Errors
/// Database errors.
pub fn current(view: &mut View<'_>, purpose: Purpose) -> Result<Vec<Published>> {
    let newest = newest(view)?;
    let rows: Vec<Row> = terms::table
        .filter(terms::purpose.eq(purpose.as_str()))
        .order((terms::published_at, terms::id))
        .select(Row::as_select())
        .load(view.conn)?;
    let all: Vec<Published> = rows.into_iter().map(|row| row.read(&newest)).collect::<Result<_>>()?;
    Ok(all.into_iter().filter(|term| term.current).collect())
}

/// The text with this hash, however old: what somebody once accepted can always be shown.
///
/// # Errors
/// Database errors.
pub fn by_hash(view: &mut View<'_>, sha256: &[u8]) -> Result<Option<Published>> {
    let newest = newest(view)?;
    let row = terms::table.filter(terms::text_sha256.eq(sha256)).order(terms::published_at.desc());
    let row: Option<Row> = row.select(Row::as_select()).first(view.conn).optional()?;
    row.map(|row| row.read(&newest)).transpose()
}

/// Every text of a purpose, or of all, in the order of publication.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, purpose: Option<Purpose>, ask: &Ask) -> Result<Page<Published>> {
    let Cursor { at, id } = &ask.after;
    let newest = newest(view)?;
    let rows = terms::table
        .filter(terms::published_at.gt(at).or(terms::published_at.eq(at).and(terms::id.gt(id))))
        .order((terms::published_at, terms::id))
        .limit(ask.reach())
        .select(Row::as_select());
    let rows: Vec<Row> = match purpose {
        Some(purpose) => rows.filter(terms::purpose.eq(purpose.as_str())).load(view.conn)?,
        None => rows.load(view.conn)?,
    };
    Page::of(rows, ask, |row| Cursor { at: row.published_at, id: row.id.clone() })
        .try_map(|row| row.read(&newest))
}
