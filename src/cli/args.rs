//! The command tree, as `--help` tells it to somebody who has never seen it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::error::EXIT_CODES;
use crate::config::{Layer, Sources};

mod nouns;

pub(super) use nouns::{Consent, Device, Keys, Patient, RoleName, SignIn, User};

/// Zelo: readings of wearables under consent, alerts that end with a person, numbers that can be defended.
#[derive(Debug, Parser)]
#[command(name = "zelo", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(super) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Answer as JSON, one object a line, on standard output; everything else goes to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Settings file [default: zelo.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where keys, the lock and SQLite's file live [default: ./zelo-data; demo: a fresh temporary one]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// sqlite://PATH or postgres://... [default: SQLite in the data directory]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Allow PostgreSQL without TLS beyond this host
    #[arg(long, global = true)]
    pub allow_plain_postgres: bool,
    /// How logs on standard error are written: text or json
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What is logged, as in info or zelo=debug,info
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// Work on a running node over its API: user, patient, device, consent, audit
    #[arg(long, global = true, value_name = "URL", conflicts_with_all = ["data_dir", "database_url"])]
    pub url: Option<String>,
    /// As whom, with --url: what `zelo sign-in` printed; better in the variable, which other users cannot read
    #[arg(long, global = true, value_name = "TOKEN", env = "ZELO_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

impl Global {
    fn layer(&self) -> Layer {
        Layer {
            data_dir: self.data_dir.clone(),
            database_url: self.database_url.clone(),
            allow_plain_postgres: self.allow_plain_postgres.then_some(true),
            log_format: self.log_format.clone(),
            log: self.log.clone(),
            ..Layer::default()
        }
    }

    /// Where the settings of this call come from.
    #[must_use]
    pub(super) fn sources(&self, listen: Option<&Listen>) -> Sources {
        let flags = match listen {
            Some(listen) => listen.layer().over(self.layer()),
            None => self.layer(),
        };
        Sources { file: self.config.clone(), flags }
    }
}

/// Where a node listens.
#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Dashboard and API; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub http: Option<String>,
    /// Metrics and probes without signing in, for this address alone; port 0 picks a free one [default: nowhere]
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics: Option<String>,
    /// HTTPS: certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    pub http_cert: Option<String>,
    /// HTTPS: private key, PEM
    #[arg(long, value_name = "FILE")]
    pub http_key: Option<String>,
    /// A proxy in front ends TLS
    #[arg(long)]
    pub behind_proxy: bool,
    /// Devices without TLS; port 0 picks a free one [default: 127.0.0.1:1883]
    #[arg(long, value_name = "HOST:PORT")]
    pub mqtt: Option<String>,
    /// Devices with TLS, once a certificate is given [default: 0.0.0.0:8883]
    #[arg(long, value_name = "HOST:PORT")]
    pub mqtt_tls: Option<String>,
    /// MQTT over TLS: certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    pub mqtt_cert: Option<String>,
    /// MQTT over TLS: private key, PEM
    #[arg(long, value_name = "FILE")]
    pub mqtt_key: Option<String>,
    /// Authority whose client certificates are accepted, PEM
    #[arg(long, value_name = "FILE")]
    pub mqtt_client_ca: Option<String>,
    /// Private networks that webhooks may call, as in "127.0.0.0/8 10.20.0.0/16" [default: none; demo: this machine]
    #[arg(long, value_name = "NETWORKS")]
    pub webhook_networks: Option<String>,
    /// This node's number among its peers on one PostgreSQL, 0 to 15
    #[arg(long, value_name = "N")]
    pub node: Option<u8>,
}

