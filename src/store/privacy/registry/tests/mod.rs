//! The registry against the migrated databases, the sources and the page about LGPD: what one has and the other has not.

mod erased;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};

use super::{Form, Holding, Whose, holding, holdings};
use crate::testing::bare;
use crate::{Conn, Store};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

const SQLITE: &str = "SELECT t.name AS of, c.name AS name, c.type AS kind \
     FROM sqlite_master t JOIN pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'";

const POSTGRES: &str = "SELECT table_name::text AS of, column_name::text AS name, data_type::text AS kind \
     FROM information_schema.columns \
     WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%'";

/// Names of columns that point at a person or say who they are: whole, or behind an underscore.
const PERSONAL: [&str; 33] = [
    "actor",
    "actor_id",
    "approver",
    "asker",
    "author",
    "by",
    "covers",
    "cpf",
    "cns",
    "device",
    "device_id",
    "device_key",
    "email",
    "giver",
    "identity",
    "email_index",
    "owner",
    "password",
    "patient",
    "patient_id",
    "patient_key",
    "people",
    "person",
    "phone",
    "recipient",
    "secret",
    "subject",
    "taker",
    "user",
    "user_id",
    "user_key",
    "viewer",
    "whom",
];

/// Table and column.
type Stored = (&'static str, &'static str);

/// Where a blob is sealed for another place than the column that stores it.
const ELSEWHERE: [(Stored, Stored); 1] = [(("devices", "charge"), ("device_charges", "level"))];

fn columns(store: &Store) -> Vec<Column> {
    let found = store.read(|view| {
        Ok(match &mut *view.conn {
            Conn::Sqlite(conn) => sql_query(SQLITE).load(conn)?,
            Conn::Pg(conn) => sql_query(POSTGRES).load(conn)?,
        })
    });
    found.unwrap()
}

fn none<T: Debug>(complaints: &[T]) {
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_table_of_the_database_is_in_the_registry_once_and_no_other() {
    for store in bare() {
        let found: BTreeSet<String> = columns(&store).into_iter().map(|column| column.of).collect();
        assert!(found.len() > 50, "the schema was not read: {} tables", found.len());
        let listed: Vec<String> = holdings().map(|holding| holding.table.to_owned()).collect();
        assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), found);
        assert_eq!(listed.len(), found.len(), "one entry a table");
    }
}

#[test]
fn every_column_of_the_registry_is_in_the_database_and_named_once() {
    for store in bare() {
        let found: BTreeSet<(String, String)> =
            columns(&store).into_iter().map(|column| (column.of, column.name)).collect();
        let listed: Vec<(&str, &str)> = holdings()
            .flat_map(|holding| holding.columns.iter().map(|column| (holding.table, column.name)))
            .collect();
        let unknown =
            |(table, name): &&(&str, &str)| !found.contains(&((*table).to_owned(), (*name).to_owned()));
        none(&listed.iter().filter(unknown).collect::<Vec<_>>());
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "one form a column");
    }
}

#[test]
fn every_blob_is_in_the_registry_with_its_form() {
    for store in bare() {
        let blobs: Vec<Column> =
            columns(&store).into_iter().filter(|one| matches!(&*one.kind, "BLOB" | "bytea")).collect();
        assert!(blobs.len() > 30, "the schema was not read: {} blobs", blobs.len());
        let without = |one: &&Column| holding(&one.of).and_then(|of| of.column(&one.name)).is_none();
        let missing: Vec<String> =
            blobs.iter().filter(without).map(|one| format!("{}.{}", one.of, one.name)).collect();
        none(&missing);
    }
}

#[test]
fn every_column_that_points_at_a_person_is_in_the_registry() {
    for store in bare() {
        let mut missing = Vec::new();
        for Column { of, name, .. } in columns(&store) {
            let personal = PERSONAL.iter().any(|word| name == *word || name.ends_with(&format!("_{word}")));
            if personal && holding(&of).and_then(|of| of.column(&name)).is_none() {
                missing.push(format!("{of}.{name}"));
            }
        }
        none(&missing);
    }
}

