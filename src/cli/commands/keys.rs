//! `zelo keys`: which key files there are, and the next epoch.

use serde_json::json;

use crate::cli::args::Keys;
use crate::cli::error::Result;
use crate::cli::out::Out;
use crate::config::Options;
use domain::Clock;
use store::health::nodes::Clocks;
use store::home::Home;
use store::keys::kek::Keks;
use store::keys::rewrap;
use store::{Actor, Store, Urgency};

pub(in crate::cli) fn run(options: &Options, command: &Keys, out: Out, clock: &Clock) -> Result<()> {
    let home = Home::existing(&options.data_dir)?;
    let keks = Keks::load(&home.keys())?;
    match command {
        Keys::List => {
            for (epoch, print) in keks.fingerprints() {
                let newest = epoch == keks.newest();
                let print = hex::encode(print);
                let words =
                    format!("kek-{epoch}.key  {print}{}", if newest { "  wraps new keys" } else { "" });
                out.say(&json!({ "epoch": epoch, "file": format!("kek-{epoch}.key"), "fingerprint": print, "newest": newest }), &words);
            }
        }
        Keys::Generate => {
            let epoch = keks.newest() + 1;
            Keks::generate(&home.keys(), epoch)?;
            // Opening holds files and database against each other and records the new epoch.
            Store::open(&options.database, Keks::load(&home.keys())?)?;
            let words = format!(
                "kek-{epoch}.key wraps new keys from the next start on, and a running node wraps the older ones again under it. Keep a copy elsewhere, and keep the older files: until `zelo keys retire`, and for as long as you keep backups from before."
            );
            out.say(&json!({ "epoch": epoch, "file": format!("kek-{epoch}.key") }), &words);
        }
        Keys::Rewrap => {
            let store = Store::open(&options.database, keks)?;
            Clocks::set(&store, clock)?;
            let mut rewrapped = 0;
            loop {
                let done = store.keep_house(Urgency::Patient, "keys", clock.now(), rewrap::rewrap)?;
                rewrapped += done;
                if done == 0 {
                    break;
                }
            }
            let words = format!("{rewrapped} key(s) are now wrapped by the newest epoch.");
            out.say(&json!({ "rewrapped": rewrapped }), &words);
        }
        Keys::Retire { epoch } => {
            let store = Store::open(&options.database, keks)?;
            Clocks::set(&store, clock)?;
            store.write(Actor::Operator, clock.now(), |tx| rewrap::retire(tx, *epoch))?;
            let words = format!(
                "Epoch {epoch} is retired. Backups from before the rewrapping still need kek-{epoch}.key; once they are gone, destroy it."
            );
            out.say(&json!({ "retired": epoch }), &words);
        }
    }
    Ok(())
}
