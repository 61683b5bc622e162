//! Consistent snapshots without keys: SQLite writes a copy of itself; of PostgreSQL every table is read in one
//! repeatable-read transaction, a JSON object a row. Sealed values stay sealed: a snapshot opens nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::conn::{Conn, Opener, Url};
use super::error::{Error, Result};
use super::migrate;
use domain::Instant;

/// The manifest's file name.
pub(crate) const MANIFEST: &str = "manifest.json";
const SQLITE_FILE: &str = "zelo.db";

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this file; 1.
    pub format: u32,
    /// When the snapshot began.
    pub taken_at: Instant,
    /// `sqlite` or `postgres`: a snapshot goes back into the same.
    pub backend: String,
    /// The newest schema version in it.
    pub schema: String,
    /// Every file, in the order in which it goes back.
    pub files: Vec<Listed>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Writes a snapshot into a directory that must be empty.
///
/// # Errors
/// The database or the disk refuses.
pub fn take(url: &Url, dir: &Path, now: Instant) -> Result<Manifest> {
    let mut conn = open(url)?;
    let schema = migrate::newest(&mut conn)?;
    let (backend, names) = match &mut conn {
        Conn::Sqlite(conn) => {
            let path = dir.join(SQLITE_FILE).to_string_lossy().replace('\'', "''");
            conn.batch_execute(&format!("VACUUM INTO '{path}'"))?;
            ("sqlite", vec![SQLITE_FILE.to_owned()])
        }
        Conn::Pg(conn) => ("postgres", dump(conn, dir)?),
    };
    let files = names.into_iter().map(|name| list(dir, name)).collect::<Result<_>>()?;
    let manifest = Manifest { format: 1, taken_at: now, backend: backend.to_owned(), schema, files };
    let json = serde_json::to_vec_pretty(&manifest).map_err(|_shape| Error::corrupt("a manifest"))?;
    std::fs::write(dir.join(MANIFEST), json).map_err(|source| io(dir, source))?;
    Ok(manifest)
}

/// Reads a manifest and holds every file against it.
///
/// # Errors
/// A file is missing or is not what was written: names it.
pub fn check(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    let json = std::fs::read(&path).map_err(|source| io(&path, source))?;
    let manifest: Manifest = serde_json::from_slice(&json).map_err(|_shape| Error::corrupt(MANIFEST))?;
    if manifest.format != 1 {
        return Err(Error::Schema(format!(
            "the snapshot has form {}: use the newer program",
            manifest.format
        )));
    }
    named(&manifest)?;
    for file in &manifest.files {
        let kind = std::fs::symlink_metadata(dir.join(&file.name)).map_err(|source| io(dir, source))?;
        if !kind.is_file() {
            return Err(Error::Open(format!(
                "{} is no plain file: a snapshot holds nothing else",
                file.name
            )));
        }
        if list(dir, file.name.clone())? != *file {
            return Err(Error::Open(format!("{} is not what the snapshot's manifest says", file.name)));
        }
    }
    Ok(manifest)
}

/// Every name is one that a snapshot of this backend gives, once: it leads nowhere else.
fn named(manifest: &Manifest) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for file in &manifest.files {
        let table = file.name.strip_suffix(".jsonl").unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let fits = match manifest.backend.as_str() {
            "sqlite" => file.name == SQLITE_FILE,
            _ => !table.is_empty() && table.chars().all(plain),
        };
        if !fits || !seen.insert(&file.name) {
            return Err(Error::Open(format!("{:?} is not a file of a snapshot", file.name)));
        }
    }
    if seen.is_empty() { Err(Error::Open("the snapshot lists no file".into())) } else { Ok(()) }
}

/// Puts a snapshot into an empty database.
///
/// # Errors
/// It is of the other backend, the database is not empty, or refuses.
pub fn put_back(from: &Path, manifest: &Manifest, url: &Url) -> Result<()> {
    match (url, manifest.backend.as_str()) {
        (Url::Sqlite(path), "sqlite") if !path.exists() => {
            std::fs::copy(from.join(SQLITE_FILE), path).map_err(|source| io(path, source))?;
            let copy = File::open(path).map_err(|source| io(path, source))?;
            copy.sync_all().map_err(|source| io(path, source))
        }
        (Url::Sqlite(_), "sqlite") => {
            Err(Error::Conflict("the database is not empty: restore into an empty data directory"))
        }
        (Url::Postgres(_), "postgres") => load(from, manifest, &mut open(url)?),
        _ => Err(Error::Conflict(
            "a snapshot of SQLite goes back into SQLite, one of PostgreSQL into PostgreSQL",
        )),
    }
}

fn open(url: &Url) -> Result<Conn> {
    Opener { url: url.clone(), read_only: false }.open().map_err(|error| Error::Open(error.to_string()))
}

fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io { what: format!("the snapshot's file {} cannot be used", path.display()), source }
}

