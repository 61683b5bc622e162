//! The load generator: a child process that speaks for many devices, so that what it costs is told apart from what
//! it measures. It says `ready` once all are connected, waits for `go`, says `measure`, then one line of JSON.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::meter::{self, Histogram};
use super::seed::Enrolled;
use super::wire::{self, Heard, Message, Publisher};

/// CONNECTs under way at once.
const CONNECTING: usize = 64;
const BUFFER: usize = 4_096;
/// Overdue messages of one device in one write.
const AT_ONCE: usize = 64;

/// What the child is told, in a file that only its owner reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The gateway.
    pub address: SocketAddr,
    /// Who speaks.
    pub devices: Vec<Enrolled>,
    /// How.
    pub pace: Pace,
    /// Instant of each device's first message, milliseconds since the epoch.
    pub start_ms: i64,
    /// From one message of a device to its next, in measured time.
    pub step_ms: i64,
    /// Before anything counts.
    pub warm: Duration,
    /// What counts.
    pub run: Duration,
}

/// How messages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// Each device keeps this many messages unanswered.
    Closed(usize),
    /// So many messages a second in all, whatever the answers do; latency counts from the planned instant.
    Fixed(u32),
    /// Connected and silent.
    Idle,
}

/// What the child saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Messages acknowledged with 0x00.
    pub acks: u64,
    /// With another code.
    pub refused: u64,
    /// Connections that ended.
    pub lost: u64,
    /// Publish to PUBACK.
    pub p50_us: u64,
    /// The same.
    pub p99_us: u64,
    /// The same.
    pub max_us: u64,
    /// Processor time of the generator, milliseconds.
    pub cpu_ms: u64,
    /// How long it measured, microseconds.
    pub took_us: u64,
    /// Messages acknowledged with 0x00 of each device since it connected, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acked: Vec<u64>,
}

/// The child's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the plan is.
    #[arg(long)]
    plan: PathBuf,
}

#[derive(Default)]
struct Tally {
    acks: u64,
    refused: u64,
    lost: u64,
    took: Histogram,
}

struct Shared {
    plan: Plan,
    tally: RefCell<Tally>,
    acked: RefCell<Vec<u64>>,
}

/// Runs the child to its end.
///
/// # Errors
/// The plan cannot be read, a device cannot connect.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let plan: Plan = serde_json::from_slice(&std::fs::read(&args.plan)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sockets = runtime.block_on(connect_all(&plan))?;
    let mut orders = std::io::stdin().lock().lines();
    say("ready")?;
    orders.next().context("the bench went away")??;
    if plan.pace == Pace::Idle {
        say("measure")?;
        // Held open until the parent closes the pipe; keep-alives are longer than any bench.
        drop(orders.next());
        return say(&serde_json::to_string(&Report::default())?);
    }
    let shared =
        Rc::new(Shared { acked: vec![0; plan.devices.len()].into(), plan, tally: RefCell::default() });
    let report = LocalSet::new().block_on(&runtime, drive_all(Rc::clone(&shared), sockets))?;
    say(&serde_json::to_string(&report)?)
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn connect_all(plan: &Plan) -> anyhow::Result<Vec<TcpStream>> {
    let logins = plan.devices.iter().map(|device| login(plan.address, device));
    stream::iter(logins).buffered(CONNECTING).try_collect().await
}

/// A connection whose CONNACK accepted it.
///
/// # Errors
/// It cannot be made, or the gateway refused.
pub(crate) async fn login(address: SocketAddr, device: &Enrolled) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await.context("connect to the gateway")?;
    socket.set_nodelay(true)?;
    socket.write_all(&wire::connect(&device.id, &device.token)).await?;
    let mut buffer = Vec::with_capacity(256);
    loop {
        if socket.read_buf(&mut buffer).await? == 0 {
            bail!("the gateway closed the connection before CONNACK");
        }
        match wire::next(&buffer) {
            Some((_, Heard::Connack(0))) => return Ok(socket),
            Some((_, other)) => bail!("the gateway refused a device: {other:?}"),
            None => {}
        }
    }
}

