//! Who may see whom. Whatever is listed or fetched for somebody is narrowed to their [`Audience`] in SQL, so that what
//! lies outside is not there for them: not found, and in no count. Care teams will fill `Audience::around`.

use std::fmt;

use diesel::dsl::AsExprOf;
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::View;
use crate::db::error::{Error, Result};
use crate::db::schema::{alerts, attachments, devices, patients, quarantine, reveals};
use domain::{AlertId, AttachmentId, DeviceId, PatientId, RevealId};

/// Whom somebody may see. It comes from a stored user (`User::audience`), or is the operator's or the program's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(Whom);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    /// Everybody in care.
    Everybody,
    /// One patient, and nothing that is nobody's.
    One(PatientId),
}

/// A condition on a row.
pub(crate) type Within = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, AsExprOf<String, Text>>>;

impl Audience {
    /// The operator at the command line: everybody in care.
    #[must_use]
    pub const fn operator() -> Self {
        Self(Whom::Everybody)
    }

    /// The program itself, which works for everybody in care. Nothing that is read with it goes to a viewer.
    #[must_use]
    pub const fn program() -> Self {
        Self(Whom::Everybody)
    }

    /// Of a user: whoever is a patient sees that patient alone, all others everybody in care.
    pub(crate) fn of_user(own: Option<PatientId>) -> Self {
        Self(own.map_or(Whom::Everybody, Whom::One))
    }

    /// That a column holds the number of a patient of this audience; `None` narrows nothing, so that the queries of
    /// whoever sees everybody stay as they are. What care teams change is [`Audience::around`].
    pub(crate) fn within(&self, column: &str) -> Option<Within> {
        self.around(&format!("{column} IN ("), ")")
    }

    /// That a device is at a patient of this audience now; what is nobody's is for whoever sees everybody.
    pub(crate) fn wearing(&self) -> Option<Within> {
        let worn =
            "SELECT worn.device_key FROM bindings worn WHERE worn.to_at IS NULL AND worn.patient_key IN (";
        self.around(&format!("devices.\"key\" IN ({worn}"), "))")
    }

    /// The numbers of the patients of this audience as a subquery, with what stands before and after it.
    fn around(&self, before: &str, after: &str) -> Option<Within> {
        match &self.0 {
            Whom::Everybody => None,
            Whom::One(id) => {
                let theirs = format!("{before}SELECT own.\"key\" FROM patients own WHERE own.id = ");
                Some(diesel::dsl::sql::<Bool>(&theirs).bind::<Text, _>(id.to_string()).sql(after))
            }
        }
    }

    /// Whether nobody in care is outside.
    #[must_use]
    pub const fn is_everybody(&self) -> bool {
        matches!(self.0, Whom::Everybody)
    }

    /// A patient.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one who is not there or outside; database errors.
    pub fn patient(
        &self,
        view: &mut View<'_>,
        asked: impl Into<Requested<PatientId>>,
    ) -> Result<Visible<PatientId>> {
        let id = asked.into().0;
        let mut row =
            patients::table.filter(patients::id.eq(id.to_string())).select(patients::key).into_boxed();
        if let Some(within) = self.within("patients.\"key\"") {
            row = row.filter(within);
        }
        let key = row.get_result(view.conn).optional()?.ok_or(Error::NotFound("patient"))?;
        Ok(Visible { id, key })
    }

    /// Whom the log is asked about. Whoever sees everybody may ask about anybody, also where no patient has that id.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one who is outside; database errors.
    pub fn subject(&self, view: &mut View<'_>, asked: Requested<PatientId>) -> Result<PatientId> {
        if self.is_everybody() { Ok(asked.0) } else { self.patient(view, asked).map(Visible::id) }
    }

    /// A patient's alert.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there or whose patient is outside; database errors.
    pub fn alert(
        &self,
        view: &mut View<'_>,
        asked: impl Into<Requested<AlertId>>,
    ) -> Result<Visible<AlertId>> {
        let id = asked.into().0;
        let mut row =
            alerts::table.filter(alerts::id.eq(id.to_string())).select(alerts::patient_key).into_boxed();
        if let Some(within) = self.within("alerts.patient_key") {
            row = row.filter(within);
        }
        let key = row.get_result(view.conn).optional()?.ok_or(Error::NotFound("alert"))?;
        Ok(Visible { id, key })
    }

