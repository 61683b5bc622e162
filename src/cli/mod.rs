//! The command line: reads the arguments, opens what they name, does one thing, says how it went.

mod acts;
mod args;
mod certificates;
mod commands;
mod desk;
mod ears;
pub mod error;
mod local;
pub mod out;
mod process;
mod remote;
pub mod revocations;
mod run;
mod start;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::observe;
use acts::Acts;
use args::{Cli, Command, Global};
use commands::{audit, backup, consent, device, doctor, init, keys, patient, user};
use desk::Desk;
use domain::Clock;
use ears::Ears;
use error::{Error, Result};
use out::{Out, note};
use remote::{Http, Remote, only_here};

/// How long the end of the process waits for whoever reads its log.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Runs the program with its arguments; the code is in `--help`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(asked) => {
            // Help and version go to standard output, a wrong flag to standard error.
            let _gone = asked.print();
            return ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(2));
        }
    };
    process::keep_files_private();
    let done = act(cli, &Clock::following(Clock::System));
    let code = match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("zelo: {error}"));
            ExitCode::from(error.exit_code())
        }
    };
    observe::flush(LAST_LINES);
    code
}

fn act(cli: Cli, clock: &Clock) -> Result<()> {
    let Cli { global, command } = cli;
    let out = Out::new(global.json);
    let listen = match &command {
        Command::Demo(demo) => Some(&demo.listen),
        Command::Serve(serve) => Some(&serve.listen),
        _ => None,
    };
    // Before anything else: whoever starts a node may end it at once.
    let ears = listen.map(|_listens| Ears::open()).transpose()?;
    let ears = || ears.map_or_else(Ears::open, Ok);
    let options = global.sources(listen).read()?;
    observe::start(options.log_format, &options.log).map_err(|fault| Error::Usage(fault.to_string()))?;
    let http = node_of(&global, &command)?;
    // On a running node over its API, else in the data directory of a stopped one.
    let acts = || -> Result<Box<dyn Acts>> {
        match &http {
            Some(http) => Ok(Box::new(Remote(http.clone()))),
            None => Ok(Box::new(Desk::open(&options, out, clock)?)),
        }
    };
    match command {
        Command::Demo(asked) => {
            run::demo(&options, global.data_dir.as_deref(), asked.speed, out, ears()?, clock)
        }
        Command::Serve(asked) => run::serve(&options, &asked, out, ears()?, clock),
        Command::Init(asked) => init::init(&options, asked, out, clock),
        Command::Migrate(asked) => backup::migrate(&options, &asked, out, clock),
        Command::Backup { out: to } => backup::backup(&options, &to, out, clock),
        Command::Restore(asked) => backup::restore(&options, &asked, out, clock),
        Command::User(asked) => user::run(&*acts()?, out, asked),
        Command::Patient(asked) => patient::run(&*acts()?, out, asked),
        Command::Device(asked) => device::run(&*acts()?, out, asked),
        Command::Consent(asked) => consent::run(&*acts()?, out, asked),
        Command::Audit(asked) => match &http {
            Some(http) => remote::audit::run(http, &asked, out),
            None => audit::run(&options, &asked, out, clock),
        },
        Command::SignIn(asked) => match &http {
            Some(http) => remote::sign_in(http, &asked, out),
            None => Err(Error::Usage("sign in where? name the running node with --url".into())),
        },
        Command::Keys(asked) => keys::run(&options, &asked, out, clock),
        Command::Bench(asked) => {
            process::raise_descriptors();
            lab::bench::run(&asked, start::house).map_err(|fault| Error::Failed(format!("{fault:#}")))
        }
        Command::Simulate(asked) => {
            run::keeps_its_own_database(&options, "simulate")?;
            let done = lab::simulate::run(&asked, global.data_dir.as_deref(), clock, &note)?;
            out.say(&done.json, &done.words);
            Ok(())
        }
        Command::Doctor => doctor::run(&options, out, clock),
    }
}

/// The running node that `--url` names, for a command that may be carried out there.
fn node_of(global: &Global, command: &Command) -> Result<Option<Http>> {
    let Some(url) = &global.url else { return Ok(None) };
    match only_here(command) {
        Some((name, why)) => Err(Error::Usage(format!("`zelo {name}` does not take --url: {why}"))),
        None => Http::new(url, global.token.as_deref()).map(Some),
    }
}

impl From<crate::config::Error> for Error {
    fn from(error: crate::config::Error) -> Self {
        Self::Usage(error.to_string())
    }
}
