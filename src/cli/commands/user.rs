//! `zelo user`: who may sign in.

use serde_json::json;

use crate::cli::args::{RoleName, User};
use crate::cli::desk::{Desk, read};
use crate::cli::error::{Error, Result};
use crate::domain::{Email, Role, StaffIdentity, UserId};
use crate::store::links::{self, PASSWORD_LIFE, Purpose};
use crate::store::users::{self, NewUser};

pub(in crate::cli) fn run(desk: &Desk, command: User) -> Result<()> {
    match command {
        User::Add { role, email, name, patient } => {
            let identity = StaffIdentity { name: read("--name", &name)?, email: read("--email", &email)? };
            let patient = patient.map(|id| read("--patient", &id)).transpose()?;
            let new = NewUser { identity, role: role.into(), password: None, patient };
            let (id, link) = desk.write(|tx| {
                let user = users::insert(tx, &new)?;
                Ok((user.id, links::insert(tx, user.id, Purpose::Password, PASSWORD_LIFE)?))
            })?;
            let link = path(link.reveal());
            desk.out.say(
                &json!({ "id": id, "link": link }),
                &format!("{id}\nOne-time link to set the password, good for a day: {link}"),
            );
        }
        User::List => {
            for user in desk.all(users::page)? {
                let email = user.identity.as_ref().map(|who| who.email.as_str());
                let (role, disabled) = (user.role.name(), user.disabled_at.is_some());
                let words = format!(
                    "{}  {role:<10}  {}{}",
                    user.id,
                    email.unwrap_or("(erased)"),
                    if disabled { "  disabled" } else { "" }
                );
                let json = json!({ "id": user.id, "role": role, "email": email, "created_at": user.created_at, "disabled_at": user.disabled_at });
                desk.out.say(&json, &words);
            }
        }
        User::Reset { email } => {
            let id = find(desk, &email)?;
            let link = desk.write(|tx| links::insert(tx, id, Purpose::Password, PASSWORD_LIFE))?;
            let link = path(link.reveal());
            desk.out.say(
                &json!({ "id": id, "link": link }),
                &format!("One-time link to set a new password, good for a day: {link}"),
            );
        }
        User::Disable { email } => {
            let id = find(desk, &email)?;
            desk.write(|tx| users::disable(tx, id))?;
            desk.out.say(&json!({ "id": id, "disabled": true }), "The sign-in and its sessions have ended.");
        }
    }
    Ok(())
}

/// Where the page is that spends the link; the address before it is the operator's.
fn path(secret: &str) -> String {
    format!("/password/{secret}")
}

fn find(desk: &Desk, email: &str) -> Result<UserId> {
    let email: Email = read("e-mail", email)?;
    let found = desk.store.read(|view| users::find_by_email(view, &email))?;
    found
        .map(|account| account.user.id)
        .ok_or_else(|| Error::Missing("nobody signs in with this e-mail address".into()))
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Agent => Self::Agent,
            RoleName::Technician => Self::Technician,
            RoleName::Clinician => Self::Clinician,
            RoleName::Manager => Self::Manager,
            RoleName::Auditor => Self::Auditor,
            RoleName::Dpo => Self::Dpo,
            RoleName::Admin => Self::Admin,
            RoleName::Patient => Self::Patient,
        }
    }
}
