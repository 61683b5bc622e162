//! `zelo device`: wearables, their tokens, and whom they measure.

use serde_json::json;

use crate::cli::args::Device;
use crate::cli::desk::{Desk, instant, read};
use crate::cli::error::{Error, Result};
use crate::domain::{DeviceId, DeviceIdentity, Instant, PatientId, TokenId};
use crate::store::{bindings, devices, signing};

pub(in crate::cli) fn run(desk: &Desk, command: Device) -> Result<()> {
    match command {
        Device::Add { label, model, serial, patient } => {
            let patient: Option<PatientId> = patient.map(|id| read("--patient", &id)).transpose()?;
            let identity = DeviceIdentity { label, model, serial };
            let (id, jti) = desk.write(|tx| {
                let id = devices::insert(tx, &identity)?.id;
                if let Some(patient) = patient {
                    bindings::bind(tx, id, patient, tx.now(), false)?;
                }
                Ok((id, devices::issue_token(tx, id, None)?))
            })?;
            say_token(desk, id, jti)
        }
        Device::Token { device } => {
            let id: DeviceId = read("device", &device)?;
            let jti = desk.write(|tx| devices::issue_token(tx, id, None))?;
            say_token(desk, id, jti)
        }
        Device::Bind { device, patient, from, preferred } => {
            let (device, patient) = (read("device", &device)?, read("patient", &patient)?);
            let from = when(desk, from)?;
            let binding = desk.write(|tx| bindings::bind(tx, device, patient, from, preferred))?;
            desk.out.say(&json!({ "id": binding.id, "from": binding.from }), &format!("bound from {from}"));
            Ok(())
        }
        Device::Unbind { device, at } => {
            let device = read("device", &device)?;
            let at = when(desk, at)?;
            let binding = desk.write(|tx| bindings::unbind(tx, device, at))?;
            desk.out.say(
                &json!({ "id": binding.id, "from": binding.from, "to": binding.to }),
                &format!("unbound from {at}"),
            );
            Ok(())
        }
        Device::RevokeToken { device, token } => {
            let (device, token) = (read("device", &device)?, read("token", &token)?);
            desk.write(|tx| devices::revoke_token(tx, device, token))?;
            desk.out.say(
                &json!({ "id": device, "revoked": token }),
                "Nobody connects with this token again; a connection that is open stays open until it ends.",
            );
            Ok(())
        }
        Device::List => {
            for device in desk.all(devices::page)? {
                let bound = desk.store.read(|view| bindings::of_device(view, device.key))?;
                let patient =
                    bound.into_iter().rfind(|binding| binding.to.is_none()).map(|binding| binding.patient);
                let json = json!({
                    "id": device.id, "label": device.identity.label, "model": device.identity.model, "patient_id": patient,
                    "last_seen_at": device.last_seen_at, "disabled_at": device.disabled_at,
                });
                let whose = patient.map_or_else(|| "(nobody's)".to_owned(), |id| id.to_string());
                desk.out.say(&json, &format!("{}  {whose}  {}", device.id, device.identity.label));
            }
            Ok(())
        }
    }
}

fn say_token(desk: &Desk, id: DeviceId, jti: TokenId) -> Result<()> {
    let signer = signing::load(&desk.home.keys())?;
    let token =
        signer.for_device(id, jti, None, desk.now()).map_err(|fault| Error::Failed(fault.to_string()))?;
    let words = format!(
        "MQTT user name  {id}\nMQTT password   {token}\n(token id {jti}; the password is shown only now)"
    );
    desk.out.say(&json!({ "id": id, "token": token, "token_id": jti }), &words);
    Ok(())
}

fn when(desk: &Desk, text: Option<String>) -> Result<Instant> {
    text.map_or_else(|| Ok(desk.now()), |text| instant(&text))
}
