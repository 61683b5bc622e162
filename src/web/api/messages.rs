//! What waits on a person's dashboard: pages about cases, by id and link. They carry no name and no measurement.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Call, List, Reply};
use crate::domain::Instant;
use crate::domain::message::Channel;
use crate::store::messages::{self, Stored};
use crate::store::{Cursor, pages_seen};
use crate::web::Code;
use crate::web::fault::Fault;

/// A page on the dashboard.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct Seen {
    id: String,
    /// What it says, by its template: `page`, `page_repeat`, `nobody_reached`.
    template: String,
    /// What it is about: `alert`.
    kind: String,
    subject: String,
    /// Where it is answered.
    link: String,
    /// `due`, `accepted`, `delivered`, `read`, `failed`, `cancelled`, …
    state: &'static str,
    #[schema(value_type = String)]
    at: Instant,
}

impl From<&Stored> for Seen {
    fn from(stored: &Stored) -> Self {
        Self {
            id: stored.key.clone(),
            template: stored.template.clone(),
            kind: stored.kind.clone(),
            subject: stored.subject.clone(),
            link: pages_seen::link(stored).to_owned(),
            state: stored.way.state.name(),
            at: stored.created_at,
        }
    }
}

/// Which messages: always the caller's own.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Said for clarity: nobody sees anybody else's.
    mine: Option<String>,
    /// Only what was not read and still matters. Whoever asks so has received it.
    unread: Option<String>,
    /// At most so many rows.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// The caller's messages, oldest first.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(Wanted), responses((status = 200, body = List<Seen>)))]
pub async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| {
        let _always = &wanted.mine;
        if wanted.unread.is_some() {
            let waiting = pages_seen::fetched(&desk.state.store, desk.viewer.id, desk.now)?;
            return Reply::ok(&List::whole(waiting.iter().map(Seen::from).collect()));
        }
        let ask = super::Paging { limit: wanted.limit, after: wanted.after.clone() }.ask()?;
        let limit = ask.limit;
        let me = desk.viewer.id.to_string();
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            desk.read(|view| Ok(messages::after(view, Channel::InApp, &me, ask.after.at.max(0), most)?))?;
        let last = rows.last().filter(|_| rows.len() == limit).map(|stored| stored.id);
        let next = last.map(|at| Cursor { at, id: "messages".to_owned() });
        Reply::ok(&List { items: rows.iter().map(Seen::from).collect(), next })
    })
    .await
}

/// The caller has read a page, and every other that leads to the same place.
#[utoipa::path(post, path = "/api/v1/messages/{id}/read", tag = "messages", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub async fn read(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let waiting = pages_seen::fetched(&desk.state.store, desk.viewer.id, desk.now)?;
        let about = waiting.iter().find(|stored| stored.key == *id);
        let about = about.ok_or_else(|| Fault::new(Code::NotFound))?;
        pages_seen::opened(&desk.state.store, desk.viewer.id, pages_seen::link(about), desk.now)?;
        Ok(Reply::none())
    })
    .await
}
