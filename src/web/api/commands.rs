//! Commands to devices: kept until acknowledged, pushed at once to a device that is connected.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Answer, Body, Call, List, Paging, Reply};
use crate::domain::{CommandId, DeviceId, Instant};
use crate::store::commands::{self, Command};
use crate::store::{Subject, devices};
use crate::web::fault::Fault;

/// A command and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Command)]
pub struct Seen {
    #[schema(value_type = String)]
    id: CommandId,
    #[schema(value_type = Object)]
    body: Value,
    #[schema(value_type = String)]
    created_at: Instant,
    #[schema(value_type = Option<String>)]
    acknowledged_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    replied_at: Option<Instant>,
    #[schema(value_type = Option<Object>)]
    reply: Option<Value>,
}

impl From<Command> for Seen {
    fn from(command: Command) -> Self {
        let (replied_at, reply) = command.reply.unzip();
        Self {
            id: command.id,
            body: command.body,
            created_at: command.created_at,
            acknowledged_at: command.acknowledged_at,
            replied_at,
            reply,
        }
    }
}

/// A command.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommand {
    /// What to do, as the device understands it; an object.
    #[schema(value_type = Object)]
    body: Value,
}

/// The id of something made.
#[derive(Serialize, ToSchema)]
#[schema(as = CommandId)]
pub struct Given {
    #[schema(value_type = String)]
    id: CommandId,
}

/// A device's commands in the order in which they were given.
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands", tag = "devices", params(("id" = String, Path), Paging), responses((status = 200, body = List<Seen>)))]
pub async fn list(call: Call, id: Path<DeviceId>, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let page = desk.read(|view| Ok(commands::page(view, *id, &ask)?))?;
        Reply::ok(&List::of(page, Seen::from))
    })
    .await
}

/// Leaves a command for a device.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", tag = "devices", params(("id" = String, Path)), request_body = NewCommand, responses((status = 201, body = Given), (status = 404)))]
pub async fn create(call: Call, id: Path<DeviceId>, body: Body<NewCommand>) -> Answer {
    call.run(move |desk| {
        if !body.value.body.is_object() {
            return Err(Fault::invalid("body", "an object"));
        }
        let reply = desk.create(&body.bytes, |tx| {
            devices::key_of(tx, *id)?;
            let command = commands::insert(tx, *id, &body.value.body)?;
            Ok((Subject::Device(*id), StatusCode::CREATED, Given { id: command }))
        })?;
        desk.state.edge.push_command(*id);
        Ok(reply)
    })
    .await
}
