//! Those who lay siege to a house, in a process of their own: connections that never finish a request, and devices that
//! fill topics which are not theirs. It says `ready` once they stand, and its count when it is told to end.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::load::login;
use super::seed::Enrolled;
use super::wire;

/// A byte of a body so often: slower than any limit allows.
const DRIP: Duration = Duration::from_secs(1);
/// What a flooder sends in one message.
const FLOOD: usize = 512 * 1_024;
/// They stand before anything is measured.
const GATHER: Duration = Duration::from_secs(3);
/// A body that promises more than ever comes.
const SLOW: &[u8] = b"POST /api/v1/auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 8000000\r\n\r\n{";

/// Who comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The people's edge.
    pub http: SocketAddr,
    /// The devices' edge.
    pub mqtt: SocketAddr,
    /// Connections that drip; each that is closed comes again.
    pub slow: usize,
    /// Devices that publish to topics which are not theirs, as fast as they are read.
    pub flooders: Vec<Enrolled>,
}

/// What they did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Did {
    /// Slow connections opened in all.
    pub opened: u64,
    /// Bytes sent to foreign topics.
    pub flooded: u64,
}

/// The child's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the plan is.
    #[arg(long)]
    plan: PathBuf,
}

#[derive(Default)]
struct Count {
    opened: std::cell::Cell<u64>,
    flooded: std::cell::Cell<u64>,
}

/// Runs the child until its input ends.
///
/// # Errors
/// The plan cannot be read, a flooder cannot connect.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let plan: Plan = serde_json::from_slice(&std::fs::read(&args.plan)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let did = LocalSet::new().block_on(&runtime, besiege(plan))?;
    say(&serde_json::to_string(&did)?)
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn besiege(plan: Plan) -> anyhow::Result<Did> {
    let count = Rc::new(Count::default());
    for _ in 0..plan.slow {
        let (count, http) = (Rc::clone(&count), plan.http);
        tokio::task::spawn_local(async move {
            loop {
                let _closed = drip(http, &count).await;
                tokio::time::sleep(DRIP).await;
            }
        });
    }
    for flooder in plan.flooders {
        let (count, first) = (Rc::clone(&count), login(plan.mqtt, &flooder).await?);
        tokio::task::spawn_local(async move {
            let mut socket = Ok(first);
            loop {
                if let Ok(socket) = socket {
                    let _closed = flood(socket, &count).await;
                }
                tokio::time::sleep(DRIP).await;
                socket = login(plan.mqtt, &flooder).await;
            }
        });
    }
    tokio::time::sleep(GATHER).await;
    say("ready")?;
    tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await??;
    Ok(Did { opened: count.opened.get(), flooded: count.flooded.get() })
}

async fn drip(http: SocketAddr, count: &Count) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(http).await?;
    count.opened.set(count.opened.get() + 1);
    socket.write_all(SLOW).await?;
    let mut heard = [0; 64];
    loop {
        tokio::select! {
            read = socket.read(&mut heard) => if read? == 0 { return Ok(()) },
            () = tokio::time::sleep(DRIP) => socket.write_all(b" ").await?,
        }
    }
}

/// Publishes to the topic of a device that nobody has, until the connection ends.
async fn flood(socket: TcpStream, count: &Count) -> std::io::Result<()> {
    let nobody = "00000000-0000-7000-8000-000000000000";
    let packets: Vec<Vec<u8>> = (1..=16).map(|id| wire::publish(nobody, id, &vec![b' '; FLOOD])).collect();
    let (mut reader, mut writer) = socket.into_split();
    let answers = tokio::task::spawn_local(async move {
        let mut heard = [0; 4_096];
        while reader.read(&mut heard).await.is_ok_and(|n| n > 0) {}
    });
    let sent = async {
        loop {
            for packet in &packets {
                writer.write_all(packet).await?;
                count.flooded.set(count.flooded.get() + u64::try_from(packet.len()).unwrap_or(0));
            }
        }
    };
    let ended: std::io::Result<()> = sent.await;
    answers.abort();
    ended
}

/// Strangers at work: ended with the bench, or when they are told to go.
pub(crate) struct Strangers {
    child: Child,
    input: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
}

impl Drop for Strangers {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Strangers {
    /// Starts them and waits until they stand.
    ///
    /// # Errors
    /// They cannot start, or a flooder could not connect.
    pub(crate) fn gather(dir: &Path, plan: &Plan) -> anyhow::Result<Self> {
        let path = dir.join("strangers.json");
        store::home::write_private(&path, &serde_json::to_vec(plan)?)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "strangers", "--plan"]).arg(&path);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("the strangers have no output")?;
        let mut strangers = Self { input: child.stdin.take(), out: BufReader::new(out), child };
        let word = strangers.line()?;
        anyhow::ensure!(word == "ready", "the strangers ended early: see their words above");
        Ok(strangers)
    }

    /// Sends them away.
    ///
    /// # Errors
    /// They were gone.
    pub(crate) fn leave(mut self) -> anyhow::Result<Did> {
        drop(self.input.take());
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// How long one request took that wants something.
///
/// # Errors
/// It is not answered with 200.
pub(crate) fn served(http: SocketAddr) -> anyhow::Result<Duration> {
    use std::io::Read;
    let began = Instant::now();
    let mut socket = std::net::TcpStream::connect(http)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.write_all(b"GET /readyz HTTP/1.0\r\nhost: x\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    anyhow::ensure!(answer.split(' ').nth(1) == Some("200"), "the people's edge does not answer");
    Ok(began.elapsed())
}