fn list(dir: &Path, name: String) -> Result<Listed> {
    let path = dir.join(&name);
    let mut file = File::open(&path).map_err(|source| io(&path, source))?;
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0_u8; 65_536];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(|source| io(&path, source))?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        bytes += u64::try_from(read).unwrap_or(0);
    }
    Ok(Listed { name, bytes, sha256: hex::encode(hash.finish()) })
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Tables in the order in which they were made, so that what is referred to goes back first.
fn tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    let rows: Vec<Line> = diesel::sql_query(
        "SELECT c.relname::text AS line FROM pg_class c WHERE c.relkind = 'r' \
         AND c.relnamespace = current_schema()::regnamespace ORDER BY c.oid",
    )
    .load(conn)?;
    Ok(rows.into_iter().map(|row| row.line).collect())
}

fn dump(conn: &mut PgConnection, dir: &Path) -> Result<Vec<String>> {
    conn.build_transaction().repeatable_read().read_only().run(|conn| {
        let mut names = Vec::new();
        for table in tables(conn)? {
            let name = format!("{table}.jsonl");
            let path = dir.join(&name);
            let mut file = BufWriter::new(File::create(&path).map_err(|source| io(&path, source))?);
            conn.batch_execute(&format!(
                "DECLARE rows NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS line FROM \"{table}\" t"
            ))?;
            loop {
                let lines: Vec<Line> = diesel::sql_query("FETCH 2000 FROM rows").load(conn)?;
                if lines.is_empty() {
                    break;
                }
                for Line { line } in &lines {
                    writeln!(file, "{line}").map_err(|source| io(&path, source))?;
                }
            }
            conn.batch_execute("CLOSE rows")?;
            file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|source| io(&path, source))?;
            names.push(name);
        }
        Ok(names)
    })
}

const MIGRATIONS: &str = "__diesel_schema_migrations";

fn load(from: &Path, manifest: &Manifest, conn: &mut Conn) -> Result<()> {
    migrate::migrate(conn)?;
    if migrate::newest(conn)? != manifest.schema {
        return Err(Error::Schema(format!(
            "the snapshot has schema {}: restore it with the program that made it, then migrate",
            manifest.schema
        )));
    }
    let Conn::Pg(conn) = conn else { return Err(Error::Conflict("not PostgreSQL")) };
    conn.transaction(|conn| {
        let known = tables(conn)?;
        for file in &manifest.files {
            let table =
                file.name.strip_suffix(".jsonl").filter(|table| known.iter().any(|name| name == table));
            let table = table.ok_or(Error::corrupt("a table's name in the snapshot"))?;
            if table == MIGRATIONS {
                continue;
            }
            let found: Count =
                diesel::sql_query(format!("SELECT count(*) AS count FROM \"{table}\"")).get_result(conn)?;
            if found.count > 0 {
                return Err(Error::Conflict("the database is not empty: restore into an empty one"));
            }
            let path = from.join(&file.name);
            let lines = BufReader::new(File::open(&path).map_err(|source| io(&path, source))?).lines();
            let insert = format!(
                "INSERT INTO \"{table}\" SELECT * FROM json_populate_record(NULL::\"{table}\", $1::json)"
            );
            for line in lines {
                let line = line.map_err(|source| io(&path, source))?;
                diesel::sql_query(&insert).bind::<Text, _>(line).execute(conn)?;
            }
            count_on(conn, table)?;
        }
        Ok(())
    })
}

/// Numbers given from now on follow those that came back.
fn count_on(conn: &mut PgConnection, table: &str) -> Result<()> {
    let columns: Vec<Line> = diesel::sql_query(
        "SELECT column_name::text AS line FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'YES'",
    )
    .bind::<Text, _>(table)
    .load(conn)?;
    for Line { line: column } in columns {
        conn.batch_execute(&format!(
            "SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column}'), \
             coalesce((SELECT max(\"{column}\") FROM \"{table}\"), 0) + 1, false)"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::db::settings;
    use crate::keys::kek::Keks;
    use crate::testing::{NOW, bare, stores};

    #[test]
    fn a_snapshot_goes_back_whole_and_an_altered_one_is_refused_by_name() {
        for (store, empty) in stores().into_iter().zip(bare()) {
            let out = tempfile::tempdir().unwrap();
            let manifest = take(store.url(), out.path(), NOW).unwrap();
            assert_eq!(check(out.path()).unwrap(), manifest);
            let target = match empty.url() {
                Url::Sqlite(path) => Url::Sqlite(path.with_file_name("back.db")),
                postgres @ Url::Postgres(_) => {
                    // Opening it wrote down the epoch of its own key.
                    open(postgres).unwrap().batch_execute("TRUNCATE kek_epochs CASCADE").unwrap();
                    postgres.clone()
                }
            };
            put_back(out.path(), &manifest, &target).unwrap();
            let back = Store::open(&target, Keks::load(&store.dir().join("keys")).unwrap()).unwrap();
            let instance = |store: &Store| store.read(|v| settings::get(v, settings::INSTANCE)).unwrap();
            assert_eq!(instance(&back), instance(&store));
            assert!(matches!(put_back(out.path(), &manifest, &target), Err(Error::Conflict(_))));
            let first = out.path().join(&manifest.files.last().unwrap().name);
            let mut bytes = std::fs::read(&first).unwrap();
            bytes.push(0);
            std::fs::write(&first, bytes).unwrap();
            let refused = check(out.path()).unwrap_err().to_string();
            assert!(refused.contains(&manifest.files.last().unwrap().name), "{refused}");
        }
    }
}
