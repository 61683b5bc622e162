//! The demo: a small invented clinic, real recordings, real MQTT connections. [`prepare`] makes or finds the
//! clinic; `replay()` runs its devices against a gateway that listens.

pub mod clinic;
mod diary;
mod duty;
mod keep;
pub mod playhead;
pub mod recording;
mod replay;
pub mod seed;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consent::Controller;
use serde::Serialize;
use tokio::sync::watch;

use crate::error::{Error, Result};
use clinic::{Answer, PATIENTS};
use domain::id::uuid_at;
use domain::people::token::Signer;
use domain::{Clock, Instant};
use keep::Progress;
use playhead::Playhead;
use recording::Recording;
use replay::Player;
use seed::{DemoCast, DemoDevice, DemoUser};
use store::Store;
use store::db::{init, settings};
use store::home::{Home, make_private};
use store::keys::signing;

/// A clinic that is ready to be served.
pub struct Prepared {
    /// Holds the lock of the data directory.
    pub home: Home,
    /// The database.
    pub store: Store,
    /// Signs tokens.
    pub tokens: Arc<Signer>,
    /// Who is who.
    pub cast: DemoCast,
    fresh: Option<Fresh>,
}

/// A temporary data directory; it goes when the demo ends in order.
struct Fresh(PathBuf);

impl Drop for Fresh {
    fn drop(&mut self) {
        let _left_to_the_system = std::fs::remove_dir_all(&self.0);
    }
}

impl Prepared {
    /// Whether the data goes when the demo ends.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.fresh.is_some()
    }
}

/// Opens the demo's data directory (a fresh temporary one for `None`) and seeds it when it is new.
///
/// # Errors
/// [`Error::Refused`] for a directory that is not a demo's; as the store says.
pub fn prepare(dir: Option<&Path>, clock: &Clock) -> Result<Prepared> {
    let (dir, fresh) = match dir {
        Some(dir) => (dir.to_owned(), None),
        None => {
            let dir = std::env::temp_dir().join(format!("zelo-demo-{}", uuid_at(clock.now()).simple()));
            make_private(&dir)?;
            (dir.clone(), Some(Fresh(dir)))
        }
    };
    let home = Home::take(&dir)?;
    let new = !home.database().exists();
    if new && home.has_keys() {
        return Err(not_a_demo(&home, "it has keys and no demo"));
    }
    if new {
        home.make_keys()?;
    }
    let store = Store::open_dir(home.dir())?;
    let tokens = Arc::new(signing::load(&home.keys())?);
    let cast = if new { fill(&home, &store, &tokens, clock.now())? } else { found(&home, &store)? };
    Ok(Prepared { home, store, tokens, cast, fresh })
}

fn fill(home: &Home, store: &Store, tokens: &Signer, now: Instant) -> Result<DemoCast> {
    init::initialise(store, &Controller::demo(), now)?;
    let cast = seed::seed(store, tokens, now).map_err(|error| match error {
        seed::SeedError::Store(error) => error.into(),
        other => Error::Failed(other.to_string()),
    })?;
    keep::keep_credentials(home, &cast)?;
    Ok(cast)
}

fn found(home: &Home, store: &Store) -> Result<DemoCast> {
    let kind = store.read(|view| settings::get(view, settings::KIND))?;
    if kind.as_deref() != Some("demo") {
        return Err(not_a_demo(home, "it holds the data of `zelo serve`"));
    }
    keep::credentials(home)?.ok_or_else(|| not_a_demo(home, "its demo.json is gone"))
}

fn not_a_demo(home: &Home, why: &str) -> Error {
    let dir = home.dir().display();
    Error::Refused(format!("the demo does not use {dir}: {why}; give it an empty directory, or none"))
}

/// The one line of `--json`, once HTTP and MQTT accept and the seed is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ready<'c> {
    /// Where the dashboard is.
    pub http: String,
    /// `host:port` of the gateway.
    pub mqtt: String,
    /// `host:port` of the gateway over TLS, where it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mqtts: Option<String>,
    /// Sign-ins.
    pub users: &'c [DemoUser],
    /// Devices, those without a client last.
    pub devices: &'c [DemoDevice],
}

impl Ready<'_> {
    /// For people: where to look and how to sign in.
    #[must_use]
    pub fn words(&self) -> String {
        let rows =
            self.users.iter().map(|user| format!("  {:<11} {:<27} {}", user.role, user.email, user.password));
        let rows: Vec<String> = rows.collect();
        format!(
            "\nZelo demo\n  painel / dashboard  {}\n  MQTT                {}\n\n  papel/role  e-mail                      senha / password\n{}\n\nCtrl-C encerra / stops.",
            self.http,
            self.mqtt,
            rows.join("\n")
        )
    }
}

