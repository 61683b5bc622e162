//! How this node is doing: counts and clocks, nothing of a person.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Call, Reply};
use crate::domain::{Instant, Level};
use crate::store::{alerts, reevaluations};
use crate::web::state::Module;

/// One engine module.
#[derive(Serialize, ToSchema)]
pub struct Run {
    name: &'static str,
    #[schema(value_type = Option<String>)]
    last_run_at: Option<Instant>,
    took_ms: u64,
    runs: u64,
    did: u64,
    error: Option<String>,
}

impl From<Module> for Run {
    fn from(module: Module) -> Self {
        let Module { name, last_run_at, took, runs, did, error } = module;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { name, last_run_at, took_ms, runs, did, error }
    }
}

/// How this node is doing.
#[derive(Serialize, ToSchema)]
pub struct Status {
    node: String,
    #[schema(value_type = String)]
    at: Instant,
    connections: usize,
    /// Transactions since the start.
    commits: u64,
    /// Series that wait to be judged anew.
    reevaluations: i64,
    red: i64,
    yellow: i64,
    modules: Vec<Run>,
}

/// How this node is doing.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn show(call: Call) -> Answer {
    call.run(|desk| {
        let (waiting, counts) =
            desk.read(|view| Ok((reevaluations::backlog(view)?.0, alerts::counts(view)?)))?;
        let of = |level: Level| counts.iter().find(|(code, _)| *code == level.code()).map_or(0, |(_, n)| *n);
        let state = &desk.state;
        Reply::ok(&Status {
            node: state.node.clone(),
            at: desk.now,
            connections: state.edge.connections(),
            commits: state.store.commits(),
            reevaluations: waiting,
            red: of(Level::Red),
            yellow: of(Level::Yellow),
            modules: state.engine.modules().into_iter().map(Run::from).collect(),
        })
    })
    .await
}
