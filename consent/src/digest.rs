//! The fingerprint of the policy: with it and the inputs, an auditor replays any decision. A silent change of
//! the table or of a register changes it, and the test at the foot fails.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::basis::Basis;
use crate::context::Emergency;
use crate::datum::Datum;
use crate::denied::Code;
use crate::obligation::Obligation;
use crate::purpose::Purpose;
use crate::record::State;
use crate::table::ROWS;

type Object = BTreeMap<&'static str, Value>;

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.iter_mut().zip(digest(&SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// SHA-256 of [`policy_json`], computed once.
#[must_use]
pub fn policy_digest() -> [u8; 32] {
    static DIGEST: OnceLock<[u8; 32]> = OnceLock::new();
    *DIGEST.get_or_init(|| sha256(policy_json().as_bytes()))
}

/// The decision table and its registers as canonical JSON (RFC 8785: sorted keys, no spaces, whole numbers).
/// What the organisation declared ([`crate::Bases`]) is data and is recorded beside it.
#[must_use]
pub fn policy_json() -> String {
    let policy = Object::from([
        ("bases", list(Basis::ALL, |basis| json!([basis.code(), basis.as_str(), basis.article()]))),
        ("codes", list(Code::ALL, |code| json!([code.number(), code.as_str(), code.basis_text()]))),
        ("data", list(Datum::ALL, |datum| json!([datum.code(), datum.as_str(), datum.is_telemetry()]))),
        ("emergency_micros", json!([Emergency::CONFIRM_WITHIN, Emergency::LASTS])),
        ("obligations", list(Obligation::ALL, |duty| json!([duty.code(), duty.as_str()]))),
        ("purposes", list(Purpose::ALL, |&purpose| entry(purpose))),
        ("rows", list(ROWS, |row| json!([row.id, row.when, row.then, row.of_person]))),
        ("states", list(State::ALL, |state| json!([state.code(), state.as_str()]))),
        ("v", json!(1)),
    ]);
    render(&policy)
}

fn entry(purpose: Purpose) -> Value {
    let entry = Object::from([
        ("bases", json!(purpose.bases())),
        ("clinical", json!(purpose.is_clinical())),
        ("code", json!(purpose.code())),
        ("emergency", json!(purpose.may_be_emergency())),
        ("message", json!(purpose.is_message())),
        ("name", json!(purpose)),
        ("outlives", json!(purpose.outlives_the_subject())),
        ("parent", json!(purpose.parent())),
        ("projection", json!(purpose.projection())),
    ]);
    json!(entry)
}

fn list<T>(items: &[T], entry: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(entry).collect())
}

/// Text, whole numbers, lists and sorted maps always render; the alternative stays empty rather than panics.
fn render(policy: &Object) -> String {
    serde_json::to_string(policy).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes the table, a register or a legal reference changes this line in the same commit.
    const PINNED: &str = "c15918960c2c9fa23544adbc254ce28019d02e0e8a2df23cb84e3603b790af71";

    #[test]
    fn the_policy_is_the_one_that_was_agreed() {
        let hex: String = policy_digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, PINNED);
    }

    #[test]
    fn the_policy_json_is_canonical_and_whole() {
        let json = policy_json();
        let parsed: BTreeMap<String, Value> = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), json);
        assert_eq!(parsed["rows"].as_array().unwrap().len(), ROWS.len());
        assert_eq!(parsed["purposes"].as_array().unwrap().len(), 15);
    }

    #[test]
    fn the_rows_stand_in_the_order_of_their_ids() {
        let ids: Vec<_> = ROWS.iter().map(|row| row.id).collect();
        assert!(ids.is_sorted());
        assert_eq!((ids.first(), ids.last()), (Some(&"D01"), Some(&"D30")));
    }
}
