//! The load generator from the other side: started, told to go, listened to, and ended with the bench.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};

use super::load::{Plan, Report};

/// A running generator.
pub(crate) struct Generator {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Generator {
    /// Starts it and waits until its devices are connected.
    ///
    /// # Errors
    /// It cannot start, or a device could not connect.
    pub(crate) fn start(dir: &Path, plan: &Plan) -> anyhow::Result<Self> {
        let path = dir.join("load.json");
        store::home::write_private(&path, &serde_json::to_vec(plan)?)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "load", "--plan"]).arg(&path);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("the generator has no output")?;
        let mut generator = Self { child, lines: BufReader::new(out).lines() };
        generator.hear("ready")?;
        Ok(generator)
    }

    /// Lets it go and waits until what it does counts.
    ///
    /// # Errors
    /// It ended.
    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        let input = self.child.stdin.as_mut().context("the generator has no input")?;
        writeln!(input, "go")?;
        self.hear("measure")
    }

    /// What it saw, once it is done. An idle one is told to end.
    ///
    /// # Errors
    /// It ended without a word.
    pub(crate) fn report(mut self) -> anyhow::Result<Report> {
        drop(self.child.stdin.take());
        let line = self.lines.next().context("the load generator ended early")??;
        Ok(serde_json::from_str(&line)?)
    }

    fn hear(&mut self, word: &str) -> anyhow::Result<()> {
        match self.lines.next() {
            Some(Ok(line)) if line == word => Ok(()),
            _ => bail!("the load generator ended before it was {word}: see its words above"),
        }
    }
}
