//! Commands to devices: stored until acknowledged, pushed at once to a device that is connected.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, List, Paging, Reply};
use crate::http::fault::Fault;
use domain::{CommandId, DeviceId, Instant};
use store::Subject;
use store::devices::commands::{self, Command};
use store::patients::audience::Requested;

/// Largest command.
const BODY_BYTES: usize = 64 * 1024;
/// Longest time that a command may wait.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A command and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Command)]
pub(crate) struct Seen {
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
    #[schema(value_type = Option<serde_json::Value>)]
    reply: Option<Value>,
    /// `waiting`, `acknowledged`, `refused`, `cancelled`, `expired`.
    state: &'static str,
    /// Until when the device may come for it.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    refused_at: Option<Instant>,
    /// The MQTT reason code with which the device refused it.
    refused_code: Option<u8>,
    #[schema(value_type = Option<String>)]
    cancelled_at: Option<Instant>,
}

impl Seen {
    fn at(now: Instant, command: Command) -> Self {
        let state = command.state(now).name();
        let (replied_at, reply) = command.reply.unzip();
        let (refused_at, refused_code) = command.refused.unzip();
        Self {
            id: command.id,
            body: command.body,
            created_at: command.created_at,
            acknowledged_at: command.acknowledged_at,
            replied_at,
            reply,
            state,
            expires_at: command.expires_at,
            refused_at,
            refused_code,
            cancelled_at: command.cancelled_at,
        }
    }
}

/// A command.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommand {
    /// What to do, as the device understands it; an object.
    #[schema(value_type = Object)]
    body: Value,
    /// Until when the device may come for it: a week from now by default, a year at most.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Instant>,
}

/// The id of something made.
#[derive(Serialize, ToSchema)]
#[schema(as = CommandId)]
pub(crate) struct Given {
    #[schema(value_type = String)]
    id: CommandId,
}

/// A device's commands in the order in which they were given.
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands", tag = "devices", params(("id" = String, Path), Paging), responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call, id: Path<Requested<DeviceId>>, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let page = desk.read(|view| {
            let id = desk.viewer.audience.device(view, *id)?.id();
            Ok(commands::page(view, id, &ask)?)
        })?;
        Reply::ok(&List::of(page, |command| Seen::at(desk.now, command)))
    })
    .await
}

/// Leaves a command for a device.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", tag = "devices", params(("id" = String, Path)), request_body = NewCommand, responses((status = 201, body = Given), (status = 404), (status = 409)))]
pub(crate) async fn create(call: Call, id: Path<Requested<DeviceId>>, body: Body<NewCommand>) -> Answer {
    call.run(move |desk| {
        if !body.value.body.is_object() {
            return Err(Fault::invalid("body", "an object"));
        }
        if body.bytes.len() > BODY_BYTES {
            return Err(Fault::invalid("body", "at most 64 KiB"));
        }
        let expires = body.value.expires_at.unwrap_or_else(|| desk.now.plus(commands::LASTS));
        if expires <= desk.now || expires > desk.now.plus(LONGEST) {
            return Err(Fault::invalid("expires_at", "after now, and within a year"));
        }
        let id = desk.read(|view| Ok(desk.viewer.audience.device(view, *id)?))?.id();
        let reply = desk.create(&body.bytes, |tx| {
            let command = commands::insert(tx, id, &body.value.body, expires)?;
            Ok((Subject::Device(id), StatusCode::CREATED, Given { id: command }))
        })?;
        desk.state.edge.push_command(id);
        Ok(reply)
    })
    .await
}

/// Takes a command back that the device has not answered. One that is on its way may arrive all the same.
#[utoipa::path(delete, path = "/api/v1/devices/{id}/commands/{command}", tag = "devices", params(("id" = String, Path), ("command" = String, Path)), responses((status = 204), (status = 404), (status = 409)))]
pub(crate) async fn cancel(call: Call, path: Path<(Requested<DeviceId>, CommandId)>) -> Answer {
    call.run(move |desk| {
        let (device, command) = *path;
        desk.write(|tx| {
            let device = desk.viewer.audience.device(tx, device)?.id();
            Ok(commands::cancel(tx, device, command)?)
        })?;
        Ok(Reply::none())
    })
    .await
}
