//! Devices that replay: each sends what its recording holds up to the playhead, first the history and then
//! what comes, and sends again whatever was not answered. Over real sockets, through the gateway's front door.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant as Wall, sleep, timeout};

use super::clinic::Protocol;
use super::playhead::Playhead;
use super::recording::{Rebased, Recording};
use super::wire::{Heard, Login, WINDOW, Wire};
use domain::{Clock, Instant};

/// Readings in one message at most.
const BATCH: usize = 2_000;
/// How often a device looks whether there is something to send.
const TICK: Duration = Duration::from_secs(1);
/// How often a device sends whose patient gave no permit: it is refused each time.
const REFUSED_TICK: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// One device with its part.
pub(super) struct Player {
    pub(super) device: String,
    pub(super) token: String,
    pub(super) protocol: Protocol,
    pub(super) recording: Arc<Recording>,
    pub(super) cut: Duration,
    /// Send nothing measured up to here.
    pub(super) after: Instant,
    /// Whether a permit stands at the start.
    pub(super) permitted: bool,
}

/// Runs every player until shutdown, or until the playhead has come to its end.
pub(super) async fn play(
    players: Vec<Player>,
    mqtt: SocketAddr,
    playhead: Playhead,
    clock: Clock,
    shutdown: watch::Receiver<bool>,
) {
    let mut playing = JoinSet::new();
    for player in players {
        let login = Login { address: mqtt, device: player.device.clone(), token: player.token.clone() };
        let stage = Stage { login, playhead, clock: clock.clone(), shutdown: shutdown.clone() };
        playing.spawn(async move { stage.perform(player).await });
    }
    while playing.join_next().await.is_some() {}
}

struct Stage {
    login: Login,
    playhead: Playhead,
    clock: Clock,
    shutdown: watch::Receiver<bool>,
}

enum Ended {
    Shutdown,
    Finished,
    TakenOver,
    Lost { words: String, connected: bool },
}

impl Stage {
    async fn perform(mut self, player: Player) {
        let rebased = player.recording.rebased(player.cut, self.playhead.begins());
        let mut answered = player.after;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.session(&player, &rebased, &mut answered).await {
                Ended::Shutdown => return,
                Ended::Finished => {
                    tracing::info!(device = player.device, "the playback has come to now and stops");
                    return;
                }
                Ended::TakenOver => {
                    tracing::info!(
                        device = player.device,
                        "another client speaks for this device: the replay yields"
                    );
                    return;
                }
                Ended::Lost { words, connected } => {
                    pause = if connected { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                    tracing::debug!(device = player.device, reason = words, "the replay connects again");
                }
            }
            tokio::select! {
                () = sleep(jittered(pause)) => {}
                () = stopped(&mut self.shutdown) => return,
            }
        }
    }

    async fn session(&mut self, player: &Player, rebased: &Rebased<'_>, answered: &mut Instant) -> Ended {
        let mut wire = Wire::open(player.protocol, &self.login);
        let mut connected = false;
        let opening = async {
            loop {
                match wire.hear().await {
                    Heard::Connected => return Ok(()),
                    Heard::Answered => {}
                    Heard::Lost(words) => return Err(Ended::Lost { words, connected: false }),
                    Heard::TakenOver => return Err(Ended::TakenOver),
                }
            }
        };
        tokio::select! {
            opened = timeout(CONNECT, opening) => match opened {
                Ok(Ok(())) => connected = true,
                Ok(Err(ended)) => return ended,
                Err(_elapsed) => return Ended::Lost { words: "no answer to CONNECT".to_owned(), connected },
            },
            () = stopped(&mut self.shutdown) => return Ended::Shutdown,
        }
        let topic = format!("zelo/v1/devices/{}/telemetry", player.device);
        let tick = if player.permitted { TICK } else { REFUSED_TICK };
        let (mut open, mut reached) = (0_usize, *answered);
        let mut due = Wall::now();
        loop {
            if open == 0 && Wall::now() >= due {
                let now = self.clock.now();
                let batches = batches(rebased, *answered, self.playhead.at(now));
                if batches.is_empty() && self.playhead.is_over(now) {
                    wire.close().await;
                    return Ended::Finished;
                }
                // A full window: more is waiting, and goes out as soon as this is answered.
                due = if batches.len() == WINDOW { Wall::now() } else { Wall::now() + tick };
                for batch in batches {
                    if !wire.publish(&topic, batch.payload) {
                        return Ended::Lost { words: "the client takes no message".to_owned(), connected };
                    }
                    (open, reached) = (open + 1, batch.reaches);
                }
            }
            tokio::select! {
                heard = wire.hear() => match heard {
                    Heard::Answered => {
                        open = open.saturating_sub(1);
                        if open == 0 {
                            *answered = reached;
                        }
                    }
                    Heard::Connected => {}
                    Heard::Lost(words) => return Ended::Lost { words, connected },
                    Heard::TakenOver => return Ended::TakenOver,
                },
                () = tokio::time::sleep_until(due), if open == 0 => {}
                () = stopped(&mut self.shutdown) => {
                    wire.close().await;
                    return Ended::Shutdown;
                }
            }
        }
    }
}

struct Batch {
    payload: Vec<u8>,
    reaches: Instant,
}

/// The next messages: what was measured after `after` and up to `until`, one window of them at most.
fn batches(rebased: &Rebased<'_>, after: Instant, until: Instant) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut samples = rebased.between(after, until).peekable();
    while batches.len() < WINDOW && samples.peek().is_some() {
        let (mut rows, mut readings, mut reaches) = (Vec::new(), 0, after);
        while let Some(sample) = samples.next_if(|next| readings + next.readings() <= BATCH) {
            readings += sample.readings();
            reaches = sample.at;
            rows.push(sample.json());
        }
        batches.push(Batch { payload: serde_json::Value::Array(rows).to_string().into_bytes(), reaches });
    }
    batches
}

/// Ends with the shutdown.
pub(super) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // A dropped sender is a shutdown as well.
    let _stop = shutdown.wait_for(|stop| *stop).await;
}

/// Half to three halves of `pause`: devices that lost one gateway do not come back as one.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0_u8];
    let chance = SystemRandom::new().fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0);
    pause.mul_f64(0.5 + chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1_795_348_800);

    #[test]
    fn messages_hold_two_thousand_readings_at_most_and_together_every_one_once() {
        let recording = Recording::named("stress-predict-02").unwrap();
        let rebased = recording.rebased(recording.span(), NOW);
        let (mut after, mut rows) = (Instant::MIN, 0);
        loop {
            let window = batches(&rebased, after, NOW);
            let Some(last) = window.last() else { break };
            after = last.reaches;
            for batch in &window {
                let samples: Vec<serde_json::Value> = serde_json::from_slice(&batch.payload).unwrap();
                let readings: usize =
                    samples.iter().map(|row| row["values"].as_object().unwrap().len()).sum();
                assert!(readings <= BATCH && batch.payload.len() < 1_000_000);
                rows += samples.len();
            }
        }
        assert_eq!((rows, after), (recording.rows.len(), NOW));
    }

    #[test]
    fn a_pause_is_jittered_around_its_length() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(2));
            assert!((Duration::from_secs(1)..=Duration::from_secs(3)).contains(&pause), "{pause:?}");
        }
    }
}
