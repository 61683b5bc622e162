//! The JSON API: one file per resource. A handler says what it needs of a [`Call`], works on a blocking thread
//! at a [`Desk`] and gives back a [`Reply`].

pub(crate) use crate::http::body::{Body, IfMatch, MayBody};
pub(crate) use crate::http::call::{Answer, Call, Desk, Reply};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fault::Fault;
use store::db::page::{MOST, USUAL};
use store::{Ask, Cursor, Page};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Pass it as `after` for the next page; null at the end.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

impl<T> List<T> {
    /// The same page in the API's shape.
    pub(crate) fn of<U>(page: Page<U>, shape: impl FnMut(U) -> T) -> Self {
        Self { items: page.items.into_iter().map(shape).collect(), next: page.next }
    }

    /// All there is.
    #[must_use]
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// At most so many rows: 100 by default, 1,000 at the most.
    pub limit: Option<usize>,
    /// The `next` of the page before.
    #[serde(alias = "cursor")]
    pub after: Option<String>,
}

impl Paging {
    /// As the store asks.
    ///
    /// # Errors
    /// `E_INVALID` for what is not a cursor, or a limit of zero.
    pub(crate) fn ask(&self) -> Result<Ask, Fault> {
        let after = match &self.after {
            None => Cursor::start(),
            Some(text) => {
                text.parse().map_err(|_not_one| Fault::invalid("after", "pass `next` unchanged"))?
            }
        };
        Ok(Ask { after, limit: self.limit()? })
    }

    /// How many rows.
    ///
    /// # Errors
    /// `E_INVALID` for zero.
    pub(crate) fn limit(&self) -> Result<usize, Fault> {
        match self.limit.unwrap_or(USUAL) {
            0 => Err(Fault::invalid("limit", "at least 1")),
            limit => Ok(limit.min(MOST)),
        }
    }
}