impl Listen {
    fn layer(&self) -> Layer {
        Layer {
            http: self.http.clone(),
            metrics: self.metrics.clone(),
            http_cert: self.http_cert.clone(),
            http_key: self.http_key.clone(),
            behind_proxy: self.behind_proxy.then_some(true),
            mqtt: self.mqtt.clone(),
            mqtt_tls: self.mqtt_tls.clone(),
            mqtt_cert: self.mqtt_cert.clone(),
            mqtt_key: self.mqtt_key.clone(),
            mqtt_client_ca: self.mqtt_client_ca.clone(),
            webhook_networks: self.webhook_networks.clone(),
            node: self.node,
            ..Layer::default()
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Try it: an invented clinic with real recordings, on this machine, nothing to prepare
    Demo(Demo),
    /// Make a data directory: keys, database, first administrator
    Init(Init),
    /// Run: dashboard, API and the door for devices
    Serve(Serve),
    /// Bring the database's schema to this program's version, after a backup
    Migrate(Migrate),
    /// Write a consistent snapshot of the database, without keys
    Backup {
        /// An empty or new directory
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Put a snapshot into an empty data directory that has its keys; newer revocations are replayed first
    Restore(Restore),
    /// People who sign in
    #[command(subcommand)]
    User(User),
    /// Patients
    #[command(subcommand)]
    Patient(Patient),
    /// Wearables and their tokens
    #[command(subcommand)]
    Device(Device),
    /// What patients agreed to
    #[command(subcommand)]
    Consent(Consent),
    /// Get a token of five minutes for --url; the password is asked for, or read from standard input
    SignIn(SignIn),
    /// The audit log: verify it, export it, prove one entry or one reading
    #[command(subcommand)]
    Audit(super::commands::audit::Audit),
    /// Key files
    #[command(subcommand)]
    Keys(Keys),
    /// Measure this machine: ingest, latency, idle connections, kill, revocations, audit
    Bench(lab::bench::Args),
    /// Live through days of an invented clinic in seconds, into an empty data directory that `serve` opens
    Simulate(lab::simulate::Args),
    /// Look at this machine: clock, disk, descriptors, keys, schema, seal
    Doctor,
}

/// The demo's flags.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// How fast recordings play, 1 to 10000; above 1 playback starts an hour back and stops at now
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Where it listens.
    #[command(flatten)]
    pub listen: Listen,
}

/// The node's flags.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Migrate the schema first, after a backup into the data directory
    #[arg(long)]
    pub migrate: bool,
    /// Makes a thread panic again and again (debug builds only)
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    pub strike: Option<String>,
    /// Where it listens.
    #[command(flatten)]
    pub listen: Listen,
}

/// Who is responsible (LGPD art. 5 VI and VIII), as terms name them.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The organisation's name
    #[arg(long)]
    pub organisation: Option<String>,
    /// Its CNPJ
    #[arg(long)]
    pub cnpj: String,
    /// IANA time zone in which its days begin and end, for figures
    #[arg(long, default_value = "America/Sao_Paulo")]
    pub zone: String,
    /// Its address
    #[arg(long)]
    pub address: String,
    /// How patients reach it
    #[arg(long)]
    pub contact: String,
    /// The data protection officer (encarregado)
    #[arg(long)]
    pub dpo_name: String,
    /// How to reach them
    #[arg(long)]
    pub dpo_contact: String,
    /// E-mail of the first administrator
    #[arg(long)]
    pub admin_email: String,
    /// Name of the first administrator
    #[arg(long, default_value = "Admin")]
    pub admin_name: String,
}

/// Migrating.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Where the backup before it goes [default: backup-before-... in the data directory]
    #[arg(long, value_name = "DIR")]
    pub backup: Option<PathBuf>,
}

/// Restoring.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The snapshot's directory
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The revocations.log of the data directory that was lost; without it say --no-revocations
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "no_revocations",
        required_unless_present = "no_revocations"
    )]
    pub revocations: Option<PathBuf>,
    /// Restore without it: a consent revoked after the snapshot would stand again
    #[arg(long)]
    pub no_revocations: bool,
    /// Take what can be read of a revocations.log that does not prove itself whole (older programs wrote no seals)
    #[arg(long, requires = "revocations")]
    pub unproven: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_tree_is_sound_and_every_word_of_it_is_explained() {
        fn explained(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(explained);
        }
        let command = Cli::command();
        command.clone().debug_assert();
        explained(&command);
    }

    #[test]
    fn flags_reach_the_settings() {
        let line = "zelo serve --http 127.0.0.1:0 --mqtt 127.0.0.1:0 --behind-proxy --data-dir here --json";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Serve(serve) = &cli.command else { panic!("serve") };
        let flags = cli.global.sources(Some(&serve.listen)).flags;
        assert_eq!((flags.http.as_deref(), flags.data_dir.as_deref()), (Some("127.0.0.1:0"), Some("here")));
        assert_eq!((flags.behind_proxy, flags.allow_plain_postgres), (Some(true), None));
        assert!(cli.global.json);
    }

    #[test]
    fn a_restore_says_what_becomes_of_newer_revocations() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("zelo restore --from b").is_err());
        assert!(parse("zelo restore --from b --no-revocations").is_ok());
        assert!(parse("zelo restore --from b --revocations r").is_ok());
        assert!(parse("zelo restore --from b --revocations r --no-revocations").is_err());
    }
}
