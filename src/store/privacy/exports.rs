//! A person exports everything stored about them (LGPD art. 18 II and V): in the log before the first byte, and limited
//! in number so that it does not hold up others.

use std::time::Duration;

use diesel::prelude::*;

use super::accesses::{self, Look, What};
use crate::db::error::{Error, Result};
use crate::db::schema::looks;
use crate::patients::audience::Visible;
use crate::{Act, Tx};
use domain::PatientId;

/// At most so many …
pub const MOST: i64 = 6;
/// … in so long.
pub const WITHIN: Duration = Duration::from_secs(3_600);

/// Begins an export: writes the entry and the access.
///
/// # Errors
/// `E_RATE` for one too many; database errors.
pub fn begin(tx: &mut Tx<'_>, patient: Visible<PatientId>, format: &str) -> Result<()> {
    let (patient, key) = (patient.id(), patient.key());
    let since = tx.now().minus(WITHIN).micros();
    let lately: i64 = looks::table
        .filter(looks::patient_key.eq(key).and(looks::what.eq(What::Export.name())))
        .filter(looks::code.eq("").and(looks::at.gt(since)))
        .count()
        .get_result(tx.conn)?;
    if lately >= MOST {
        return Err(Error::Refused {
            code: "E_RATE",
            what: "six copies within an hour: try again in an hour",
        });
    }
    let role = accesses::save(tx, &[(key, Look { patient, what: What::Export, refused: None })])?;
    let body = serde_json::json!({ "role": role, "what": [What::Export.name()], "format": format });
    tx.audit(&Act::new("access.export").patient(patient).decided(true).body(body))
}
