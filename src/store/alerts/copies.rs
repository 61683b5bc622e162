//! Copies of finished cases: a long past at once, for measuring what depends on its length. Nothing of a running house
//! calls this.

use diesel::connection::SimpleConnection;

use crate::Conn;
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::tx::Tx;
use domain::AlertId;

/// A minute: copies lie so far apart.
const APART: i64 = 60_000_000;

/// Copies a resolved alert `times` times, with its acts, its escalation, its clocks, its messages and their events,
/// each a minute further back. The findings are not copied: they are sealed to their own rows, and read as hidden.
///
/// # Errors
/// Database errors; the alert was copied before.
pub fn of_alert(tx: &mut Tx<'_>, alert: AlertId, times: usize) -> Result<()> {
    let sql = Sql::of(tx, times);
    let (alert, fresh) = (format!("'{alert}'"), sql.id("o.id"));
    let case = format!("o.kind = 'alert' AND o.subject = {alert}");
    let subject = sql.id("o.subject");
    let key = format!("o.key || ':' || {}", sql.hex);
    let parts = [
        sql.insert(
            "alerts",
            &format!("o.id = {alert}"),
            &[
                ("id", &fresh),
                ("patient_key", ""),
                ("rule", ""),
                ("rule_version", ""),
                ("signal", ""),
                ("level", ""),
                ("peak", ""),
                ("state", ""),
                ("started_at", &ago("started_at")),
                ("ended_at", &ago("ended_at")),
                ("raised_at", &ago("raised_at")),
                ("owner", ""),
                ("outcome", ""),
                ("retrospective", ""),
                ("episode", ""),
                ("case_record", &format!("replace(o.case_record, o.id, {fresh})")),
                ("version", ""),
                ("updated_at", &ago("updated_at")),
            ],
        ),
        sql.insert(
            "alert_acts",
            &format!("o.alert_id = {alert}"),
            &[
                ("alert_id", &sql.id("o.alert_id")),
                ("at", &ago("at")),
                ("actor", ""),
                ("act", ""),
                ("outcome", ""),
                ("patient_key", ""),
            ],
        ),
        sql.insert(
            "escalations",
            &case,
            &[
                ("id", &fresh),
                ("kind", ""),
                ("subject", &subject),
                ("patient_id", ""),
                ("policy", ""),
                ("policy_version", ""),
                ("record", ""),
                ("state", ""),
                ("next_at", ""),
                ("started_at", &ago("started_at")),
                ("updated_at", &ago("updated_at")),
                ("fence", ""),
            ],
        ),
        sql.insert(
            "escalation_steps",
            &format!(
                "o.escalation_id IN (SELECT id FROM escalations WHERE kind = 'alert' AND subject = {alert})"
            ),
            &[
                ("escalation_id", &sql.id("o.escalation_id")),
                ("fence", ""),
                ("at", &ago("at")),
                ("due_at", &ago("due_at")),
                ("did", ""),
                ("step", ""),
                ("round", ""),
                ("people", ""),
                ("patient_id", ""),
            ],
        ),
        sql.insert(
            "sla_timers",
            &case,
            &[
                ("id", &fresh),
                ("kind", ""),
                ("subject", &subject),
                ("service_level", ""),
                ("metric", ""),
                ("calendar", ""),
                ("calendar_version", ""),
                ("on_breach", ""),
                ("record", ""),
                ("standing", ""),
                ("due_at", ""),
                ("next_at", ""),
                ("started_at", &ago("started_at")),
                ("fence", ""),
            ],
        ),
        sql.insert(
            "messages",
            &case,
            &[
                ("key", &key),
                ("class", ""),
                ("channel", ""),
                ("recipient", ""),
                ("template", ""),
                ("template_version", ""),
                ("variables", ""),
                ("kind", ""),
                ("subject", &subject),
                ("state", ""),
                ("created_at", &ago("created_at")),
                ("due_at", &ago("due_at")),
                ("not_after", &ago("not_after")),
                ("attempt", ""),
                ("accepted_at", ""),
                ("patient_id", ""),
                ("purpose", ""),
            ],
        ),
        format!(
            "{} INSERT INTO message_events (message_id, at, what, code) SELECT m.id, e.at, e.what, e.code \
             FROM messages o JOIN message_events e ON e.message_id = o.id CROSS JOIN n \
             JOIN messages m ON m.key = {key} WHERE {case}",
            sql.numbers
        ),
    ];
    on!(&mut *tx.conn, |conn| parts.iter().try_for_each(|part| conn.batch_execute(part)))?;
    Ok(())
}

/// Copies rows of a table without children: `columns` are those that a copy has, each with what it holds there.
/// `#` stands for the copy's number, `##` for it as twelve hexadecimal digits.
///
/// # Errors
/// Database errors.
#[cfg(any(test, feature = "testing"))]
pub fn of_rows(
    tx: &mut Tx<'_>,
    table: &str,
    which: &str,
    columns: &[(&str, &str)],
    times: usize,
) -> Result<()> {
    let sql = Sql::of(tx, times);
    let expressions: Vec<(&str, String)> = columns
        .iter()
        .map(|(name, value)| (*name, value.replace("##", &sql.hex).replace('#', "n.i")))
        .collect();
    let columns: Vec<(&str, &str)> =
        expressions.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let part = sql.insert(table, which, &columns);
    on!(&mut *tx.conn, |conn| conn.batch_execute(&part))?;
    Ok(())
}

/// The same, `n.i` minutes earlier.
/// Tells PostgreSQL how long its tables are now, as its autovacuum does within a minute or so of a running house.
///
/// # Errors
/// Database errors.
pub fn counted(tx: &mut Tx<'_>) -> Result<()> {
    if let Conn::Pg(conn) = &mut *tx.conn {
        conn.batch_execute("ANALYZE")?;
    }
    Ok(())
}

fn ago(column: &str) -> String {
    format!("o.{column} - n.i * {APART}")
}

/// The words in which the backends differ.
struct Sql {
    numbers: String,
    hex: String,
}

impl Sql {
    fn of(tx: &Tx<'_>, times: usize) -> Self {
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {times})"
        );
        let hex = match &*tx.conn {
            Conn::Pg(_) => "lpad(to_hex(n.i), 12, '0')",
            Conn::Sqlite(_) => "printf('%012x', n.i)",
        };
        Self { numbers, hex: hex.to_owned() }
    }

    /// The id of a copy: that of the original, with another end.
    fn id(&self, original: &str) -> String {
        format!("substr({original}, 1, 24) || {}", self.hex)
    }

    fn insert(&self, table: &str, which: &str, columns: &[(&str, &str)]) -> String {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let expression = |(name, value): &(&str, &str)| {
            if value.is_empty() { format!("o.{name}") } else { (*value).to_owned() }
        };
        let values: Vec<String> = columns.iter().map(expression).collect();
        format!(
            "{} INSERT INTO {table} ({}) SELECT {} FROM {table} AS o CROSS JOIN n WHERE {which}",
            self.numbers,
            names.join(", "),
            values.join(", ")
        )
    }
}
