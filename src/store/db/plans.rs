//! How the database answers each statement that was run: statements are collected as they run, and their plans asked
//! for. What reads more the longer the past is shows here, whatever the clock says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests' own, and panic as tests do")]

use std::collections::BTreeMap;
use std::sync::{Mutex, Once, PoisonError};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::{Conn, Store, Url};

/// Tables with a row for each thing that happens, or for each person or device.
pub(crate) const GROWING: &[&str] = &[
    "alert_acts",
    "alerts",
    "amendments",
    "attachment_pieces",
    "attachments",
    "audit_bodies",
    "audit_bundles",
    "audit_checkpoints",
    "audit_entries",
    "audit_tiles",
    "bindings",
    "chunks",
    "commands",
    "consent_events",
    "consents",
    "device_charges",
    "device_tokens",
    "devices",
    "escalation_steps",
    "escalations",
    "facts",
    "idempotent_answers",
    "jobs",
    "lapses",
    "links",
    "looks",
    "measured",
    "merged_readings",
    "message_events",
    "messages",
    "moves",
    "patient_changes",
    "patients",
    "quarantine",
    "readings",
    "receipts",
    "sessions",
    "signals",
    "sla_timers",
    "subject_keys",
    "throttles",
    "unstamped",
    "wearers",
    "withdrawals",
];

/// Statements by their text without values, each with the first of its kind as it ran.
type Statements = BTreeMap<String, String>;

/// By the address of the database: what runs on it while somebody watches.
static WATCHED: Mutex<BTreeMap<String, Statements>> = Mutex::new(BTreeMap::new());

/// By the file of the database, or its schema: how many statements ran on it while somebody counts.
static COUNTED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

struct Recorder(String);

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.0),
            InstrumentationEvent::StartQuery { query, .. } => {
                if let Some(count) =
                    COUNTED.lock().unwrap_or_else(PoisonError::into_inner).get_mut(schema(&self.0))
                {
                    *count += 1;
                }
                let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(statements) = watched.get_mut(&self.0) else { return };
                let text = query.to_string();
                let shape = text.split(BINDS).next().unwrap_or_default().to_owned();
                statements.entry(shape).or_insert(text);
            }
            _ => {}
        }
    }
}

const BINDS: &str = " -- binds: ";

/// From now on connections can be watched; those that are open already cannot.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| Some(Box::new(Recorder(String::new())))).unwrap();
    });
}

fn address(store: &Store) -> String {
    match store.url() {
        Url::Sqlite(path) => path.to_string_lossy().into_owned(),
        Url::Postgres(url) => super::conn::patient(url),
    }
}

/// What tells a database of a test from the others: the pools add the name of their session to its address.
fn schema(address: &str) -> &str {
    let named = address.split_once("search_path%3D").map_or(address, |(_, named)| named);
    named.split('&').next().unwrap_or(named)
}

/// The statements that run on a store while `f` does, with their values in place.
pub fn watch(store: &Store, f: impl FnOnce()) -> Vec<String> {
    let address = address(store);
    let watched = || WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched().insert(address.clone(), Statements::new());
    f();
    let statements = watched().remove(&address).unwrap();
    statements.into_values().filter(|text| is_asked(text)).map(|text| whole(&text)).collect()
}

/// How many statements run on a store while `f` does.
pub fn count(store: &Store, f: impl FnOnce()) -> usize {
    let address = schema(&address(store)).to_owned();
    let counted = || COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    counted().insert(address.clone(), 0);
    f();
    counted().remove(&address).unwrap()
}

/// What looks for rows: a plain insert looks for none.
fn is_asked(text: &str) -> bool {
    let text = text.trim_start().to_uppercase();
    let looks = ["SELECT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| text.starts_with(verb));
    looks || text.starts_with("INSERT") && text.contains("SELECT")
}

/// The statement with its values in place of their marks.
fn whole(text: &str) -> String {
    let Some((sql, binds)) = text.rsplit_once(BINDS) else { return text.to_owned() };
    let binds = binds.trim();
    let values: Vec<&str> =
        split(binds.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default());
    let (mut out, mut next, mut quoted) = (String::new(), 0, false);
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        quoted ^= c == '\'' || c == '"' || c == '`';
        if quoted || !matches!(c, '?' | '$') {
            out.push(c);
            continue;
        }
        let mut number = String::new();
        while let Some(digit) = rest.peek().filter(|next| next.is_ascii_digit()) {
            number.push(*digit);
            rest.next();
        }
        let place = number.parse::<usize>().map_or(next, |n| n - 1);
        next = place + 1;
        let is_list = out.ends_with("ANY(") || rest.clone().take(2).eq("::".chars());
        out.push_str(
            &values.get(place).map_or_else(|| "NULL".to_owned(), |value| literal(value.trim(), is_list)),
        );
    }
    out
}

