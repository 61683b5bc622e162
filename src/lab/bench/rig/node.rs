//! A house in a process of its own, to be killed: says where it listens and runs until its input ends.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use notify::Post;

use super::site;
use crate::house::Start;
use store::Url;
use store::keys::signing;

/// Where its data is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory with the keys
    #[arg(long)]
    dir: PathBuf,
    /// The database
    #[arg(long)]
    database_url: String,
}

/// Runs until standard input ends.
///
/// # Errors
/// The house cannot start.
pub(crate) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let url = Url::parse(&args.database_url).map_err(anyhow::Error::msg)?;
    let store = site::open(&args.dir, &url)?;
    let tokens = Arc::new(signing::load(&args.dir.join("keys"))?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(start(&store, &args.dir, tokens, Post::default()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", house.mqtt)?;
    out.flush()?;
    let mut input = std::io::stdin().lock();
    drop(input.read_line(&mut String::new()));
    runtime.block_on(house.stop());
    Ok(())
}
