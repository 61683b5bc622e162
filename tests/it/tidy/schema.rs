//! Both backends have the same migrations, and after them the tables that `src/store/db/schema` tells diesel of:
//! the same columns, each with its kind and whether it may be empty.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use store::db::migrate;
use store::{Conn, Opener, Url};

/// Columns by `table.column`: the kind, and whether it may be empty.
type Columns = BTreeMap<String, (String, bool)>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

const SQLITE: &str = "SELECT t.name || '.' || c.name AS name, c.type AS kind, (c.\"notnull\" = 0 AND c.pk = 0) AS nullable \
     FROM sqlite_master t JOIN pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'";

const POSTGRES: &str = "SELECT (table_name || '.' || column_name)::text AS name, data_type::text AS kind, \
     is_nullable = 'YES' AS nullable FROM information_schema.columns \
     WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%'";

#[test]
fn both_backends_have_the_same_migrations() {
    let (sqlite, postgres) = migrate::names().unwrap();
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, postgres);
    // What runs is remembered by the digits alone: of two with the same, one would never run.
    let digits = |name: &String| name.split('_').next().unwrap_or_default().replace('-', "");
    let numbers: std::collections::BTreeSet<String> = sqlite.iter().map(digits).collect();
    assert_eq!(numbers.len(), sqlite.len());
}

#[test]
fn the_migrated_sqlite_has_the_tables_that_diesel_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut conn = Opener { url: Url::Sqlite(dir.path().join("zelo.db")), read_only: false }.open().unwrap();
    migrate::migrate(&mut conn).unwrap();
    let Conn::Sqlite(conn) = &mut conn else { panic!("SQLite was asked for") };
    let found = columns(sql_query(SQLITE).load(conn).unwrap());
    let kind = |told: &str| match told {
        "BigInt" | "Integer" | "SmallInt" | "Bool" => "INTEGER",
        "Binary" => "BLOB",
        "Double" => "REAL",
        "Text" => "TEXT",
        other => panic!("SQLite's kind for {other}: add it here"),
    };
    assert_same(&told(kind), &found);
}

#[test]
fn the_migrated_postgresql_has_the_tables_that_diesel_is_told_of() {
    #[expect(clippy::disallowed_methods, reason = "where the test server is, only the runner knows")]
    let Ok(server) = std::env::var("ZELO_TEST_POSTGRES") else {
        println!("skipped: ZELO_TEST_POSTGRES names no server (tests/run starts one)");
        return;
    };
    let mut conn = Opener { url: Url::parse(&server).unwrap(), read_only: false }.open().unwrap();
    let schema = format!("zelo_tidy_{}", std::process::id());
    conn.batch_execute(&format!("CREATE SCHEMA {schema}; SET search_path TO {schema}")).unwrap();
    let migrated = migrate::migrate(&mut conn);
    let Conn::Pg(conn) = &mut conn else { panic!("PostgreSQL was asked for") };
    let found = sql_query(POSTGRES).load(conn).map(columns);
    conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
    migrated.unwrap();
    let kind = |told: &str| match told {
        "BigInt" => "bigint",
        "Binary" => "bytea",
        "Bool" => "boolean",
        "Double" => "double precision",
        "Integer" => "integer",
        "SmallInt" => "smallint",
        "Text" => "text",
        other => panic!("PostgreSQL's kind for {other}: add it here"),
    };
    assert_same(&told(kind), &found.unwrap());
}

fn columns(rows: Vec<Column>) -> Columns {
    rows.into_iter().map(|row| (row.name, (row.kind, row.nullable))).collect()
}

/// What `schema` tells diesel, with each kind named as the backend names it.
fn told(kind: impl Fn(&str) -> &'static str) -> Columns {
    let schema = [
        include_str!("../../../src/store/db/schema/mod.rs"),
        include_str!("../../../src/store/db/schema/deadlines.rs"),
        include_str!("../../../src/store/db/schema/files.rs"),
        include_str!("../../../src/store/db/schema/series.rs"),
        include_str!("../../../src/store/db/schema/log.rs"),
    ]
    .join("\n");
    let (mut columns, mut table, mut renamed) = (Columns::new(), String::new(), None);
    for line in schema.lines().map(str::trim).filter(|line| !line.contains("joinable!")) {
        if let Some((name, _)) = line.split_once(" (").filter(|(_, rest)| rest.ends_with(") {")) {
            table = name.to_owned();
        } else if let Some(name) = line.strip_prefix("#[sql_name = \"") {
            renamed = Some(name.trim_end_matches("\"]").to_owned());
        } else if let Some((name, diesel_kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = diesel_kind.strip_prefix("Nullable<").map(|inner| inner.trim_end_matches('>'));
            let name = renamed.take().unwrap_or_else(|| name.to_owned());
            let told = (kind(inner.unwrap_or(diesel_kind)).to_owned(), inner.is_some());
            assert!(
                columns.insert(format!("{table}.{name}"), told).is_none(),
                "{table}.{name} is told twice"
            );
        }
    }
    columns
}

fn assert_same(told: &Columns, found: &Columns) {
    assert!(told.len() > 100, "the schema was not read: {} columns", told.len());
    let mut complaints = vec![];
    for name in told.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>() {
        if told.get(name) != found.get(name) {
            complaints.push(format!("{name}: told {:?}, found {:?}", told.get(name), found.get(name)));
        }
    }
    super::none(&complaints);
}
