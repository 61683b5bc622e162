//! Answering for many alerts in one call: each is named by the caller, is answered for by itself, and says what became of
//! it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Reply};
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use domain::alerts::Act;
use domain::line::{self, NotALine};
use domain::{AlertCase, AlertId, UserId};
use store::Tx;
use store::alerts;
use store::patients::audience::Requested;

/// As many as one call may name.
pub(crate) const MOST: usize = 100;

/// Which ones.
#[derive(Deserialize, ToSchema)]
#[schema(as = AckMany)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// 1 to 100 ids. There is no way to say "all": whoever answers names what they saw.
    #[schema(value_type = Vec<String>)]
    alerts: Vec<Requested<AlertId>>,
    /// Why, the same for each.
    note: Option<String>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
#[schema(as = Acked)]
pub(crate) struct Acked {
    /// Which one.
    #[schema(value_type = String)]
    alert: Requested<AlertId>,
    /// Where it stands; null where it was refused.
    state: Option<&'static str>,
    /// Who has it: somebody else, where they had answered before.
    #[schema(value_type = Option<String>)]
    owner: Option<UserId>,
    /// Why it was refused: `E_CLAIMED`, `E_STATE`, `E_NOT_FOUND`, …; null where it was not.
    code: Option<&'static str>,
}

/// What became of each.
#[derive(Serialize, ToSchema)]
#[schema(as = AckedMany)]
pub(crate) struct AckedMany {
    /// In the order of the call.
    items: Vec<Acked>,
}

/// Answers for several alerts, each in a transaction and with an audit entry of its own. One that is refused holds up no
/// other.
#[utoipa::path(post, path = "/api/v1/alerts/ack", tag = "alerts", request_body = Named, responses((status = 200, body = AckedMany)))]
pub(crate) async fn ack(call: Call, body: Body<Named>) -> Answer {
    let Named { alerts, note } = body.value;
    call.run(move |desk| {
        if note.as_deref().is_some_and(|note| !line::is_plain(note)) {
            return Err(Fault::invalid("note", &NotALine::Unseen.to_string()));
        }
        let mut named = distinct(alerts);
        if named.is_empty() || named.len() > MOST {
            return Err(Fault::invalid("alerts", "1 to 100 ids of alerts"));
        }
        let one = |alert: Requested<AlertId>| {
            let done = desk.write(|tx| answer(tx, &desk.viewer, alert, note.as_deref()));
            match done {
                Ok(case) => Acked { alert, state: Some(case.state.name()), owner: case.owner, code: None },
                Err(fault) => Acked { alert, state: None, owner: None, code: Some(fault.code.name()) },
            }
        };
        Reply::ok(&AckedMany { items: named.drain(..).map(one).collect() })
    })
    .await
}

/// Answers for one; gives it as it stands.
///
/// # Errors
/// Why not; store faults.
pub(crate) fn answer(
    tx: &mut Tx<'_>,
    by: &Viewer,
    asked: Requested<AlertId>,
    note: Option<&str>,
) -> Result<AlertCase, Fault> {
    let alert = by.audience.alert(tx, asked)?;
    Ok(alerts::acted(tx, alert.id(), by.id, Act::Ack, note)?.case)
}

/// Each once, in their order.
pub(crate) fn distinct(alerts: Vec<Requested<AlertId>>) -> Vec<Requested<AlertId>> {
    let mut seen = std::collections::BTreeSet::new();
    alerts.into_iter().filter(|alert| seen.insert(*alert)).collect()
}