/// The members of a list as `Debug` writes it.
fn split(list: &str) -> Vec<&str> {
    let (mut out, mut depth, mut quoted, mut escaped, mut from) = (Vec::new(), 0_i32, false, false, 0);
    for (at, c) in list.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' | '(' | '{' if !quoted => depth += 1,
            ']' | ')' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                out.push(list.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    let rest = list.get(from..).unwrap_or_default();
    if !rest.trim().is_empty() {
        out.push(rest);
    }
    out
}

/// A value as SQL writes it: a list of numbers is bytes, unless the statement takes a list there.
fn literal(value: &str, is_list: bool) -> String {
    if let Some(inner) = value.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')) {
        return literal(inner, is_list);
    }
    if let Some(inner) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let members = split(inner).into_iter().map(str::trim);
        if is_list {
            let members: Vec<String> = members.map(|member| literal(member, false)).collect();
            return if members.is_empty() {
                "'{}'".to_owned()
            } else {
                format!("ARRAY[{}]", members.join(", "))
            };
        }
        let bytes: Vec<u8> = members.map(|member| member.parse().unwrap()).collect();
        return format!("X'{}'", hex::encode(bytes));
    }
    match value {
        "None" => "NULL".to_owned(),
        "true" | "false" => value.to_uppercase(),
        text if text.starts_with('"') => {
            let plain = serde_json::from_str(text).unwrap_or_else(|_odd| text.trim_matches('"').to_owned());
            format!("'{}'", plain.replace('\'', "''"))
        }
        number if number.parse::<f64>().is_ok() => number.to_owned(),
        other => panic!("a value that SQL cannot say: {other}"),
    }
}

#[derive(QueryableByName)]
struct Detail {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// Runs statements as they are, in a transaction.
pub fn run(tx: &mut crate::Tx<'_>, sql: &str) {
    super::conn::on!(&mut *tx.conn, |conn| conn.batch_execute(sql))
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// What is wrong with the plan of a statement: it walks a growing table, or sorts what it found there. `most` is how
/// many rows it may look at, where the database counts them (PostgreSQL).
fn faults(conn: &mut Conn, statement: &str, most: f64) -> Vec<String> {
    match conn {
        Conn::Sqlite(conn) => {
            let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<Detail>(conn);
            let plan = plan.unwrap_or_else(|error| panic!("{error}: {statement}"));
            let steps: Vec<&str> = plan.iter().map(|step| step.detail.as_str()).collect();
            [walks(&steps, statement), passes_over(&steps, statement)].concat()
        }
        Conn::Pg(conn) => {
            let statement = statement.replace("X'", "'\\x");
            let mut lines = Vec::new();
            // Nothing of it stays.
            let done = conn.transaction::<(), diesel::result::Error, _>(|conn| {
                diesel::sql_query("SET LOCAL enable_seqscan = off").execute(conn)?;
                let asked = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}");
                lines = diesel::sql_query(asked).load::<Line>(conn)?;
                Err(diesel::result::Error::RollbackTransaction)
            });
            match done {
                Err(diesel::result::Error::RollbackTransaction) => visits(&lines, most),
                Err(error) => panic!("{error}: {statement}"),
                Ok(()) => Vec::new(),
            }
        }
    }
}

/// Asks for the plan of each statement, and tells of those with faults.
pub fn each(store: &Store, statements: &[String], most: f64, mut report: impl FnMut(&str, &[String])) {
    let mut conn = crate::Opener { url: store.url().clone(), read_only: false }.open().unwrap();
    // As the server does by itself; SQLite plans without statistics, as in a running house.
    if let Conn::Pg(conn) = &mut conn {
        conn.batch_execute("ANALYZE").unwrap();
    }
    for statement in statements {
        let found = faults(&mut conn, statement, most);
        if !found.is_empty() {
            report(statement, &found);
        }
    }
}

/// Indexes that hold only what is not finished: walking one costs what there is to do.
fn holds_open_only(index: &str) -> bool {
    OPEN.contains(&index)
}

/// See [`holds_open_only`].
const OPEN: &[&str] = &[
    "alerts_queue",
    "alerts_snoozed",
    "alerts_late_reds",
    "alerts_one_open_episode",
    "alerts_unresolved",
    "alerts_unsettled",
    "alerts_owned",
    "audit_entries_waiting",
    "bindings_one_open",
    "commands_open",
    "commands_waiting",
    "escalations_due",
    "escalations_open",
    "escalations_spoiled",
    "escalations_unreached",
    "escalations_without_basis",
    "jobs_open",
    "lapses_open",
    "messages_due",
    "messages_due_to",
    "messages_sending",
    "messages_spoiled",
    "messages_unread",
    "messages_waiting",
    "moves_open",
    "sla_timers_due",
    "sla_timers_spoiled",
    "supersessions_open",
];

fn walks(steps: &[&str], statement: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open_only = true;
    for step in steps {
        let mut words = step.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let table = words.next().unwrap_or_default();
        let index = step.split("INDEX ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or("");
        let grows =
            GROWING.iter().any(|name| *name == table || statement.contains(&format!("{name} {table} ")));
        match verb {
            // The first rows in the order of the table, or of an index, whatever they are.
            "SCAN" if grows && statement.contains("LIMIT") && !statement.contains("WHERE") => {
                open_only = false
            }
            "SCAN" if grows && !holds_open_only(index) => faults.push((*step).to_owned()),
            "SCAN" | "SEARCH" if grows => open_only &= holds_open_only(index),
            "USE" if !open_only => faults.push((*step).to_owned()),
            _ => {}
        }
    }
    faults
}

/// Marks that a look goes by, each with the index of what bears it.
const MARKED: &[(&str, &str)] =
    &[("stands", "amendments_standing"), ("supersedes", "amendments_superseding")];

/// The steps of a look that goes by a mark and passes over what does not bear it.
fn passes_over(steps: &[&str], statement: &str) -> Vec<String> {
    let plain = statement.replace(['`', '"'], "");
    let (true, Some((_, condition))) = (plain.starts_with("SELECT"), plain.split_once(" WHERE ")) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for (_, index) in MARKED.iter().filter(|(mark, _)| condition.contains(&format!("amendments.{mark}"))) {
        let of_table = steps.iter().filter(|step| step.contains(" amendments "));
        faults.extend(of_table.filter(|step| !step.contains(index)).map(|step| (*step).to_owned()));
    }
    faults
}

/// Nodes of a plan that looked at more rows than `most`, or walked a growing table from end to end.
fn visits(lines: &[Line], most: f64) -> Vec<String> {
    let (mut faults, mut node) = (Vec::new(), String::new());
    let (mut rows, mut loops) = (0.0, 1.0);
    let mut all = lines.iter().map(|line| line.line.trim()).chain(["->  end (actual rows=0 loops=1)"]);
    for line in all.by_ref() {
        let number = |after: &str| {
            let rest = line.split(after).nth(1)?;
            rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.parse::<f64>().ok()
        };
        if line.contains("(actual ") || line.contains("(never executed)") {
            if rows * loops > most && node.contains("Scan") {
                faults.push(format!("{} rows: {node}", rows * loops));
            }
            node = line.to_owned();
            rows = number("rows=").unwrap_or(0.0);
            loops = number("loops=").unwrap_or(1.0);
            let walked = node.contains("Seq Scan on ")
                && GROWING.iter().any(|table| node.contains(&format!("Seq Scan on {table} ")));
            if walked {
                faults.push(node.clone());
            }
        } else if line.starts_with("Rows Removed by") {
            rows += number(": ").unwrap_or(0.0);
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_their_marks_stood() {
        let text =
            r#"SELECT `a`, '?' FROM t WHERE b = ? AND c IN (?, ?) LIMIT ? -- binds: ["it's", 1, None, 100]"#;
        assert_eq!(whole(text), "SELECT `a`, '?' FROM t WHERE b = 'it''s' AND c IN (1, NULL) LIMIT 100");
        let text = r#"SELECT 1 WHERE a = ANY($1) AND b > $2 -- binds: [["x", "y"], Some(3)]"#;
        assert_eq!(whole(text), "SELECT 1 WHERE a = ANY(ARRAY['x', 'y']) AND b > 3");
    }

    #[test]
    fn a_walk_and_a_sort_are_faults_where_a_search_and_an_open_index_are_none() {
        let faults = |steps: &[&str]| walks(steps, "SELECT").len();
        assert_eq!(faults(&["SCAN alerts"]), 1);
        assert_eq!(faults(&["SCAN messages USING COVERING INDEX messages_by_case"]), 1);
        assert_eq!(
            faults(&["SEARCH alerts USING INDEX alerts_resolved (x=?)", "USE TEMP B-TREE FOR ORDER BY"]),
            1
        );
        assert_eq!(faults(&["SCAN alerts USING INDEX alerts_queue", "USE TEMP B-TREE FOR GROUP BY"]), 0);
        assert_eq!(faults(&["SCAN settings"]), 0);
        let line = |text: &str| Line { line: text.to_owned() };
        let plan = [
            line("Index Scan using a on messages (actual rows=3 loops=1)"),
            line("  Rows Removed by Filter: 900"),
        ];
        assert_eq!(visits(&plan, 500.0).len(), 1);
        assert_eq!(visits(&plan, 1_000.0).len(), 0);
    }
}
