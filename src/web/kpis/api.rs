//! The facts themselves. They say what happened, when and to how many, and of staff who did it; never to which patient.
//! Facts of one patient together are identified analytics (`analytics.identified`), for which no patient is asked, so no
//! permit can be given: the patient, and the alert or message that leads to them, are left out.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, List, Paging, Reply};
use crate::http::fault::Fault;
use domain::kpis::{Dimension, Kind, Unit};
use domain::{Instant, UserId};
use store::kpis::facts::{self, Recorded, Window};

/// Which facts.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Inclusive; a day before `to` by default.
    #[param(value_type = Option<String>)]
    from: Option<Instant>,
    /// Exclusive; now by default.
    #[param(value_type = Option<String>)]
    to: Option<Instant>,
    /// One kind, such as `alert.raised`; all by default.
    kind: Option<String>,
    /// At most so many rows: 100 by default, 1,000 at the most.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// One thing that happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Fact {
    /// Grows in the order in which facts became known.
    id: i64,
    /// Such as `alert.raised`.
    kind: &'static str,
    #[schema(value_type = String)]
    at: Instant,
    /// The day of `at` in the organisation's zone.
    date: String,
    /// That zone (IANA), as it was when the fact was written.
    zone: String,
    /// Who of staff did it.
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// Codes by dimension: `rule` `level` `timing` `turn` `outcome` `policy` `metric` `step` `purpose` `giver` `channel`
    /// `template`.
    #[schema(value_type = BTreeMap<String, String>)]
    dimensions: BTreeMap<Dimension, String>,
    /// A number, in `unit`.
    value: Option<i64>,
    /// Of a time, what the case's own clock counted: open hours without pauses. Null where no such clock ran.
    counted: Option<i64>,
    /// `ms` or `{person}`.
    unit: Option<&'static str>,
}

const DAY: Duration = Duration::from_secs(86_400);
/// The clocks of nodes may differ by this much.
const AHEAD: Duration = Duration::from_secs(300);

impl Asked {
    fn window(&self, now: Instant) -> Result<Window, Fault> {
        let to = self.to.unwrap_or_else(|| now.plus(AHEAD));
        let from = self.from.unwrap_or_else(|| to.minus(DAY));
        if from >= to {
            return Err(Fault::invalid("from", "`from` lies before `to`"));
        }
        let known =
            |name: &String| Kind::from_name(name).ok_or_else(|| Fault::invalid("kind", "not a kind of fact"));
        Ok(Window { from, to, kind: self.kind.as_ref().map(known).transpose()? })
    }
}

/// What happened in a time, in the order in which it happened.
#[utoipa::path(get, path = "/api/v1/kpis/facts", tag = "kpis", params(Asked), responses((status = 200, body = List<Fact>)))]
pub(crate) async fn facts(call: Call, asked: Query<Asked>) -> Answer {
    call.run(move |desk| {
        let ask = Paging { limit: asked.limit, after: asked.after.clone() }.ask()?;
        let window = asked.window(desk.now)?;
        desk.read(|view| Reply::ok(&List::of(facts::page(view, window, &ask)?, shown)))
    })
    .await
}

fn shown(fact: Recorded) -> Fact {
    let amount = fact.amount;
    Fact {
        id: fact.id,
        kind: fact.kind.name(),
        at: fact.at,
        date: fact.date.to_string(),
        zone: fact.zone,
        user_id: fact.user,
        dimensions: fact.dimensions.into_iter().map(|(of, code)| (of, code.to_string())).collect(),
        value: amount.map(|amount| amount.value),
        counted: amount.and_then(|amount| amount.counted),
        unit: amount.map(|amount| amount.unit).map(Unit::name),
    }
}