async fn drive_all(shared: Rc<Shared>, sockets: Vec<TcpStream>) -> anyhow::Result<Report> {
    let begin = Instant::now();
    for (number, socket) in sockets.into_iter().enumerate() {
        let shared = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            let _ended = match shared.plan.pace {
                Pace::Fixed(rate) => fixed(&shared, number, socket, begin, rate).await,
                Pace::Closed(window) => closed(&shared, number, socket, window).await,
                Pace::Idle => Ok(()),
            };
            shared.tally.borrow_mut().lost += 1;
        });
    }
    tokio::time::sleep(shared.plan.warm).await;
    let (from, cpu) = (Instant::now(), meter::cpu_ms());
    let lost = shared.tally.borrow().lost;
    shared.tally.replace(Tally { lost, ..Tally::default() });
    say("measure")?;
    tokio::time::sleep(shared.plan.run).await;
    let took = from.elapsed();
    let tally = shared.tally.borrow();
    Ok(Report {
        acks: tally.acks,
        refused: tally.refused,
        lost: tally.lost,
        p50_us: tally.took.quantile(500),
        p99_us: tally.took.quantile(990),
        max_us: tally.took.max(),
        cpu_ms: meter::cpu_ms().saturating_sub(cpu),
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        acked: shared.acked.borrow().clone(),
    })
}

/// One device's way out and back.
struct Line<'s> {
    shared: &'s Shared,
    number: usize,
    publisher: Publisher,
    sent: VecDeque<Instant>,
    n: i64,
    id: u16,
    out: Vec<u8>,
    heard: Vec<u8>,
}

impl<'s> Line<'s> {
    fn new(shared: &'s Shared, number: usize) -> Self {
        let name = shared.plan.devices.get(number).map_or("", |device| &device.id);
        Self {
            shared,
            number,
            publisher: Publisher::new(name),
            sent: VecDeque::new(),
            n: 0,
            id: 0,
            out: Vec::with_capacity(BUFFER),
            heard: Vec::with_capacity(BUFFER),
        }
    }

    /// Puts the next message into `out`, as sent at `at`.
    fn queue(&mut self, at: Instant) {
        let plan = &self.shared.plan;
        let message = Message::nth(self.number, self.n, plan.start_ms, plan.step_ms);
        self.n += 1;
        self.id = self.id.checked_add(1).unwrap_or(1);
        self.publisher.write(&mut self.out, self.id, message);
        self.sent.push_back(at);
    }

    /// Takes what was heard; says how many answers that were.
    fn hear(&mut self, now: Instant) -> anyhow::Result<usize> {
        let (mut used, mut answers) = (0, 0);
        let mut tally = self.shared.tally.borrow_mut();
        let mut acked = 0;
        while let Some((size, heard)) = self.heard.get(used..).and_then(wire::next) {
            used += size;
            match heard {
                Heard::Puback(_, code) => {
                    answers += 1;
                    // Answers come in the order of the messages.
                    let Some(sent) = self.sent.pop_front() else { bail!("an answer to nothing") };
                    if code == 0 {
                        tally.acks += 1;
                        acked += 1;
                        tally.took.add(now.saturating_duration_since(sent));
                    } else {
                        tally.refused += 1;
                    }
                }
                Heard::Disconnect(code) => bail!("disconnected with {code:#x}"),
                Heard::Connack(_) | Heard::Other => {}
            }
        }
        self.heard.drain(..used);
        if let Some(all) = self.shared.acked.borrow_mut().get_mut(self.number) {
            *all += acked;
        }
        Ok(answers)
    }
}

async fn closed(shared: &Shared, number: usize, mut socket: TcpStream, window: usize) -> anyhow::Result<()> {
    let mut line = Line::new(shared, number);
    let mut owed = window;
    loop {
        let now = Instant::now();
        line.out.clear();
        (0..owed).for_each(|_| line.queue(now));
        socket.write_all(&line.out).await?;
        owed = 0;
        while owed == 0 {
            if socket.read_buf(&mut line.heard).await? == 0 {
                bail!("closed");
            }
            owed = line.hear(Instant::now())?;
        }
    }
}

async fn fixed(
    shared: &Shared,
    number: usize,
    mut socket: TcpStream,
    begin: Instant,
    rate: u32,
) -> anyhow::Result<()> {
    let mut line = Line::new(shared, number);
    let devices = u32::try_from(shared.plan.devices.len()).unwrap_or(u32::MAX);
    let apart = Duration::from_secs(1) * devices / rate.max(1);
    let mut planned = begin + apart * u32::try_from(number).unwrap_or(0) / devices.max(1);
    let (mut reader, mut writer) = socket.split();
    loop {
        tokio::select! {
            () = sleep_until(planned.into()) => {
                line.out.clear();
                let now = Instant::now();
                // What is overdue goes out together: beyond what the house takes, the socket alone holds it back.
                for _ in 0..AT_ONCE {
                    line.queue(planned);
                    planned += apart;
                    if planned > now {
                        break;
                    }
                }
                writer.write_all(&line.out).await?;
            }
            read = reader.read_buf(&mut line.heard) => {
                if read? == 0 {
                    bail!("closed");
                }
                line.hear(Instant::now())?;
            }
        }
    }
}
