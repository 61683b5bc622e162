//! `zelo keys`: which key files there are, and the next epoch.

use serde_json::json;

use crate::cli::args::Keys;
use crate::cli::error::Result;
use crate::cli::home::Home;
use crate::cli::out::Out;
use crate::config::Options;
use crate::store::Store;
use crate::store::kek::Keks;

pub(in crate::cli) fn run(options: &Options, command: &Keys, out: Out) -> Result<()> {
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
                "kek-{epoch}.key wraps new keys from the next start on. Keep a copy elsewhere, and keep the older files: they open what they wrapped."
            );
            out.say(&json!({ "epoch": epoch, "file": format!("kek-{epoch}.key") }), &words);
        }
    }
    Ok(())
}
