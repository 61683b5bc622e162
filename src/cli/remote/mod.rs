//! The operator's acts on a running node, over its JSON API, as whoever the token names.

pub(super) mod audit;
mod http;

use std::io::{BufRead, IsTerminal};

use consent::{Lang, Purpose};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

pub(super) use http::Http;

use super::acts::{Acts, BindingRow, ConsentChange, DeviceRow, Given, Linked, PatientRow, Standing, UserRow};
use super::args::{Command, SignIn};
use super::error::{Error, Result};
use super::local::{no_term, nobody, path_of_link};
use super::out::Out;
use domain::{DeviceId, DeviceIdentity, Email, Instant, PatientId, Role, TokenId, UserId};
use store::patients::Details;
use store::people::users::NewUser;

/// A running node.
pub(super) struct Remote(pub(super) Http);

/// Why a command does not take `--url`.
pub(super) const fn only_here(command: &Command) -> Option<(&'static str, &'static str)> {
    match command {
        Command::User(_) | Command::Patient(_) | Command::Device(_) | Command::Consent(_) => None,
        Command::Audit(_) | Command::SignIn(_) => None,
        Command::Demo(_) => Some(("demo", "it starts a node of its own")),
        Command::Serve(_) => Some(("serve", "it starts a node of its own")),
        Command::Bench(_) => Some(("bench", "it starts nodes of its own")),
        Command::Simulate(_) => Some(("simulate", "it fills a data directory here")),
        Command::Init(_) => Some(("init", "it makes a data directory here")),
        Command::Migrate(_) => Some(("migrate", "it changes the schema of a stopped node")),
        Command::Backup { .. } => Some(("backup", "it reads the database of a stopped node")),
        Command::Restore(_) => Some(("restore", "it fills the data directory of a stopped node")),
        Command::Keys(_) => Some(("keys", "key files never leave the node's own disk")),
        Command::Doctor => Some(("doctor", "it looks at the machine it runs on")),
    }
}

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

#[derive(Deserialize)]
struct Link {
    token: String,
}

#[derive(Deserialize)]
struct Term {
    lang: String,
    text_sha256: String,
    current: bool,
}

#[derive(Deserialize)]
struct Consents {
    items: Vec<Standing>,
}

impl Remote {
    fn consent(&self, patient: PatientId, choice: &Value) -> Result<ConsentChange> {
        self.0.create(&format!("/api/v1/patients/{patient}/consents"), choice)
    }
}

impl Acts for Remote {
    fn add_user(&self, new: &NewUser) -> Result<Linked> {
        let body = json!({
            "name": new.identity.name, "email": new.identity.email, "role": new.role, "patient_id": new.patient,
        });
        let made: Made<UserId> = self.0.create("/api/v1/users", &body)?;
        self.reset_user(made.id)
    }

    fn users(&self) -> Result<Vec<UserRow>> {
        self.0.list("/api/v1/users")
    }

    fn user_of(&self, email: &Email) -> Result<UserId> {
        let all = self.users()?;
        let found = all.into_iter().find(|user| user.email.as_deref() == Some(email.as_str()));
        found.map(|user| user.id).ok_or_else(nobody)
    }

    fn reset_user(&self, id: UserId) -> Result<Linked> {
        let link: Link = self.0.post(&format!("/api/v1/users/{id}/reset"), None)?;
        Ok(Linked { id, link: path_of_link(&link.token) })
    }

    fn set_role(&self, id: UserId, role: Role) -> Result<()> {
        self.0.change(&format!("/api/v1/users/{id}"), &json!({ "role": role }))
    }

    fn disable_user(&self, id: UserId) -> Result<()> {
        self.0.act(&Method::POST, &format!("/api/v1/users/{id}/disable"))
    }

    fn unlock_user(&self, id: UserId) -> Result<()> {
        self.0.act(&Method::POST, &format!("/api/v1/users/{id}/unlock"))
    }

    fn vouch_for_user(&self, id: UserId) -> Result<()> {
        self.0.act(&Method::POST, &format!("/api/v1/users/{id}/vouch"))
    }

    fn add_patient(&self, details: &Details) -> Result<PatientId> {
        let mut body = json!(details.identity);
        if let Some(members) = body.as_object_mut() {
            members.insert("zone".to_owned(), json!(details.zone));
            members.insert("language".to_owned(), json!(details.language));
        }
        let made: Made<PatientId> = self.0.create("/api/v1/patients", &body)?;
        Ok(made.id)
    }

