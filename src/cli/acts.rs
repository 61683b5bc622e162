//! What an operator does, declared once: on a stopped node by its data directory ([`super::desk::Desk`]), on a running one
//! over its API ([`super::remote::Remote`]). The rows are printed as they are, so both answer in one form.

use consent::{Lang, Purpose, State};
use serde::{Deserialize, Serialize};

use super::error::Result;
use domain::{
    BindingId, ConsentId, DeviceId, DeviceIdentity, Email, Instant, PatientId, Role, TokenId, UserId,
};
use store::patients::Details;
use store::people::users::NewUser;

/// A user and the path of their one-time link.
#[derive(Debug, Serialize)]
pub(super) struct Linked {
    /// Who.
    pub id: UserId,
    /// To be put behind the address of the site.
    pub link: String,
}

/// Somebody who signs in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UserRow {
    /// Who.
    pub id: UserId,
    /// As what.
    pub role: Role,
    /// `None` once erased.
    pub email: Option<String>,
    /// Since when.
    pub created_at: Instant,
    /// Since when they may not sign in.
    pub disabled_at: Option<Instant>,
}

/// A patient.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PatientRow {
    /// Who.
    pub id: PatientId,
    /// Since when.
    pub created_at: Instant,
    /// Left out unless asked for, or once erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A device's token, which is shown once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Given {
    /// The device: the MQTT user name.
    pub id: DeviceId,
    /// The MQTT password.
    pub token: String,
    /// By which it is revoked.
    pub token_id: TokenId,
}

/// A device.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeviceRow {
    /// Which.
    pub id: DeviceId,
    /// What people call it.
    pub label: String,
    /// Maker and model.
    pub model: String,
    /// At whom it is now.
    pub patient_id: Option<PatientId>,
    /// When it last connected or disconnected.
    pub last_seen_at: Option<Instant>,
    /// Since when it may not connect.
    pub disabled_at: Option<Instant>,
}

/// A device at a patient for a span.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BindingRow {
    /// Which.
    pub id: BindingId,
    /// From when.
    pub from: Instant,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Instant>,
    /// How many readings change hands by what was just done.
    pub moving: Moving,
}

/// Readings that change hands.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Moving {
    /// So many, counted up to 10,000.
    pub readings: usize,
    /// Whether there are more.
    pub more: bool,
}

/// Where a consent stands.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Standing {
    /// What for.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: State,
    /// Grows with every change.
    pub epoch: i64,
}

/// What an act of consent led to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConsentChange {
    /// The act.
    pub id: ConsentId,
    /// What for.
    pub purpose: Purpose,
    /// Where it stands now.
    pub state: State,
    /// Grows with every change.
    pub epoch: i64,
    /// The text, 64 hexadecimal digits.
    pub term_sha256: Option<String>,
}

/// The operator's hand. Every act fails with the error that [`super::error::Error`] names for it, on either side.
pub(super) trait Acts {
    /// Adds a user without a password, and makes the link that sets it.
    fn add_user(&self, new: &NewUser) -> Result<Linked>;
    /// Everybody who signs in.
    fn users(&self) -> Result<Vec<UserRow>>;
    /// Whose an e-mail address is.
    fn user_of(&self, email: &Email) -> Result<UserId>;
    /// Makes a link that sets a new password.
    fn reset_user(&self, id: UserId) -> Result<Linked>;
    /// Gives another role.
    fn set_role(&self, id: UserId, role: Role) -> Result<()>;
    /// Ends a sign-in and its sessions.
    fn disable_user(&self, id: UserId) -> Result<()>;
    /// Undoes [`Acts::disable_user`] and forgets failed sign-ins.
    fn unlock_user(&self, id: UserId) -> Result<()>;
    /// Vouches for what somebody else did to an account.
    fn vouch_for_user(&self, id: UserId) -> Result<()>;

    /// Registers a patient.
    fn add_patient(&self, details: &Details) -> Result<PatientId>;
    /// Every patient.
    fn patients(&self) -> Result<Vec<PatientRow>>;

    /// Enrols a device, bound at once when a patient is named.
    fn add_device(&self, identity: &DeviceIdentity, patient: Option<PatientId>) -> Result<Given>;
    /// Every device.
    fn devices(&self) -> Result<Vec<DeviceRow>>;
    /// Gives another token.
    fn issue_token(&self, device: DeviceId) -> Result<Given>;
    /// Ends a token and the session that came with it.
    fn revoke_token(&self, device: DeviceId, token: TokenId) -> Result<()>;
    /// Ends the right to connect, or gives it back.
    fn use_device(&self, device: DeviceId, usable: bool) -> Result<()>;
    /// From an instant on, or now, the device measures the patient.
    fn bind(
        &self,
        device: DeviceId,
        patient: PatientId,
        from: Option<Instant>,
        preferred: bool,
    ) -> Result<BindingRow>;
    /// From an instant on, or now, the device measures nobody.
    fn unbind(&self, device: DeviceId, of: Option<PatientId>, at: Option<Instant>) -> Result<BindingRow>;

    /// A yes to the text that stands in that language.
    fn grant(
        &self,
        patient: PatientId,
        purpose: Purpose,
        lang: Lang,
        from: Option<Instant>,
    ) -> Result<ConsentChange>;
    /// A yes is taken back.
    fn revoke(&self, patient: PatientId, purpose: Purpose) -> Result<ConsentChange>;
    /// Where a patient's consents stand.
    fn consents(&self, patient: PatientId) -> Result<Vec<Standing>>;
}