    /// A device that is at a patient now; what is nobody's is for whoever sees everybody.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there or whose patient is outside; database errors.
    pub fn device(
        &self,
        view: &mut View<'_>,
        asked: impl Into<Requested<DeviceId>>,
    ) -> Result<Visible<DeviceId>> {
        let id = asked.into().0;
        let mut row = devices::table.filter(devices::id.eq(id.to_string())).select(devices::key).into_boxed();
        if let Some(worn) = self.wearing() {
            row = row.filter(worn);
        }
        let key = row.get_result(view.conn).optional()?.ok_or(Error::NotFound("device"))?;
        Ok(Visible { id, key })
    }

    /// A reading that was set aside.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there or whose patient is outside; database errors.
    pub fn quarantined(&self, view: &mut View<'_>, asked: Requested<Uuid>) -> Result<Visible<Uuid>> {
        let id = asked.0;
        let mut row = quarantine::table
            .filter(quarantine::id.eq(id.to_string()))
            .select(quarantine::device_key)
            .into_boxed();
        if let Some(within) = self.within("quarantine.patient_key") {
            row = row.filter(within);
        }
        let key = row.get_result(view.conn).optional()?.ok_or(Error::NotFound("quarantine"))?;
        Ok(Visible { id, key })
    }

    /// A file that is attached to something of a patient's.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there or whose patient is outside; database errors.
    pub fn attachment(
        &self,
        view: &mut View<'_>,
        asked: Requested<AttachmentId>,
    ) -> Result<Visible<AttachmentId>> {
        let id = asked.0;
        let mut row = attachments::table
            .filter(attachments::id.eq(id.to_string()))
            .select(attachments::patient_key)
            .into_boxed();
        if let Some(within) = self.within("attachments.patient_key") {
            row = row.filter(within);
        }
        let key = row.get_result(view.conn).optional()?.ok_or(Error::NotFound("attachment"))?;
        Ok(Visible { id, key })
    }

    /// A request to know who a patient is.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there or whose patient is outside; database errors.
    pub fn reveal(&self, view: &mut View<'_>, asked: Requested<RevealId>) -> Result<Visible<RevealId>> {
        let id = asked.0;
        let mut row =
            reveals::table.filter(reveals::id.eq(id.to_string())).select(reveals::patient_key).into_boxed();
        if let Some(within) = self.within("reveals.patient_key") {
            row = row.filter(within);
        }
        let key = row.get_result(view.conn).optional()?.ok_or(Error::NotFound("reveal"))?;
        Ok(Visible { id, key })
    }
}

/// An id as somebody sent it: in an address, in a body, in a form. Only an [`Audience`] opens it, so what it names is
/// looked up among those whom the sender may see before anything is done with it. Until then it can only be echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Requested<T>(T);

impl<T> From<T> for Requested<T> {
    fn from(id: T) -> Self {
        Self(id)
    }
}

impl<T: std::str::FromStr> std::str::FromStr for Requested<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> std::result::Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<T: fmt::Display> fmt::Display for Requested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Requested<PatientId> {
    /// What was sent, for [`pseudonyms::meant`](crate::privacy::pseudonyms::meant).
    pub(crate) const fn as_sent(self) -> PatientId {
        self.0
    }
}

/// Something of a patient that was looked up in an [`Audience`], and is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visible<T> {
    id: T,
    /// The number of a patient or a device; of anything else, that of its patient or device.
    key: i64,
}

impl<T: Copy> Visible<T> {
    /// Its id.
    #[must_use]
    pub const fn id(self) -> T {
        self.id
    }
}

impl Visible<AlertId> {
    /// The number of its patient.
    pub(crate) const fn patient_key(self) -> i64 {
        self.key
    }
}

impl Visible<PatientId> {
    /// The number that stands for the patient.
    #[must_use]
    pub const fn key(self) -> i64 {
        self.key
    }
}

impl Visible<DeviceId> {
    /// The number that stands for the device.
    #[must_use]
    pub const fn key(self) -> i64 {
        self.key
    }
}
