//! `zelo init` and `zelo migrate`: the first rows, and the schema.

use consent::{Controller, Term};
use serde_json::json;

use crate::cli::args;
use crate::cli::desk::read;
use crate::cli::error::{Error, Result};
use crate::cli::out::Out;
use crate::config::Options;
use domain::people::password::{self, Cost};
use domain::time::civil::Zone;
use domain::{Clock, Inscription, Role, StaffIdentity};
use store::db::{init, settings};
use store::health::nodes::Clocks;
use store::home::Home;
use store::keys::kek::Keks;
use store::people::users::{self, NewUser};
use store::{Actor, Store, audit};

/// Makes keys, schema, first rows and the first administrator.
pub(in crate::cli) fn init(options: &Options, asked: args::Init, out: Out, clock: &Clock) -> Result<()> {
    let name = asked.organisation.or_else(|| options.organisation.clone());
    let name =
        name.ok_or_else(|| Error::Usage("name the organisation: --organisation \"Clínica …\"".into()))?;
    let name: Inscription = read("--organisation", &name)?;
    let zone = Zone::parse(&asked.zone).map_err(|_unknown| {
        Error::Usage(format!("{:?} is not a time zone: write it as America/Sao_Paulo", asked.zone))
    })?;
    let identity = StaffIdentity {
        name: read("--admin-name", &asked.admin_name)?,
        email: read("--admin-email", &asked.admin_email)?,
    };
    let controller = Controller {
        name: name.into(),
        cnpj: asked.cnpj,
        address: asked.address,
        contact: asked.contact,
        dpo_name: asked.dpo_name,
        dpo_contact: asked.dpo_contact,
    };
    // Before anything is made: a term must say whom to reach and how.
    Term::seeds(&controller).map_err(|fault| {
        Error::Usage(format!("{fault}: --contact and --dpo-contact must hold an e-mail address"))
    })?;
    let home = Home::take(&options.data_dir)?;
    if !home.has_keys() {
        home.make_keys()?;
    }
    let store = Store::open_migrated(&options.database, Keks::load(&home.keys())?)?;
    Clocks::set(&store, clock)?;
    if init::is_initialised(&store)? {
        let dir = home.dir().display();
        return Err(Error::Refused(format!(
            "{dir} is initialised already: use it, or choose another --data-dir"
        )));
    }
    let now = clock.now();
    init::initialise(&store, &controller, now)?;
    audit::open(&store, &home.keys(), now)?;
    let password = password::passphrase().map_err(|fault| Error::Failed(fault.to_string()))?;
    let hash =
        password::hash(&password, &[], Cost::STANDARD).map_err(|fault| Error::Failed(fault.to_string()))?;
    let user = store.write(Actor::Operator, now, |tx| {
        settings::set(tx, settings::KIND, "serve")?;
        settings::set(tx, settings::ZONE, zone.name())?;
        users::insert(
            tx,
            &NewUser {
                identity: identity.clone(),
                role: Role::Admin,
                password: Some(hash.clone()),
                patient: None,
            },
        )
    })?;
    let keys = home.keys();
    let email = identity.email.as_str();
    let words = format!(
        "{} is ready.\n\nFirst administrator (the password is shown only now):\n  {email}\n  {password}\n\nKeep a copy of {} elsewhere, apart from backups: without it nothing can be read again.\nNext: zelo serve",
        home.dir().display(),
        keys.display()
    );
    let json = json!({ "id": user.id, "email": email, "password": password, "data_dir": home.dir(), "keep_elsewhere": [keys] });
    out.say(&json, &words);
    Ok(())
}
