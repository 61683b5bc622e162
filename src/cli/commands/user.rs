//! `zelo user`: who may sign in.

use serde_json::json;

use crate::cli::acts::{Acts, Linked};
use crate::cli::args::{RoleName, User};
use crate::cli::desk::read;
use crate::cli::error::Result;
use crate::cli::out::Out;
use domain::{Role, StaffIdentity, UserId};
use store::people::users::NewUser;

pub(in crate::cli) fn run(acts: &dyn Acts, out: Out, command: User) -> Result<()> {
    let find = |email: &str| -> Result<UserId> { acts.user_of(&read("e-mail", email)?) };
    match command {
        User::Add { role, email, name, patient } => {
            let identity = StaffIdentity { name: read("--name", &name)?, email: read("--email", &email)? };
            let patient = patient.map(|id| read("--patient", &id)).transpose()?;
            let made = acts.add_user(&NewUser { identity, role: role.into(), password: None, patient })?;
            let Linked { id, link } = &made;
            out.say(&made, &format!("{id}\nOne-time link to set the password, good for a day: {link}"));
        }
        User::List => {
            for user in acts.users()? {
                let email = user.email.as_deref().unwrap_or("(erased)");
                let disabled = if user.disabled_at.is_some() { "  disabled" } else { "" };
                out.say(&user, &format!("{}  {:<10}  {email}{disabled}", user.id, user.role.name()));
            }
        }
        User::Reset { email } => {
            let made = acts.reset_user(find(&email)?)?;
            out.say(&made, &format!("One-time link to set a new password, good for a day: {}", made.link));
        }
        User::Role { email, role } => {
            let (id, role) = (find(&email)?, Role::from(role));
            acts.set_role(id, role)?;
            out.say(
                &json!({ "id": id, "role": role }),
                "The role is changed; sessions under the old one have ended.",
            );
        }
        User::Disable { email } => {
            let id = find(&email)?;
            acts.disable_user(id)?;
            out.say(&json!({ "id": id, "disabled": true }), "The sign-in and its sessions have ended.");
        }
        User::Vouch { email } => {
            let id = find(&email)?;
            acts.vouch_for_user(id)?;
            out.say(&json!({ "id": id, "held": false }), "They may sign in.");
        }
        User::Unlock { email } => {
            let id = find(&email)?;
            acts.unlock_user(id)?;
            let words = "They may sign in again, with the password they had; `zelo user reset` gives a link to a new one.";
            out.say(&json!({ "id": id, "disabled": false }), words);
        }
    }
    Ok(())
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
