//! `zelo device`: wearables, their tokens, and whom they measure.

use serde_json::json;

use crate::cli::acts::{Acts, Given, Moving};
use crate::cli::args::Device;
use crate::cli::desk::{instant, read};
use crate::cli::error::Result;
use crate::cli::out::Out;
use domain::{DeviceId, DeviceIdentity, PatientId, TokenId};

pub(in crate::cli) fn run(acts: &dyn Acts, out: Out, command: Device) -> Result<()> {
    match command {
        Device::Add { label, model, serial, patient } => {
            let patient: Option<PatientId> = patient.map(|id| read("--patient", &id)).transpose()?;
            show(out, &acts.add_device(&DeviceIdentity { label, model, serial }, patient)?);
        }
        Device::Token { device } => show(out, &acts.issue_token(read("device", &device)?)?),
        Device::Bind { device, patient, from, preferred } => {
            let (device, patient) = (read("device", &device)?, read("patient", &patient)?);
            let from = from.as_deref().map(instant).transpose()?;
            let bound = acts.bind(device, patient, from, preferred)?;
            let moving = moving(&bound.moving, "go to the patient, measured while it was nobody's");
            out.say(&bound, &format!("bound from {}{moving}", bound.from));
        }
        Device::Unbind { device, patient, at } => {
            let of = patient.map(|id| read("--patient", &id)).transpose()?;
            let at = at.as_deref().map(instant).transpose()?;
            let bound = acts.unbind(read("device", &device)?, of, at)?;
            let to = bound.to.map_or_else(String::new, |to| to.to_string());
            let moving = moving(&bound.moving, "leave the patient and wait for whoever wore it");
            out.say(&bound, &format!("unbound from {to}{moving}"));
        }
        Device::RevokeToken { device, id: token } => {
            let (device, token): (DeviceId, TokenId) = (read("device", &device)?, read("token", &token)?);
            acts.revoke_token(device, token)?;
            let words =
                "Nobody connects with this token again, and the connection that came with it has ended.";
            out.say(&json!({ "id": device, "revoked": token }), words);
        }
        Device::Disable { device } => {
            let device: DeviceId = read("device", &device)?;
            acts.use_device(device, false)?;
            let words = "It may not connect any more; its tokens and its connection have ended.";
            out.say(&json!({ "id": device, "disabled": true }), words);
        }
        Device::Enable { device } => {
            let device: DeviceId = read("device", &device)?;
            acts.use_device(device, true)?;
            let words = "It may connect again, with a new token: `zelo device token`.";
            out.say(&json!({ "id": device, "disabled": false }), words);
        }
        Device::List => {
            for device in acts.devices()? {
                let whose = device.patient_id.map_or_else(|| "(nobody's)".to_owned(), |id| id.to_string());
                let disabled = if device.disabled_at.is_some() { "  disabled" } else { "" };
                out.say(&device, &format!("{}  {whose}  {}{disabled}", device.id, device.label));
            }
        }
    }
    Ok(())
}

/// How many readings change hands, in words; nothing where none do.
fn moving(moving: &Moving, what: &str) -> String {
    match moving {
        Moving { readings: 0, .. } => String::new(),
        Moving { readings, more: true } => format!("; more than {readings} readings {what}"),
        Moving { readings, .. } => format!("; readings that {what}: {readings}"),
    }
}

fn show(out: Out, given: &Given) {
    let Given { id, token, token_id } = given;
    let words = format!(
        "MQTT user name  {id}\nMQTT password   {token}\n(token id {token_id}; the password is shown only now)"
    );
    out.say(given, &words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_hands_says_how_many_readings_move() {
        let words = |readings, more| moving(&Moving { readings, more }, "leave the patient");
        assert_eq!(words(0, false), "");
        assert_eq!(words(360, false), "; readings that leave the patient: 360");
        assert_eq!(words(10_000, true), "; more than 10000 readings leave the patient");
    }
}
