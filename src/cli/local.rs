//! The operator's acts on a stopped node: in its own database, as the operator.

use consent::{Giver, Grant, Lang, Purpose};

use super::acts::{
    Acts, BindingRow, ConsentChange, DeviceRow, Given, Linked, Moving, PatientRow, Standing, UserRow,
};
use super::desk::Desk;
use super::error::{Error, Result};
use super::revocations;
use domain::{DeviceId, DeviceIdentity, Email, Instant, PatientId, Role, TokenId, UserId};
use store::consents::{self, ledger, terms};
use store::devices::bindings::Binding;
use store::devices::moves::{self, Counted};
use store::devices::{self, bindings};
use store::keys::signing;
use store::patients::Details;
use store::patients::audience::Audience;
use store::people::links::{self, PASSWORD_LIFE};
use store::people::users::NewUser;
use store::people::{holds, users};
use store::{Tx, patients};

/// Where the page is that spends a link; the address before it is the operator's.
pub(super) fn path_of_link(secret: &str) -> String {
    format!("/password/{secret}")
}

impl Desk {
    fn given(&self, id: DeviceId, token_id: TokenId) -> Result<Given> {
        let signer = signing::load(&self.home.keys())?;
        let token = signer.for_device(id, token_id, None, self.now());
        Ok(Given { id, token: token.map_err(|fault| Error::Failed(fault.to_string()))?, token_id })
    }
}

fn link(tx: &mut Tx<'_>, id: UserId) -> store::Result<Linked> {
    let secret = links::insert(tx, id, links::Purpose::Password, PASSWORD_LIFE)?;
    Ok(Linked { id, link: path_of_link(secret.reveal()) })
}

impl BindingRow {
    fn of(binding: Binding, counted: Counted) -> Self {
        let Counted { readings, more } = counted;
        let Binding { id, from, to, .. } = binding;
        Self { id, from, to, moving: Moving { readings, more } }
    }
}

impl From<consents::Outcome> for ConsentChange {
    fn from(outcome: consents::Outcome) -> Self {
        let consents::Outcome { id, record, .. } = outcome;
        let term_sha256 = record.term_sha256.map(hex::encode);
        Self { id, purpose: record.purpose, state: record.state, epoch: record.epoch, term_sha256 }
    }
}

impl Acts for Desk {
    fn add_user(&self, new: &NewUser) -> Result<Linked> {
        self.write(|tx| {
            let user = users::insert(tx, new)?;
            link(tx, user.id)
        })
    }

    fn users(&self) -> Result<Vec<UserRow>> {
        let row = |user: users::User| UserRow {
            id: user.id,
            role: user.role,
            email: user.identity.map(|who| who.email.as_str().to_owned()),
            created_at: user.created_at,
            disabled_at: user.disabled_at,
        };
        Ok(self.all(users::page)?.into_iter().map(row).collect())
    }

    fn user_of(&self, email: &Email) -> Result<UserId> {
        let found = self.store.read(|view| users::find_by_email(view, email))?;
        found.map(|account| account.user.id).ok_or_else(nobody)
    }

    fn reset_user(&self, id: UserId) -> Result<Linked> {
        self.write(|tx| link(tx, id))
    }

    fn set_role(&self, id: UserId, role: Role) -> Result<()> {
        self.write(|tx| {
            let version = users::get(tx, id)?.version;
            users::set_role(tx, id, version, role).map(drop)
        })
    }

    fn disable_user(&self, id: UserId) -> Result<()> {
        self.write(|tx| users::disable(tx, id))
    }

    fn unlock_user(&self, id: UserId) -> Result<()> {
        self.write(|tx| users::unlock(tx, id, None))
    }

    fn vouch_for_user(&self, id: UserId) -> Result<()> {
        self.write(|tx| holds::vouch(tx, id, None))
    }

    fn add_patient(&self, details: &Details) -> Result<PatientId> {
        Ok(self.write(|tx| patients::insert(tx, details))?.id)
    }

    fn patients(&self) -> Result<Vec<PatientRow>> {
        let row = |patient: patients::Patient| PatientRow {
            id: patient.id,
            created_at: patient.created_at,
            name: patient.identity.map(|who| who.name.as_str().to_owned()),
        };
        Ok(self
            .all(|view, ask| patients::page(view, &Audience::operator(), ask))?
            .into_iter()
            .map(row)
            .collect())
    }

