//! One page of a list: ascending by creation, resumed after the last row seen, so that new rows shift nothing.

pub(crate) mod before;

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::RunQueryDsl;
use serde::Serialize;

use crate::View;
use crate::db::error::Result;

/// How many rows a page holds when nobody says.
pub const USUAL: usize = 100;
/// The most rows a page holds.
pub const MOST: usize = 1_000;

/// As far as the rows of a list are counted: a look stays cheap.
pub const COUNTED: i64 = 10_000;

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// How many rows a table has, counted up to one more than [`COUNTED`].
pub(crate) fn counted(view: &mut View<'_>, table: &'static str) -> Result<i64> {
    let most = COUNTED + 1;
    let sql =
        format!("SELECT COUNT(*) AS number FROM (SELECT 1 AS one FROM {table} LIMIT {most}) AS counted");
    Ok(diesel::sql_query(sql).get_result::<Number>(view.conn)?.number)
}

/// The place after a row: its instant and its id. Opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Microseconds.
    pub at: i64,
    /// The row's id.
    pub id: String,
}

impl Cursor {
    /// Before the first row.
    #[must_use]
    pub const fn start() -> Self {
        Self { at: i64::MIN, id: String::new() }
    }
}

impl Cursor {
    /// Where a page of `limit` rows begins that ends with the first of `before`: one row more than the page holds,
    /// going back. `None` without rows.
    pub(crate) fn beginning(mut before: Vec<(i64, String)>, limit: usize) -> Option<Self> {
        if before.is_empty() {
            return None;
        }
        let beyond = before.split_off(limit.min(before.len())).pop();
        Some(beyond.map_or_else(Self::start, |(at, id)| Self { at, id }))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{}.{}", self.at, self.id)))
    }
}

/// The text is not a cursor that a page gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: pass the `next` of the page before, unchanged")]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> std::result::Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_not_base64| NotACursor)?;
        let plain = String::from_utf8(bytes).map_err(|_not_text| NotACursor)?;
        let (at, id) = plain.split_once('.').ok_or(NotACursor)?;
        // PostgreSQL refuses a zero in text.
        if id.contains('\0') {
            return Err(NotACursor);
        }
        Ok(Self { at: at.parse().map_err(|_not_a_number| NotACursor)?, id: id.to_owned() })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, out: S) -> std::result::Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Rows after this place.
    pub after: Cursor,
    /// At most so many, [`MOST`] at the most.
    pub limit: usize,
}

impl Default for Ask {
    fn default() -> Self {
        Self { after: Cursor::start(), limit: USUAL }
    }
}

impl Ask {
    /// One row more than the page holds: whether there is a next page.
    pub(crate) fn reach(&self) -> i64 {
        i64::try_from(self.size()).unwrap_or(0) + 1
    }

    fn size(&self) -> usize {
        self.limit.clamp(1, MOST)
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows, oldest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From the rows that [`Ask::reach`] brought.
    pub(crate) fn of(mut items: Vec<T>, ask: &Ask, place: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > ask.size();
        items.truncate(ask.size());
        let next = items.last().filter(|_| more).map(place);
        Self { items, next }
    }

    /// The same page of other things.
    ///
    /// # Errors
    /// The first that `f` gives.
    pub(crate) fn try_map<U, E>(
        self,
        f: impl FnMut(T) -> std::result::Result<U, E>,
    ) -> std::result::Result<Page<U>, E> {
        Ok(Page {
            items: self.items.into_iter().map(f).collect::<std::result::Result<_, E>>()?,
            next: self.next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text_and_nothing_else_does() {
        let cursor = Cursor { at: -5, id: "0190-a.b".to_owned() };
        assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        for bad in ["", "!", "NQ", &URL_SAFE_NO_PAD.encode("x.y"), &URL_SAFE_NO_PAD.encode("1.\0")] {
            assert_eq!(bad.parse::<Cursor>(), Err(NotACursor), "{bad}");
        }
    }
}