    fn patients(&self) -> Result<Vec<PatientRow>> {
        self.0.list("/api/v1/patients")
    }

    fn add_device(&self, identity: &DeviceIdentity, patient: Option<PatientId>) -> Result<Given> {
        let given: Given = self.0.create("/api/v1/devices", &json!(identity))?;
        if let Some(patient) = patient {
            self.bind(given.id, patient, None, false).map_err(|fault| {
                Error::Refused(format!("the device {} is enrolled and bound to nobody: {fault}", given.id))
            })?;
        }
        Ok(given)
    }

    fn devices(&self) -> Result<Vec<DeviceRow>> {
        self.0.list("/api/v1/devices")
    }

    fn issue_token(&self, device: DeviceId) -> Result<Given> {
        self.0.create(&format!("/api/v1/devices/{device}/tokens"), &json!({}))
    }

    fn revoke_token(&self, device: DeviceId, token: TokenId) -> Result<()> {
        self.0.act(&Method::DELETE, &format!("/api/v1/devices/{device}/tokens/{token}"))
    }

    fn use_device(&self, device: DeviceId, usable: bool) -> Result<()> {
        let act = if usable { "enable" } else { "disable" };
        self.0.act(&Method::POST, &format!("/api/v1/devices/{device}/{act}"))
    }

    fn bind(
        &self,
        device: DeviceId,
        patient: PatientId,
        from: Option<Instant>,
        preferred: bool,
    ) -> Result<BindingRow> {
        let body = json!({ "patient_id": patient, "from": from, "preferred": preferred });
        self.0.create(&format!("/api/v1/devices/{device}/bind"), &body)
    }

    fn unbind(&self, device: DeviceId, of: Option<PatientId>, at: Option<Instant>) -> Result<BindingRow> {
        self.0.post(&format!("/api/v1/devices/{device}/unbind"), Some(&json!({ "at": at, "patient_id": of })))
    }

    fn grant(
        &self,
        patient: PatientId,
        purpose: Purpose,
        lang: Lang,
        from: Option<Instant>,
    ) -> Result<ConsentChange> {
        let terms: Vec<Term> = self.0.list(&format!("/api/v1/terms?purpose={}", purpose.as_str()))?;
        let term = terms.into_iter().find(|term| term.current && Lang::parse(&term.lang) == Some(lang));
        let sha256 = term.ok_or_else(|| no_term(purpose))?.text_sha256;
        let mut choice = json!({ "purpose": purpose, "action": "grant", "term_sha256": sha256 });
        if let (Some(from), Some(members)) = (from, choice.as_object_mut()) {
            members.insert("measured_from".to_owned(), json!(from));
        }
        self.consent(patient, &choice)
    }

    fn revoke(&self, patient: PatientId, purpose: Purpose) -> Result<ConsentChange> {
        self.consent(patient, &json!({ "purpose": purpose, "action": "revoke" }))
    }

    fn consents(&self, patient: PatientId) -> Result<Vec<Standing>> {
        let mut consents: Consents = self.0.get(&format!("/api/v1/patients/{patient}/consents"))?;
        consents.items.sort_by_key(|standing| Purpose::ALL.iter().position(|one| *one == standing.purpose));
        Ok(consents.items)
    }
}

/// `zelo sign-in`: a token for the commands that follow.
pub(super) fn sign_in(http: &Http, asked: &SignIn, out: Out) -> Result<()> {
    #[derive(Deserialize)]
    struct Tokens {
        access_token: String,
        expires_in: u64,
    }
    let password = password()?;
    let mut body = json!({ "email": asked.email, "password": password });
    if let (Some(code), Some(members)) = (&asked.totp, body.as_object_mut()) {
        members.insert("totp".to_owned(), json!(code));
    }
    let tokens: Tokens = http.post("/api/v1/auth/token", Some(&body))?;
    let json = json!({ "token": tokens.access_token, "expires_in": tokens.expires_in });
    out.say(&json, &tokens.access_token);
    Ok(())
}

/// Typed unseen at a terminal, else the first line of standard input: never a flag, which other users of the machine
/// can read.
fn password() -> Result<String> {
    let input = std::io::stdin();
    let read = if input.is_terminal() {
        rpassword::prompt_password("Password: ")
    } else {
        let mut line = String::new();
        input.lock().read_line(&mut line).map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
    };
    read.map_err(|source| Error::Failed(format!("the password cannot be read: {source}")))
}