    fn add_device(&self, identity: &DeviceIdentity, patient: Option<PatientId>) -> Result<Given> {
        let (id, token) = self.write(|tx| {
            let id = devices::insert(tx, identity)?.id;
            if let Some(patient) = patient {
                bindings::bind(tx, id, patient, tx.now(), false)?;
            }
            Ok((id, devices::issue_token(tx, id, None)?))
        })?;
        self.given(id, token)
    }

    fn devices(&self) -> Result<Vec<DeviceRow>> {
        let all = self.all(|view, ask| devices::page(view, &Audience::operator(), ask))?;
        let row = |device: devices::Device| {
            let binding = self.store.read(|view| bindings::at(view, device.key, self.now()))?;
            Ok(DeviceRow {
                id: device.id,
                label: device.identity.label.into(),
                model: device.identity.model.into(),
                patient_id: binding.map(|binding| binding.patient),
                last_seen_at: device.last_seen_at,
                disabled_at: device.disabled_at,
            })
        };
        all.into_iter().map(row).collect()
    }

    fn issue_token(&self, device: DeviceId) -> Result<Given> {
        let token = self.write(|tx| devices::issue_token(tx, device, None))?;
        self.given(device, token)
    }

    fn revoke_token(&self, device: DeviceId, token: TokenId) -> Result<()> {
        self.write(|tx| devices::revoke_token(tx, device, token))
    }

    fn use_device(&self, device: DeviceId, usable: bool) -> Result<()> {
        self.write(|tx| if usable { devices::enable(tx, device) } else { devices::disable(tx, device) })
    }

    fn bind(
        &self,
        device: DeviceId,
        patient: PatientId,
        from: Option<Instant>,
        preferred: bool,
    ) -> Result<BindingRow> {
        let from = from.unwrap_or_else(|| self.now());
        let coming = self.store.read(|view| {
            let key = Audience::operator().device(view, device)?.key();
            moves::coming(view, key, from)
        })?;
        self.write(|tx| Ok(BindingRow::of(bindings::bind(tx, device, patient, from, preferred)?, coming)))
    }

    fn unbind(&self, device: DeviceId, of: Option<PatientId>, at: Option<Instant>) -> Result<BindingRow> {
        let at = at.unwrap_or_else(|| self.now());
        let (_, leaving) = self.store.read(|view| moves::ending(view, device, of, at, self.now()))?;
        self.write(|tx| Ok(BindingRow::of(bindings::unbind(tx, device, of, at)?, leaving)))
    }

    fn grant(
        &self,
        patient: PatientId,
        purpose: Purpose,
        lang: Lang,
        from: Option<Instant>,
    ) -> Result<ConsentChange> {
        let current = self.store.read(|view| terms::current(view, purpose))?;
        let term = current.into_iter().find(|term| term.lang == lang).ok_or_else(|| no_term(purpose))?;
        let mut sha256 = [0_u8; 32];
        hex::decode_to_slice(&term.text_sha256, &mut sha256)
            .map_err(|fault| Error::Failed(fault.to_string()))?;
        let grant = Grant { measured_from: from.map(Instant::micros), ..Grant::of(sha256) };
        let giver = Giver::StaffAssisted;
        Ok(self.write(|tx| consents::grant(tx, patient, purpose, grant.clone(), &giver.into()))?.into())
    }

    fn revoke(&self, patient: PatientId, purpose: Purpose) -> Result<ConsentChange> {
        let giver = Giver::StaffAssisted;
        let outcome = self.write(|tx| consents::revoke(tx, patient, purpose, &giver.into()))?;
        revocations::catch_up(&self.store, self.home.dir())?;
        Ok(outcome.into())
    }

    fn consents(&self, patient: PatientId) -> Result<Vec<Standing>> {
        let key = self.store.read(|view| Audience::operator().patient(view, patient))?.key();
        let ledger = self.store.read(|view| ledger::of(view, key))?;
        let records = Purpose::ALL.iter().filter_map(|purpose| consent::Records::record(&ledger, *purpose));
        let row = |record: &consent::Record| Standing {
            purpose: record.purpose,
            state: record.state,
            epoch: record.epoch,
        };
        Ok(records.map(row).collect())
    }
}

/// Nobody has this address.
pub(super) fn nobody() -> Error {
    Error::Missing("nobody signs in with this e-mail address".into())
}

/// A purpose without a text to say yes to.
pub(super) fn no_term(purpose: Purpose) -> Error {
    Error::Missing(format!("no term stands for {}", purpose.as_str()))
}
