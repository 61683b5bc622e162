//! The registry of personal data: for each table whose data its rows are, in which form each personal or sealed column
//! stands, what the destruction of keys does to it, whether the patient's own copy holds it, and what removes it by age.
//!
//! LGPD art. 37 asks for a record of processing; art. 16 and 18 VI for elimination, art. 18 II and V for access and
//! portability. Each walks all that is stored of a person, and what a walk does not know of it leaves behind or leaves
//! out. So each walk goes over [`HOLDINGS`], and the tests beside this file compare it with the migrated databases and
//! with the sources: a migration that adds a table, a blob or a column that points at a person fails without its entry.
//!
//! It says what the program does today, not what it should do. Elimination as a command is not built: [`Ends`] tells
//! what becomes of a row when the keys of the person are destroyed (`destroy`), which is its mechanism.

mod care;
mod log;
mod people;
mod series;
#[cfg(test)]
mod tests;

use crate::keys::Class;

/// All holdings, in groups; every table of the schema is in one of them, once.
pub const HOLDINGS: [&[Holding]; 4] = [people::HOLDINGS, series::HOLDINGS, care::HOLDINGS, log::HOLDINGS];

/// Every holding.
pub fn holdings() -> impl Iterator<Item = &'static Holding> {
    HOLDINGS.into_iter().flatten()
}

/// The holding of a table; `None` when there is no such table.
#[must_use]
pub fn holding(table: &str) -> Option<&'static Holding> {
    holdings().find(|holding| holding.table == table)
}

/// What is stored in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The table's name.
    pub table: &'static str,
    /// Whose data its rows are.
    pub whose: Whose,
    /// The columns that are personal, point at a person, or are blobs.
    pub columns: &'static [Column],
    /// What the destruction of the person's keys does to it.
    pub ends: Ends,
    /// Whether the patient's own copy holds it.
    pub copy: OwnCopy,
    /// The function that removes, packs or unlinks its rows by age, as a path in this crate; `None`: nothing does.
    pub retention: Option<&'static str>,
}

impl Holding {
    /// The column of this name, if it has an entry.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Whose data the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Patients', also by the device that they wear.
    Patient,
    /// Staff's: people who work with the program.
    Staff,
    /// Rows of patients beside rows of staff, or rows that tell of both.
    Both,
    /// Nobody's.
    Nobody,
}

/// A column, and in which form it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The column's name.
    pub name: &'static str,
    /// In which form.
    pub form: Form,
}

/// In which form a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Sealed under a key of this class.
    Sealed(Class, Owner),
    /// Masked under the patient's telemetry key.
    Masked,
    /// A keyed hash under the installation's key, to look up what can be guessed: it outlives the person's keys.
    BlindIndex,
    /// Points at a person by id or number, directly or through a row or a device of theirs.
    Key,
    /// A hash of a secret that cannot be guessed, or Argon2id.
    Hash,
    /// Personal and in clear, with the reason (ADR 0003).
    Clear(&'static str),
    /// Tags, hashes and HMACs by which the log is verified.
    Proof(&'static str),
    /// Not personal, though it looks so: a blob, or a name like a person's.
    NotPersonal(&'static str),
}

/// Whose key seals a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The patient's.
    Patient,
    /// The account's: staff's, and that of a patient who signs in.
    User,
    /// The device's, whoever wears it.
    Device,
    /// The installation's.
    System,
    /// The patient's, or the device's while it was nobody's.
    PatientOrDevice,
    /// That of whomever the row is about.
    Subject,
}

/// What becomes of a table's rows when every key of the person is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// What is sealed or masked there cannot be read any more; says what remains readable.
    KeyDestroyed {
        /// What remains.
        remains: &'static str,
    },
    /// It is sealed under another key than the person's, and stays readable; says whose.
    OtherKey(&'static str),
    /// Nothing there is sealed: its rows stay, and their ids point at somebody whom nothing names any more.
    Pseudonymous,
    /// Its rows stay for figures, and whatever in them points at the person is cleared in the same transaction; says what
    /// remains.
    Unlinked(&'static str),
    /// It stays as it is; says on what ground.
    Stays(&'static str),
    /// It holds nobody's data.
    NotPersonal,
}

/// Whether the copy that a patient takes of their own data holds a table (LGPD art. 18 II and V).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnCopy {
    /// It does.
    Held,
    /// Some of it; says what is left out.
    Partly(&'static str),
    /// It does not; says why, or that nothing decided it.
    Not(&'static str),
}

/// Why it is not in a patient's copy: it is not about a patient.
const STAFF: OwnCopy = OwnCopy::Not("about staff");
/// Why it is not in a patient's copy: it is nobody's.
const NOBODY: OwnCopy = OwnCopy::Not("nobody's data");
/// Why it is not in a patient's copy: it repeats what another table holds.
const BOOKKEEPING: OwnCopy = OwnCopy::Not("bookkeeping over what the copy holds from another table");
/// Not in the patient's copy, and no decision says that it need not be.
const LEFT_OUT: OwnCopy = OwnCopy::Not("left out today; nothing decided it");

/// The words of ADR 0003 for what stays in clear.
mod clear {
    /// Instants.
    pub(super) const WHEN: &str = "when: what is due must be found without keys";
    /// Signals.
    pub(super) const MEASURED: &str = "which signal is measured, never how much";
    /// Levels, states, outcomes.
    pub(super) const JUDGEMENT: &str =
        "judgement: levels by instant and no reading; queue and deadlines sort by them";
    /// Codes.
    pub(super) const CODE: &str = "a code for why or what, never a value";
    /// Consents.
    pub(super) const CONSENT: &str = "consent: what the gate reads on each message";
    /// Access.
    pub(super) const ACCESS: &str = "access: who may and did, by id";
    /// Staff's working arrangements.
    pub(super) const WORK: &str = "who works when and how: the engine finds whom to call without keys";
}

const fn sealed(name: &'static str, class: Class, owner: Owner) -> Column {
    Column { name, form: Form::Sealed(class, owner) }
}

const fn masked(name: &'static str) -> Column {
    Column { name, form: Form::Masked }
}

const fn blind(name: &'static str) -> Column {
    Column { name, form: Form::BlindIndex }
}

const fn key(name: &'static str) -> Column {
    Column { name, form: Form::Key }
}

const fn hash(name: &'static str) -> Column {
    Column { name, form: Form::Hash }
}

const fn clear(name: &'static str, why: &'static str) -> Column {
    Column { name, form: Form::Clear(why) }
}

const fn proof(name: &'static str, what: &'static str) -> Column {
    Column { name, form: Form::Proof(what) }
}

const fn neutral(name: &'static str, what: &'static str) -> Column {
    Column { name, form: Form::NotPersonal(what) }
}
