//! A fresh, initialised database per test: SQLite always, and PostgreSQL when `ZELO_TEST_POSTGRES` holds the
//! URL of a server on which a schema may be created. Dropping it removes what it made.

#![expect(clippy::unwrap_used, reason = "these are tests' own, and panic as tests do")]

use std::ops::Deref;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::db::schema::audit_entries;
use super::keys::kek::Keks;
use super::{Class, Opener, Store, Subject, Url};
use domain::Instant;

/// The instant at which tests begin: 2026-11-22T12:00:00Z.
pub const NOW: Instant = Instant::from_secs(1_795_348_800);

/// A store that lives as long as its test.
pub struct Home {
    store: Store,
    dir: tempfile::TempDir,
    schema: Option<(Opener, String)>,
}

impl Deref for Home {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Home {
    /// The directory that holds the keys, and SQLite's file.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The same database, opened again with the keys on disk.
    pub fn reopened(&self) -> super::Result<Store> {
        Store::open(self.store.url(), Keks::load(&self.dir().join("keys"))?)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some((opener, schema)) = &self.schema {
            let gone =
                opener.open().map(|mut conn| conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")));
            drop(gone);
        }
    }
}

/// One initialised store per backend at hand.
pub fn stores() -> Vec<Home> {
    bare()
        .into_iter()
        .inspect(|home| super::db::init::initialise(home, &consent::Controller::demo(), NOW).unwrap())
        .collect()
}

/// As [`stores`], but only migrated.
pub fn bare() -> Vec<Home> {
    let mut homes = vec![sqlite()];
    homes.extend(postgres());
    homes
}

/// Grants everything that calling people about a patient leans on.
pub fn grant_calls(tx: &mut super::Tx<'_>, patient: domain::PatientId) -> super::Result<()> {
    super::consents::permits::CHAIN.into_iter().try_for_each(|purpose| grant_one(tx, patient, purpose))
}

/// Grants one purpose by the current term, by the patient.
pub fn grant_one(
    tx: &mut super::Tx<'_>,
    patient: domain::PatientId,
    purpose: consent::Purpose,
) -> super::Result<()> {
    let term = super::consents::terms::current(tx, purpose)?.remove(0);
    let hash = hex::decode(term.text_sha256).unwrap().try_into().unwrap();
    let by = consent::Giver::Subject.into();
    super::consents::grant(tx, patient, purpose, consent::Grant::of(hash), &by).map(drop)
}

/// Makes every chunk unreadable that begins after an instant.
pub fn spoil_chunks(store: &Store, after: Instant) -> usize {
    let sql =
        format!("UPDATE chunks SET sealed = substr(sealed, 1, 20) WHERE span_from > {}", after.micros());
    let spoil = |tx: &mut super::Tx<'_>| Ok(diesel::sql_query(&sql).execute(tx.conn)?);
    store.keep_house(super::Urgency::Patient, "test", NOW, spoil).unwrap()
}

/// From now on a table takes no row, as on a full disk; [`make_room`] ends it.
pub fn fill_disk(store: &Store, table: &str) {
    let sqlite = format!(
        "CREATE TRIGGER full_disk BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    );
    let postgres = format!(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION \
         'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_disk()"
    );
    let sql = if store.url().file().is_some() { sqlite } else { postgres };
    let done = |tx: &mut super::Tx<'_>| Ok(tx.conn.batch_execute(&sql)?);
    store.keep_house(super::Urgency::Urgent, "test", NOW, done).unwrap();
}

/// Undoes [`fill_disk`].
pub fn make_room(store: &Store, table: &str) {
    let on = if store.url().file().is_some() { String::new() } else { format!(" ON {table}") };
    let sql = format!("DROP TRIGGER full_disk{on}");
    let done = |tx: &mut super::Tx<'_>| Ok(tx.conn.batch_execute(&sql)?);
    store.keep_house(super::Urgency::Urgent, "test", NOW, done).unwrap();
}

/// Ties a user to a patient whatever their role, so that they may see that patient alone.
pub fn tie(store: &Store, user: domain::UserId, patient: domain::PatientId) {
    use super::db::schema::users;
    let tied = |tx: &mut super::Tx<'_>| {
        diesel::update(users::table.find(user.to_string()))
            .set(users::patient_id.eq(Some(patient.to_string())))
            .execute(tx.conn)?;
        Ok(())
    };
    store.keep_house(super::Urgency::Urgent, "test", NOW, tied).unwrap();
}

/// A session of another program, whatever it is called, that did `sql` and does nothing more; it ends when it is
/// dropped.
pub fn foreign(store: &Store, sql: &str) -> super::Conn {
    let mut conn = Opener { url: store.url().clone(), read_only: false }.open().unwrap();
    if let super::Conn::Pg(conn) = &mut conn {
        conn.batch_execute(
            "SELECT pg_advisory_unlock_all(); SET application_name = 'zelo-report'; \
                 SET idle_in_transaction_session_timeout = 0",
        )
        .unwrap();
    }
    conn.batch_execute(sql).unwrap();
    conn
}

/// Gives this process the first number among the nodes, unless it has it.
pub fn seated(store: &Store) {
    use super::health::nodes::{self, Node};
    let own = Node { id: store.name().to_owned(), home: "test".into(), number: Some(0) };
    store
        .keep_house(super::Urgency::Urgent, "test", NOW, |tx| {
            nodes::take(tx, &own, nodes::Clocks::agree(NOW))
        })
        .unwrap();
}

/// How many entries of a kind wait for the log.
pub fn entries(store: &Store, kind: &str) -> i64 {
    let entries = audit_entries::table.filter(audit_entries::kind.eq(kind)).count();
    store.read(|view| Ok(entries.get_result(view.conn)?)).unwrap()
}

/// The snapshot of `store` in another, empty database, with the same keys.
pub fn put_back(store: &Store, keys: &std::path::Path, from: &std::path::Path, empty: &Store) -> Store {
    use super::Conn;
    use super::db::snapshot;
    let manifest = snapshot::check(from).unwrap();
    let target = match empty.url() {
        Url::Sqlite(path) => Url::Sqlite(path.with_file_name("back.db")),
        postgres @ Url::Postgres(_) => {
            // Opening it wrote down the epoch of its own key.
            let emptied = empty.keep_house(super::Urgency::Patient, "test", NOW, |tx| {
                if let Conn::Pg(conn) = &mut *tx.conn {
                    conn.batch_execute("TRUNCATE kek_epochs CASCADE")?;
                }
                Ok(())
            });
            emptied.unwrap();
            postgres.clone()
        }
    };
    assert_ne!(store.url(), &target);
    snapshot::put_back(from, &manifest, &target).unwrap();
    Store::open(&target, Keks::load(keys).unwrap()).unwrap()
}

/// Destroys every key that a subject has, as an erasure does.
pub fn destroy_keys(store: &Store, subject: Subject) {
    let destroyed = store.write(super::Actor::Operator, NOW, |tx| {
        for class in Class::ALL {
            match super::keys::destroy(tx, subject, class) {
                Err(super::Error::NotFound(_)) => {}
                destroyed => destroyed?,
            }
        }
        Ok(())
    });
    destroyed.unwrap();
}

fn sqlite() -> Home {
    let dir = keys();
    Home { store: Store::open_dir(dir.path()).unwrap(), dir, schema: None }
}

fn postgres() -> Option<Home> {
    #[expect(clippy::disallowed_methods, reason = "where the test server is, only the runner knows")]
    let server = std::env::var("ZELO_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
    let dir = keys();
    let schema = format!("zelo_{}", uuid::Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext)).simple());
    let opener = Opener { url: Url::parse(&server).unwrap(), read_only: false };
    opener.open().unwrap().batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    let joint = if server.contains('?') { '&' } else { '?' };
    let url = Url::parse(&format!("{server}{joint}options=-csearch_path%3D{schema}")).unwrap();
    let store = Store::open_migrated(&url, Keks::load(&dir.path().join("keys")).unwrap()).unwrap();
    Some(Home { store, dir, schema: Some((opener, schema)) })
}

fn keys() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    Keks::generate(&keys, 1).unwrap();
    dir
}
