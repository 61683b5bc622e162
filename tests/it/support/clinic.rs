//! An invented clinic in this process: beds with a patient, a device and consent, on SQLite, and on PostgreSQL too
//! where `ZELO_TEST_POSTGRES` holds a server's URL, in a schema of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use consent::{Context, Controller, Datum, Giver, Grant, Permit, Purpose, Request, Typed};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl};
use domain::people::token::Signer;
use domain::{Clock, Cpf, DeviceId, DeviceIdentity, Instant, Name, PatientId, PatientIdentity, Signal};
use mqtt::gateway::TlsOptions;
use notify::{InApp, Post};
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use store::consents::{self, terms};
use store::db::init;
use store::devices::{self, bindings};
use store::health::nodes::Clocks;
use store::keys::kek::Keks;
use store::keys::signing;
use store::patients::audience::Audience;
use store::readings::{self, quarantine};
use store::{Actor, Opener, Result, Store, Tx, Url, View, audit, patients};
use zelo::app::{House, Options, Signers};

/// How long ago beds were filled: readings since then are taken.
pub(crate) const SINCE: Duration = Duration::from_secs(60 * 3_600);

#[derive(Clone)]
pub(crate) struct Bed {
    pub patient: PatientId,
    pub patient_key: i64,
    pub device: DeviceId,
    pub token: String,
}

impl Bed {
    pub(crate) fn topic(&self) -> String {
        format!("zelo/v1/devices/{}/telemetry", self.device)
    }

    pub(crate) fn client(&self, house: &House) -> (AsyncClient, EventLoop) {
        let address = house.gateway.local_addr();
        self.client_of(&address.ip().to_string(), address.port())
    }

    pub(crate) fn client_of(&self, host: &str, port: u16) -> (AsyncClient, EventLoop) {
        let mut options = MqttOptions::new("bed", host, port);
        options.set_credentials(self.device.to_string(), self.token.clone());
        AsyncClient::new(options, 100)
    }
}

