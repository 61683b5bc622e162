//! What ends a device's right to speak ends its live session as soon as that is committed, at whatever node: a
//! revoked consent, a token that was revoked, a device put out of use. A device that has just connected is looked at
//! too, so that nothing slips between its check and its seat.

use std::sync::{Arc, OnceLock};

use consent::{Purpose, Records, State};
use mqtt::gateway::Registry;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use domain::{Clock, DeviceId, Instant, PatientId, TokenId};
use store::consents::ledger;
use store::devices::{self, bindings};
use store::patients::audience::Audience;
use store::{Error, Result, Signalled, Store, View};
use supervise::blocking;

/// DISCONNECT "not authorized" (MQTT 5 §3.14.2.1).
const NOT_AUTHORIZED: u8 = 0x87;
/// DISCONNECT "administrative action".
const ADMINISTRATIVE_ACTION: u8 = 0x98;

/// A session that is to end.
enum Ending {
    /// The patient revoked consent.
    Revoked(DeviceId),
    /// The device may not connect at all.
    OutOfUse(DeviceId),
    /// Only a session that came with this token: another one may be in place already.
    Token(DeviceId, TokenId),
}

impl Ending {
    fn carry_out(self, registry: &Registry) {
        let _gone_already = match self {
            Self::Revoked(DeviceId(device)) => {
                registry.disconnect(device, ADMINISTRATIVE_ACTION, "E_REVOKED LGPD art. 8 §5")
            }
            Self::OutOfUse(DeviceId(device)) => {
                registry.disconnect(device, NOT_AUTHORIZED, "the device was put out of use")
            }
            Self::Token(DeviceId(device), TokenId(token)) => {
                registry.end_token(device, token, "the device token was revoked: connect with a new one")
            }
        };
    }
}

/// What may have ended sessions.
enum Changed {
    Consents(PatientId),
    /// A device with a live session, and the token that session came with.
    Device(DeviceId, Option<TokenId>),
    /// Signals were missed: anything.
    Anything,
}

/// Listens to what is committed and disconnects; ends with the store's last signal.
pub(super) async fn watch(store: Store, clock: Clock, registry: Arc<OnceLock<Registry>>) {
    let mut signals = store.signals();
    // Whatever was announced before it listened: nothing at the start, much after it fell.
    let mut missed = registry.get().is_some();
    loop {
        let signal = match signals.recv().await {
            _ if std::mem::take(&mut missed) => None,
            Ok(signal) => Some(signal),
            Err(RecvError::Lagged(_missed)) => None,
            Err(RecvError::Closed) => return,
        };
        let Some(registry) = registry.get() else { continue };
        let changed = signal.map_or(Some(Changed::Anything), |signal| changed_by(&signal, registry));
        let Some(changed) = changed else { continue };
        let (store, now) = (store.clone(), clock.now());
        match blocking(move || store.read(|view| endings(view, &changed, now))).await {
            Ok(endings) => endings.into_iter().for_each(|ending| ending.carry_out(registry)),
            Err(error) => tracing::error!(%error, "the sessions that are to end could not be read"),
        }
    }
}

fn changed_by(signal: &Signalled, registry: &Registry) -> Option<Changed> {
    match signal.name {
        "consent.changed" => signal.subject.parse().ok().map(Changed::Consents),
        "device.changed" => {
            // Devices change all the time, mostly by leaving.
            let device: Uuid = signal.subject.parse().ok()?;
            Some(Changed::Device(DeviceId(device), registry.token_of(device)?.map(TokenId)))
        }
        _ => None,
    }
}

fn endings(view: &mut View<'_>, changed: &Changed, now: Instant) -> Result<Vec<Ending>> {
    match *changed {
        Changed::Consents(patient) => {
            let key = Audience::program().patient(view, patient)?.key();
            if is_revoked(view, key)? { bound(view, key) } else { Ok(Vec::new()) }
        }
        Changed::Device(device, token) => Ok(ending_of(view, device, token, now)?.into_iter().collect()),
        Changed::Anything => all(view),
    }
}

/// What ends the session of one device, if anything does.
fn ending_of(
    view: &mut View<'_>,
    device: DeviceId,
    token: Option<TokenId>,
    now: Instant,
) -> Result<Option<Ending>> {
    let found = match devices::get(view, device) {
        Ok(found) if found.disabled_at.is_none() => found,
        Ok(_) | Err(Error::NotFound(_)) => return Ok(Some(Ending::OutOfUse(device))),
        Err(error) => return Err(error),
    };
    if let Some(token) = token
        && !devices::token_is_valid(view, device, token, now)?
    {
        return Ok(Some(Ending::Token(device, token)));
    }
    let revoked = match bindings::at(view, found.key, now)? {
        Some(binding) => is_revoked(view, binding.patient_key)?,
        None => false,
    };
    Ok(revoked.then_some(Ending::Revoked(device)))
}

fn all(view: &mut View<'_>) -> Result<Vec<Ending>> {
    let mut all = Vec::new();
    for (key, _) in ledger::in_state(view, Purpose::TelemetryCollect, &[State::Revoked])? {
        all.extend(bound(view, key)?);
    }
    all.extend(devices::disabled_online(view)?.into_iter().map(Ending::OutOfUse));
    let tokens = devices::ended_tokens_online(view)?;
    all.extend(tokens.into_iter().map(|(device, token)| Ending::Token(device, token)));
    Ok(all)
}

fn is_revoked(view: &mut View<'_>, patient_key: i64) -> Result<bool> {
    let state = ledger::of(view, patient_key)?.record(Purpose::TelemetryCollect).map(|row| row.state);
    Ok(state == Some(State::Revoked))
}

fn bound(view: &mut View<'_>, patient_key: i64) -> Result<Vec<Ending>> {
    let bindings = bindings::open_of_patient(view, patient_key)?;
    bindings.iter().map(|binding| devices::id_of(view, binding.device_key).map(Ending::Revoked)).collect()
}
