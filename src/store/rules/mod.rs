//! Rule versions: immutable, in force from an instant on, with author and approver.

pub mod judgement;
pub mod reevaluations;

use diesel::prelude::*;

use super::db::error::{Error, Result};
use super::db::schema::rule_versions;
use super::db::tx::act::Act;
use super::db::tx::{Touched, Tx, View};
use domain::{Instant, Rule};

/// One version of a rule and who stands behind it.
#[derive(Debug, Clone)]
pub struct RuleVersion {
    /// The rule.
    pub rule: Rule,
    /// Who proposed it.
    pub author: String,
    /// Who approved it.
    pub approver: String,
    /// Since when it is in force.
    pub in_force_at: Instant,
}

/// Puts a version in force now.
///
/// # Errors
/// [`Error::Conflict`] when that version is there.
pub(crate) fn publish(tx: &mut Tx<'_>, rule: &Rule, author: &str, approver: &str) -> Result<()> {
    let body = serde_json::to_string(rule).map_err(|_shape| Error::corrupt("a rule"))?;
    diesel::insert_into(rule_versions::table)
        .values((
            rule_versions::rule.eq(&rule.id),
            rule_versions::version.eq(i64::from(rule.version)),
            rule_versions::body.eq(&body),
            rule_versions::author.eq(author),
            rule_versions::approver.eq(approver),
            rule_versions::in_force_at.eq(tx.now().micros()),
        ))
        .execute(tx.conn)?;
    tx.touch(Touched::Rules);
    let body = serde_json::json!({ "rule": rule.id, "version": rule.version, "author": author, "approver": approver });
    tx.audit(&Act::new("rule.published").body(body))
}

/// Every version, newest first within a rule.
///
/// # Errors
/// Database errors.
pub fn all(view: &mut View<'_>) -> Result<Vec<RuleVersion>> {
    type Raw = (String, String, String, i64, (String, i64));
    let rows: Vec<Raw> = rule_versions::table
        .order((rule_versions::rule.asc(), rule_versions::version.desc()))
        .select((
            rule_versions::body,
            rule_versions::author,
            rule_versions::approver,
            rule_versions::in_force_at,
            (rule_versions::rule, rule_versions::version),
        ))
        .load(view.conn)?;
    rows.into_iter()
        .map(|(body, author, approver, at, (name, version))| {
            let rule = serde_json::from_str(&body).map_err(|_shape| {
                Error::corrupt("rule_versions.body").in_row(format_args!("{name}:{version}"))
            })?;
            Ok(RuleVersion { rule, author, approver, in_force_at: Instant::from_micros(at) })
        })
        .collect()
}

/// The newest version of each rule.
///
/// # Errors
/// Database errors.
pub fn in_force(view: &mut View<'_>) -> Result<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    for version in all(view)? {
        if rules.last().is_none_or(|last| last.id != version.rule.id) {
            rules.push(version.rule);
        }
    }
    Ok(rules)
}

/// Publishes the seeded rules where there is none yet.
///
/// # Errors
/// Database errors.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    if all(tx)?.is_empty() {
        for rule in Rule::seeds() {
            publish(tx, &rule, "zelo", "zelo")?;
        }
    }
    Ok(())
}