pub(crate) struct Clinic {
    pub dir: Arc<tempfile::TempDir>,
    pub store: Store,
    pub tokens: Arc<Signer>,
    pub beds: Vec<Bed>,
    schema: Option<(Opener, String)>,
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    told: String,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Clinic {
    /// One clinic per backend at hand.
    pub(crate) fn each(beds: usize) -> Vec<Self> {
        std::iter::once(Self::sqlite(beds)).chain(Self::postgres(beds)).collect()
    }

    pub(crate) fn sqlite(beds: usize) -> Self {
        let dir = keys();
        let url = Url::Sqlite(dir.path().join("zelo.db"));
        Self::open(dir, &url, None, beds)
    }

    /// `None` without a server.
    pub(crate) fn postgres(beds: usize) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "where the test server is, only the runner knows")]
        let server = std::env::var("ZELO_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
        let schema = format!("zelo_it_{}", DeviceId::new(Clock::System.now()).0.simple());
        let opener = Opener { url: Url::parse(&server).unwrap(), read_only: false };
        opener.open().unwrap().batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = Url::parse(&format!("{server}{joint}options=-csearch_path%3D{schema}")).unwrap();
        Some(Self::open(keys(), &url, Some((opener, schema)), beds))
    }

    fn open(dir: tempfile::TempDir, url: &Url, schema: Option<(Opener, String)>, beds: usize) -> Self {
        let keys = dir.path().join("keys");
        let store = Store::open_migrated(url, Keks::load(&keys).unwrap()).unwrap();
        let now = Clock::System.now();
        init::initialise(&store, &Controller::demo(), now).unwrap();
        let tokens = Arc::new(signing::load(&keys).unwrap());
        let beds = (0..beds).map(|_| enrol(&store, &tokens, now)).collect();
        Self { dir: Arc::new(dir), store, tokens, beds, schema }
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    pub(crate) fn backend(&self) -> &'static str {
        if self.schema.is_some() { "postgres" } else { "sqlite" }
    }

    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_ref().map(|(_, schema)| schema.as_str())
    }

    /// The database as another node opens it.
    pub(crate) fn again(&self) -> Store {
        Store::open(self.store.url(), Keks::load(&self.keys()).unwrap()).unwrap()
    }

    pub(crate) async fn house(&self, store: &Store) -> House {
        self.house_with(store, None).await
    }

    pub(crate) async fn house_with(&self, store: &Store, mqtt_tls: Option<TlsOptions>) -> House {
        let post = Post { channels: vec![Arc::new(InApp)], ..Post::default() };
        self.start(store, &Clock::System, mqtt_tls, post).await
    }

    /// A house on a clock that the test drives, with the channels that it gives.
    pub(crate) async fn house_on(&self, clock: &Clock, post: Post) -> House {
        self.start(&self.store, clock, None, post).await
    }

    /// A node on a machine with a clock of its own, which follows the database's as `zelo serve` has it.
    pub(crate) async fn house_following(&self, store: &Store, machine: Clock) -> (House, Clock) {
        let clock = Clock::following(machine);
        Clocks::set(store, &clock).unwrap();
        let house = self.start(store, &clock, None, Post::default()).await;
        (house, clock)
    }

    async fn start(&self, store: &Store, clock: &Clock, mqtt_tls: Option<TlsOptions>, post: Post) -> House {
        let log = audit::open(store, &self.keys(), clock.now()).unwrap();
        let signers = Signers { tokens: Arc::clone(&self.tokens), log };
        let mqtt = "127.0.0.1:0".parse().unwrap();
        let options = Options {
            mqtt,
            mqtt_tls,
            descriptors: 65_536,
            node: None,
            home: String::new(),
            bases: consent::Bases::default(),
            post,
            kept_head: Arc::new(|| Ok(None)),
        };
        House::start(store, clock, signers, options).await.unwrap()
    }

    /// The database, on PostgreSQL, as a node opens it that asks a clock for the time which [`Clinic::shift`] moves.
    pub(crate) fn on_a_clock_to_shift(&self) -> Store {
        let (_, schema) = self.schema.as_ref().unwrap();
        let clock = format!(
            "CREATE TABLE shift (ahead INTERVAL NOT NULL); INSERT INTO shift VALUES ('0'); \
             CREATE FUNCTION clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE sql VOLATILE AS \
             'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM {schema}.shift)'"
        );
        drop(self.foreign(&clock));
        let Url::Postgres(url) = self.store.url() else { panic!("on PostgreSQL") };
        let first = url.replace(schema, &format!("{schema}%2Cpg_catalog"));
        Store::open(&Url::parse(&first).unwrap(), Keks::load(&self.keys()).unwrap()).unwrap()
    }

    /// From now on the database's clock is so far ahead of this machine's.
    pub(crate) fn shift(&self, ahead: Duration) {
        drop(self.foreign(&format!("UPDATE shift SET ahead = '{} seconds'", ahead.as_secs())));
    }

    /// How many entries of a kind the audit log holds.
    pub(crate) fn entries(&self, kind: &str) -> i64 {
        let mut conn = Opener { url: self.store.url().clone(), read_only: true }.open().unwrap();
        let sql = format!("SELECT COUNT(*) AS n FROM audit_entries WHERE kind = '{kind}'");
        let counted: Counted = diesel::sql_query(sql).get_result(&mut conn).unwrap();
        counted.n
    }

    /// A session of another program, whatever it is called, that did `sql` and does nothing more; it ends when it is
    /// dropped.
    pub(crate) fn foreign(&self, sql: &str) -> impl Sized + use<> {
        let mut conn = Opener { url: self.store.url().clone(), read_only: false }.open().unwrap();
        if self.schema.is_some() {
            let foreign = "SELECT pg_advisory_unlock_all(); SET application_name = 'zelo-report'; \
                 SET idle_in_transaction_session_timeout = 0";
            conn.batch_execute(foreign).unwrap();
        }
        conn.batch_execute(sql).unwrap();
        conn
    }

    /// What the database answers to a question, one text a row (`told`), after everything is on its disk.
    pub(crate) fn ask_after_a_checkpoint(&self, sql: &str) -> Vec<String> {
        let mut conn = Opener { url: self.store.url().clone(), read_only: false }.open().unwrap();
        conn.batch_execute("CHECKPOINT").unwrap();
        let rows: Vec<Told> = diesel::sql_query(sql).load(&mut conn).unwrap();
        rows.into_iter().map(|row| row.told).collect()
    }

    /// How many statements of others wait for a lock on this table.
    pub(crate) fn waiting_for(&self, table: &str) -> i64 {
        self.count(&format!(
            "SELECT COUNT(*) AS n FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
        ))
    }

    /// Rows in the hot journal of a bed's patient, whatever consent says.
    pub(crate) fn stored(&self, bed: &Bed) -> i64 {
        self.count(&format!("SELECT COUNT(*) AS n FROM readings WHERE patient_key = {}", bed.patient_key))
    }

    /// Readings of a bed's patient in journal and chunks, in one statement: a roll in between moves them and loses none.
    pub(crate) fn readings(&self, bed: &Bed) -> i64 {
        self.count(&format!(
            "SELECT CAST((SELECT COUNT(*) FROM readings WHERE patient_key = {0}) + \
             COALESCE((SELECT SUM(count) FROM chunks WHERE patient_key = {0}), 0) AS BIGINT) AS n",
            bed.patient_key
        ))
    }

    /// Changes rows behind the program's back; says how many.
    pub(crate) fn tamper(&self, sql: &str) -> usize {
        let mut conn = Opener { url: self.store.url().clone(), read_only: false }.open().unwrap();
        diesel::sql_query(sql).execute(&mut conn).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        let mut conn = Opener { url: self.store.url().clone(), read_only: true }.open().unwrap();
        let counted: Counted = diesel::sql_query(sql).get_result(&mut conn).unwrap();
        counted.n
    }

    /// The instants (milliseconds) of a bed's heart rates, from journal and chunks, as often as they are stored.
    pub(crate) fn instants(store: &Store, bed: &Bed) -> Vec<i64> {
        let read = store.read(|view| {
            let permit = permitted(view, bed)?;
            let (from, to) = (Instant::from_micros(0), Instant::MAX);
            readings::series(view, &permit, bed.patient_key, Signal::HeartRate, from, to)
        });
        read.unwrap().iter().map(|stored| stored.reading.at.millis()).collect()
    }

    /// A bed's heart rates as they are in force.
    pub(crate) fn values(&self, bed: &Bed) -> Vec<(Instant, f64)> {
        let read = self.store.read(|view| {
            let permit = permitted(view, bed)?;
            let (from, to) = (Instant::from_micros(0), Instant::MAX);
            readings::series(view, &permit, bed.patient_key, Signal::HeartRate, from, to)
        });
        read.unwrap().iter().map(|stored| (stored.reading.at, stored.reading.value)).collect()
    }

    /// Why readings of a patient were set aside, the newest ten.
    pub(crate) fn set_aside(store: &Store, bed: &Bed) -> Vec<String> {
        let read = store.read(|view| {
            let (collected, display) = (permitted(view, bed)?, permitted(view, bed)?);
            quarantine::waiting(view, &collected, &display, bed.patient_key, 10)
        });
        read.unwrap().into_iter().map(|item| item.reason).collect()
    }

    pub(crate) fn revoke(&self, bed: &Bed) {
        self.revoke_at(bed, Clock::System.now());
    }

    pub(crate) fn revoke_at(&self, bed: &Bed, now: Instant) {
        self.store
            .write(Actor::Operator, now, |tx| {
                consents::revoke(tx, bed.patient, Purpose::TelemetryCollect, &Giver::Subject.into())
            })
            .unwrap();
    }

    pub(crate) fn grant(&self, bed: &Bed) {
        self.grant_at(bed, Clock::System.now());
    }

    pub(crate) fn grant_at(&self, bed: &Bed, now: Instant) {
        self.store
            .write(Actor::Operator, now, |tx| grant(tx, bed.patient, Purpose::TelemetryCollect, None))
            .unwrap();
    }

    /// Whether the whole log holds.
    pub(crate) fn verify(&self) {
        let vkey = audit::load(&self.store, &self.keys()).unwrap().vkey().clone();
        let report = audit::verify(&self.store, &vkey, None, &[]).unwrap();
        assert!(report.ok, "{report:?}");
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        if let Some((opener, schema)) = &self.schema {
            let gone =
                opener.open().map(|mut conn| conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")));
            drop(gone);
        }
    }
}