#[test]
fn a_table_is_nobodys_only_if_none_of_its_columns_is_personal() {
    let personal = |form: &Form| !matches!(form, Form::NotPersonal(_) | Form::Proof(_));
    let wrong = |holding: &&Holding| {
        let whose = holding.columns.iter().any(|column| personal(&column.form));
        (holding.whose == Whose::Nobody && whose)
            || (holding.whose == Whose::Nobody) != (holding.ends == super::Ends::NotPersonal)
    };
    none(&holdings().filter(wrong).map(|holding| holding.table).collect::<Vec<_>>());
}

#[test]
fn what_the_code_seals_is_sealed_in_the_registry_and_nothing_else_is() {
    let places = places();
    assert!(places.len() >= 20, "the sources were not read: {places:?}");
    let listed: BTreeSet<(String, String)> = holdings()
        .flat_map(|holding| holding.columns.iter().map(move |column| (holding.table, column)))
        .filter(|(_, column)| matches!(column.form, Form::Sealed(..)))
        .map(|(table, column)| (table.to_owned(), column.name.to_owned()))
        .collect();
    assert_eq!(places, listed);
}

#[test]
fn the_functions_that_remove_by_age_are_there_and_none_is_left_out() {
    let sources = sources();
    let mut named = BTreeSet::new();
    let mut lost = Vec::new();
    for (table, path) in holdings().filter_map(|holding| Some((holding.table, holding.retention?))) {
        let (module, function) = path.rsplit_once("::").unwrap();
        let file = module.replace("::", "/");
        let text = sources.get(&format!("{file}.rs")).or_else(|| sources.get(&format!("{file}/mod.rs")));
        if !text.is_some_and(|text| text.contains(&format!(" fn {function}("))) {
            lost.push((table, path));
        }
        named.insert(format!("{file}.rs"));
    }
    none(&lost);
    let prunes = |text: &str| text.contains("oldest!(tx");
    let left_out: Vec<&String> = sources
        .iter()
        .filter(|(file, text)| prunes(text) && !named.contains(*file))
        .map(|(file, _)| file)
        .collect();
    none(&left_out);
}

#[test]
fn the_page_about_lgpd_lists_what_the_registry_holds() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LGPD.md");
    let page = fs::read_to_string(page).unwrap();
    for whose in [Whose::Patient, Whose::Staff, Whose::Both, Whose::Nobody] {
        let tables: BTreeSet<&str> =
            holdings().filter(|holding| holding.whose == whose).map(|holding| holding.table).collect();
        let tables: Vec<String> = tables.into_iter().map(|table| format!("`{table}`")).collect();
        let row = format!("| {whose:?} | {} |", tables.join(", "));
        assert!(page.lines().any(|line| line == row), "docs/LGPD.md lacks the row\n{row}");
    }
}

/// Table and column of each place that the program seals for: `Place::new("table", "column", …)`, or with the column
/// handed to a function `place` or `seal` of the same file.
fn places() -> BTreeSet<(String, String)> {
    let mut places = BTreeSet::new();
    for (file, text) in sources() {
        for at in text.split("Place::new(").skip(1) {
            let (table, rest) = literal(at).unwrap_or_else(|| panic!("{file}: a place without its table"));
            let found = match literal(rest.trim_start_matches(',')) {
                Some((column, _)) => vec![column.to_owned()],
                None => handed(&text),
            };
            assert!(!found.is_empty(), "{file}: which columns of {table} are sealed?");
            for column in found {
                let place = (table, column.as_str());
                let moved = ELSEWHERE.iter().find(|(sealed, _)| *sealed == place);
                let (table, column) = moved.map_or(place, |(_, stored)| *stored);
                places.insert((table.to_owned(), column.to_owned()));
            }
        }
    }
    places
}

/// The columns that a file hands to its own `place` or `seal`.
fn handed(text: &str) -> Vec<String> {
    [" place(", "(place(", "seal(tx,"]
        .iter()
        .flat_map(|call| text.split(call).skip(1))
        .filter_map(literal)
        .map(|(column, _)| column.to_owned())
        .collect()
}

/// A string literal at the beginning of a text, and what follows.
fn literal(text: &str) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix('"')?.split_once('"')
}

/// The sources of this crate by their path in it, without tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if name != "tests" && name != "target" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "testing.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("\nmod tests {").next().unwrap_or_default().to_owned();
                let path = path.strip_prefix(root).unwrap();
                let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
                found.insert(parts.join("/"), text);
            }
        }
    }
    found
}