/// Runs the devices against the gateway until shutdown, or, faster than 1, until the playback has come to now.
///
/// # Errors
/// The speed is not one; an embedded recording is damaged; the directory cannot be written.
pub async fn replay(
    mqtt: SocketAddr,
    prepared: &Prepared,
    speed: f64,
    clock: Clock,
    shutdown: watch::Receiver<bool>,
) -> Result<()> {
    let now = clock.now();
    let playhead = Playhead::new(speed, now).map_err(|fault| Error::Usage(fault.to_string()))?;
    let progress = Progress::of(prepared.home.dir());
    let players = players(&prepared.cast, progress.read(), playhead.begins())?;
    let is_first = progress.read().is_none();
    progress.write(now)?;
    let reached = clock.clone();
    let diary = async {
        if is_first {
            diary::bring(prepared.store.clone(), &prepared.cast, clock.clone(), shutdown.clone()).await;
        }
    };
    let played = async {
        tokio::join!(replay::play(players, mqtt, playhead, clock.clone(), shutdown.clone()), diary);
    };
    tokio::select! {
        () = played => {}
        () = progress.keep(move || playhead.at(reached.now())) => {}
    }
    progress.write(playhead.at(clock.now()))
}

/// One player per device that has a part. Without a permit no history is sent.
fn players(cast: &DemoCast, sent: Option<Instant>, begins: Instant) -> Result<Vec<Player>> {
    let wearables = PATIENTS.iter().flat_map(|person| person.wearables.iter().map(move |w| (person, w)));
    let mut read: HashMap<&'static str, Arc<Recording>> = HashMap::new();
    let mut players = Vec::new();
    for (device, (person, wearable)) in cast.devices.iter().zip(wearables) {
        let Some(part) = wearable.part else { continue };
        let recording = match read.get(part.recording) {
            Some(recording) => Arc::clone(recording),
            None => {
                let named =
                    Recording::named(part.recording).map_err(|fault| Error::Failed(fault.to_string()))?;
                Arc::clone(read.entry(part.recording).or_insert(Arc::new(named)))
            }
        };
        let permitted = person.answer == Answer::Granted;
        let history = if permitted { begins.minus(part.history) } else { begins };
        players.push(Player {
            device: device.device_id.to_string(),
            token: device.token.clone(),
            protocol: part.protocol,
            recording,
            cut: part.cut,
            after: sent.unwrap_or(Instant::MIN).max(history),
            permitted,
        });
    }
    Ok(players)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Instant = Instant::from_secs(1_795_348_800);

    #[test]
    fn a_second_start_finds_the_same_people_and_seeds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::driven(NOW);
        let first = prepare(Some(dir.path()), &clock).unwrap().cast;
        let again = prepare(Some(dir.path()), &clock).unwrap();
        assert_eq!(again.cast, first);
        assert!(!again.is_temporary());
        let patients = again
            .store
            .read(|v| {
                store::patients::page(v, &store::patients::audience::Audience::program(), &Default::default())
            })
            .unwrap();
        assert_eq!(patients.items.len(), PATIENTS.len());
    }

    #[test]
    fn a_directory_of_serve_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::take(dir.path()).unwrap();
        home.make_keys().unwrap();
        drop(home);
        let keys_only = prepare(Some(dir.path()), &Clock::driven(NOW)).err().unwrap();
        assert!(matches!(keys_only, Error::Refused(_)), "{keys_only}");
        init::initialise(&Store::open_dir(dir.path()).unwrap(), &Controller::demo(), NOW).unwrap();
        let served = prepare(Some(dir.path()), &Clock::driven(NOW)).err().unwrap();
        assert!(served.to_string().contains("zelo serve"), "{served}");
    }

    #[test]
    fn a_fresh_directory_goes_with_the_demo() {
        let prepared = prepare(None, &Clock::driven(NOW)).unwrap();
        let dir = prepared.home.dir().to_owned();
        assert!(prepared.is_temporary() && dir.exists());
        drop(prepared);
        assert!(!dir.exists());
    }

    #[test]
    fn the_line_has_the_shape_of_the_contract() {
        let prepared = prepare(None, &Clock::driven(NOW)).unwrap();
        let ready = Ready {
            http: "http://127.0.0.1:8080".to_owned(),
            mqtt: "127.0.0.1:1883".to_owned(),
            mqtts: None,
            users: &prepared.cast.users,
            devices: &prepared.cast.devices,
        };
        let line = serde_json::to_value(&ready).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&line), ["devices", "http", "mqtt", "users"]);
        assert_eq!(keys(&line["users"][0]), ["email", "password", "role"]);
        assert_eq!(keys(&line["devices"][0]), ["device_id", "patient_id", "replayed", "token"]);
    }

    #[test]
    fn nothing_that_was_sent_is_sent_again_and_no_history_without_a_permit() {
        let prepared = prepare(None, &Clock::driven(NOW)).unwrap();
        let first = players(&prepared.cast, None, NOW).unwrap();
        assert_eq!(first.len(), 11);
        assert_eq!(first.iter().filter(|p| p.after == NOW && !p.permitted).count(), 2);
        assert_eq!(first.iter().filter(|p| p.permitted && p.after < NOW).count(), 9);
        let sent = NOW.minus(Duration::from_secs(60));
        let second = players(&prepared.cast, Some(sent), NOW).unwrap();
        assert!(second.iter().all(|p| p.after == if p.permitted { sent } else { NOW }));
    }
}