pub(crate) const NAME: &str = "Quitéria Zulmira Xavantina";
pub(crate) const CPF: &str = "52998224725";
pub(crate) const EMAIL: &str = "quiteria.xavantina@clinica.invalid";

fn keys() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    Keks::generate(&keys, 1).unwrap();
    signing::generate(&keys).unwrap();
    dir
}

fn enrol(store: &Store, tokens: &Signer, now: Instant) -> Bed {
    let first = store
        .read(|view| patients::find_by_cpf(view, &Audience::program(), &CPF.parse::<Cpf>().unwrap()))
        .unwrap()
        .is_none();
    let (patient, patient_key, device, token) = store
        .write(Actor::Operator, now, |tx| {
            let identity = PatientIdentity {
                name: NAME.parse::<Name>().unwrap(),
                birth_date: chrono::NaiveDate::from_ymd_opt(1980, 5, 4).unwrap(),
                cpf: first.then(|| CPF.parse().unwrap()),
                cns: None,
                email: Some(EMAIL.parse().unwrap()),
                phone: None,
            };
            let (zone, language) = ("America/Sao_Paulo".into(), "pt-BR".into());
            let patient = patients::insert(tx, &patients::Details { identity, zone, language })?;
            let identity = DeviceIdentity { label: "Pulseira".into(), model: "Z1".into(), serial: None };
            let device = devices::insert(tx, &identity)?;
            bindings::bind(tx, device.id, patient.id, now.minus(SINCE), false)?;
            for purpose in [Purpose::TelemetryCollect, Purpose::AlertEvaluate, Purpose::AlertEscalate] {
                grant(tx, patient.id, purpose, Some(now.minus(SINCE)))?;
            }
            let token = devices::issue_token(tx, device.id, None)?;
            Ok((patient.id, patient.key, device.id, token))
        })
        .unwrap();
    Bed { patient, patient_key, device, token: tokens.for_device(device, token, None, now).unwrap() }
}

fn grant(tx: &mut Tx<'_>, patient: PatientId, purpose: Purpose, from: Option<Instant>) -> Result<()> {
    let term = terms::current(tx, purpose)?.remove(0);
    let mut hash = [0; 32];
    hex::decode_to_slice(&term.text_sha256, &mut hash).unwrap();
    let mut grant = Grant::of(hash);
    grant.measured_from = from.map(Instant::micros);
    consents::grant(tx, patient, purpose, grant, &Giver::Subject.into()).map(drop)
}

/// A permit for a bed's patient as consent stands now.
fn permitted<P: Typed>(view: &mut View<'_>, bed: &Bed) -> Result<Permit<P>> {
    let now = Clock::System.now();
    let ledger = consents::ledger::of(view, bed.patient_key)?;
    let context = Context { data: &[Datum::Reading], ..Context::system(now.micros()) };
    let request = Request {
        bases: &consent::Bases::default(),
        records: &ledger,
        subject: &consent::Subject::default(),
        context: &context,
    };
    Ok(consent::decide(&request)?)
}

pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Moment::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
