//! The settings as the program uses them, once they hold together.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use super::{Error, Layer, notify};
use ::notify::Options as NotifyOptions;
use domain::Role;
use store::Url;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A certificate chain and its key, PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Keys, lock and SQLite's file.
    pub data_dir: PathBuf,
    /// Where the data is.
    pub database: Url,
    /// Where the dashboard and the API listen.
    pub http: SocketAddr,
    /// Where metrics are read without signing in.
    pub metrics: Option<SocketAddr>,
    /// HTTPS, when given.
    pub http_tls: Option<TlsFiles>,
    /// A proxy in front ends TLS.
    pub behind_proxy: bool,
    /// Where devices connect without TLS.
    pub mqtt: SocketAddr,
    /// Where devices connect with TLS, and with what.
    pub mqtt_tls: Option<(SocketAddr, TlsFiles)>,
    /// The authority of client certificates.
    pub mqtt_client_ca: Option<PathBuf>,
    /// This node's number, 0 to 15.
    pub node: Option<u8>,
    /// How long a node that ends goes on answering where somebody asks whether it is ready.
    pub drain: Duration,
    /// How logs are written.
    pub log_format: LogFormat,
    /// The filter of logs.
    pub log: String,
    /// The controller's name; `None`: not set.
    pub organisation: Option<String>,
    /// Roles that may not be without a second factor.
    pub factor_roles: Vec<Role>,
    /// The channels to people.
    pub notify: NotifyOptions,
}

impl Options {
    pub(super) fn of(mut layer: Layer) -> Result<Self, Error> {
        let notify = notify::of(&mut layer)?;
        let text = |value: Option<String>| value.filter(|text| !text.is_empty());
        let data_dir =
            PathBuf::from(text(layer.data_dir).ok_or_else(|| fault("data_dir", "name a directory"))?);
        let database = match text(layer.database_url) {
            Some(url) => Url::parse(&url).map_err(|why| fault("database_url", &why))?,
            None => Url::Sqlite(data_dir.join("zelo.db")),
        };
        let http_tls = pair("http_cert", "http_key", text(layer.http_cert), text(layer.http_key))?;
        let mqtt_files = pair("mqtt_cert", "mqtt_key", text(layer.mqtt_cert), text(layer.mqtt_key))?;
        let mqtt_tls = match mqtt_files {
            Some(files) => Some((address("mqtt_tls", text(layer.mqtt_tls))?, files)),
            None => None,
        };
        let log_format = match text(layer.log_format).as_deref() {
            Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            _ => return Err(fault("log_format", "say text or json")),
        };
        let options = Self {
            data_dir,
            database,
            http: address("http", text(layer.http))?,
            metrics: text(layer.metrics).map(|text| address("metrics", Some(text))).transpose()?,
            http_tls,
            behind_proxy: layer.behind_proxy.unwrap_or(false),
            mqtt: address("mqtt", text(layer.mqtt))?,
            mqtt_tls,
            mqtt_client_ca: text(layer.mqtt_client_ca).map(PathBuf::from),
            node: layer.node,
            drain: Duration::from_secs(layer.drain.unwrap_or(1).into()),
            log_format,
            log: text(layer.log).unwrap_or_else(|| "info".to_owned()),
            organisation: text(layer.organisation),
            factor_roles: roles(&layer.second_factor.unwrap_or_default())?,
            notify,
        };
        options.hold_together(layer.allow_plain_postgres.unwrap_or(false))?;
        Ok(options)
    }

    fn hold_together(&self, allow_plain_postgres: bool) -> Result<(), Error> {
        if self.node.is_some_and(|number| number > 15) {
            return Err(fault("node", "a node's number is 0 to 15"));
        }
        if self.drain > Duration::from_secs(5) {
            return Err(fault("drain", "0 to 5 seconds: a node that was told to end does so within ten"));
        }
        if !self.http.ip().is_loopback() && self.http_tls.is_none() && !self.behind_proxy {
            return Err(fault(
                "http",
                "plain HTTP beyond this host would show readings to the network: give --http-cert and --http-key, or say --behind-proxy when a proxy ends TLS",
            ));
        }
        if self.mqtt_client_ca.is_some() && self.mqtt_tls.is_none() {
            return Err(fault("mqtt_client_ca", "client certificates need mqtt_cert and mqtt_key"));
        }
        let Url::Postgres(url) = &self.database else { return Ok(()) };
        if !allow_plain_postgres && !is_this_host(url) && !requires_tls(url) {
            return Err(fault(
                "database_url",
                "plain PostgreSQL beyond this host would show its password and rows to the network: build with --features pg-tls and add sslmode=verify-full, or say --allow-plain-postgres",
            ));
        }
        if requires_tls(url) && !cfg!(feature = "pg-tls") {
            return Err(fault(
                "database_url",
                "this program was built without TLS for PostgreSQL: build it with --features pg-tls",
            ));
        }
        Ok(())
    }
}

fn roles(text: &str) -> Result<Vec<Role>, Error> {
    let known = |name: &str| Role::from_name(name).filter(|role| Role::STAFF.contains(role));
    let why =
        "name roles of staff, with blanks between: agent technician clinician manager auditor dpo admin";
    text.split_whitespace().map(|name| known(name).ok_or_else(|| fault("second_factor", why))).collect()
}

pub(super) fn fault(name: &'static str, why: &str) -> Error {
    Error::Value { name, why: why.to_owned() }
}

fn pair(
    cert_name: &'static str,
    key_name: &'static str,
    cert: Option<String>,
    key: Option<String>,
) -> Result<Option<TlsFiles>, Error> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.into(), key: key.into() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(fault(key_name, "a certificate needs its key: give both or neither")),
        (None, Some(_)) => Err(fault(cert_name, "a key needs its certificate: give both or neither")),
    }
}

fn address(name: &'static str, text: Option<String>) -> Result<SocketAddr, Error> {
    let say = || fault(name, "say host:port, as in 127.0.0.1:8080; port 0 picks a free one");
    let text = text.ok_or_else(say)?;
    text.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(say)
}

/// Every host of a PostgreSQL URL, in its authority and in its parameters.
fn hosts(url: &str) -> Vec<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = before.split('/').next().unwrap_or_default();
    let places = authority.rsplit_once('@').map_or(authority, |(_, places)| places);
    let named = places.split(',').map(|place| {
        let bracketed = place.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(host, _)| host);
        bracketed.unwrap_or_else(|| place.split(':').next().unwrap_or_default())
    });
    let asked = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| matches!(*name, "host" | "hostaddr"))
        .flat_map(|(_, value)| value.split(','));
    named
        .chain(asked)
        .filter(|host| !host.is_empty())
        .map(|host| host.replace("%2F", "/").replace("%2f", "/"))
        .collect()
}

/// No host at all is the local socket.
fn is_this_host(url: &str) -> bool {
    hosts(url).iter().all(|host| {
        host == "localhost"
            || host.starts_with('/')
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn requires_tls(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .any(|pair| matches!(pair, "sslmode=require" | "sslmode=verify-ca" | "sslmode=verify-full"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::Sources;
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Result<Options, Error> {
        let found =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let empty = tempfile::NamedTempFile::new().unwrap();
        Sources { file: Some(empty.path().to_owned()), flags: Layer::default() }.read_with(found)
    }

    #[test]
    fn the_defaults_hold_together_and_stay_on_this_host() {
        let options = set(&[]).unwrap();
        assert_eq!(options.data_dir, PathBuf::from("./zelo-data"));
        assert_eq!(options.database, Url::Sqlite(PathBuf::from("./zelo-data/zelo.db")));
        assert_eq!(options.http.to_string(), "127.0.0.1:8080");
        assert_eq!(options.mqtt.to_string(), "127.0.0.1:1883");
        assert_eq!((options.mqtt_tls, options.http_tls, options.organisation), (None, None, None));
    }

    #[test]
    fn flags_cover_variables_which_cover_the_file_which_covers_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("zelo.toml");
        std::fs::write(&file, "http = '127.0.0.1:1'\nmqtt = '127.0.0.1:1'\nlog = 'warn'\n").unwrap();
        let flags = Layer { http: Some("127.0.0.1:3".into()), ..Layer::default() };
        let variable =
            |name: &str| matches!(name, "ZELO_HTTP" | "ZELO_MQTT").then(|| OsString::from("127.0.0.1:2"));
        let options = Sources { file: Some(file), flags }.read_with(variable).unwrap();
        assert_eq!((options.http.port(), options.mqtt.port(), options.log.as_str()), (3, 2, "warn"));
        assert_eq!(options.log_format, LogFormat::Text);
    }

    type Row = (&'static [(&'static str, &'static str)], Option<&'static str>);

    #[test]
    fn every_combination_that_would_open_a_door_or_is_half_is_refused_by_name() {
        const REMOTE: &str = "postgres://zelo:x@db.example/zelo";
        let table: &[Row] = &[
            (&[("ZELO_HTTP", "0.0.0.0:80")], Some("http")),
            (&[("ZELO_HTTP", "[::]:80")], Some("http")),
            (&[("ZELO_HTTP", "0.0.0.0:80"), ("ZELO_BEHIND_PROXY", "true")], None),
            (&[("ZELO_HTTP", "0.0.0.0:80"), ("ZELO_HTTP_CERT", "c"), ("ZELO_HTTP_KEY", "k")], None),
            (&[("ZELO_HTTP", "[::1]:80")], None),
            (&[("ZELO_HTTP_CERT", "c")], Some("http_key")),
            (&[("ZELO_HTTP_KEY", "k")], Some("http_cert")),
            (&[("ZELO_MQTT_CERT", "c")], Some("mqtt_key")),
            (&[("ZELO_MQTT_KEY", "k")], Some("mqtt_cert")),
            (&[("ZELO_MQTT_CLIENT_CA", "c")], Some("mqtt_client_ca")),
            (&[("ZELO_MQTT_CERT", "c"), ("ZELO_MQTT_KEY", "k"), ("ZELO_MQTT_CLIENT_CA", "a")], None),
            (&[("ZELO_DATABASE_URL", REMOTE)], Some("database_url")),
            (&[("ZELO_DATABASE_URL", REMOTE), ("ZELO_ALLOW_PLAIN_POSTGRES", "1")], None),
            (&[("ZELO_DATABASE_URL", "postgres://zelo:x@127.0.0.1:5432/zelo")], None),
            (&[("ZELO_DATABASE_URL", "postgres://[::1]/zelo")], None),
            (&[("ZELO_DATABASE_URL", "postgres:///zelo?host=/run/postgresql")], None),
            (&[("ZELO_DATABASE_URL", "postgres://localhost,db.example/zelo")], Some("database_url")),
            (&[("ZELO_DATABASE_URL", "postgres:///zelo?host=db.example")], Some("database_url")),
            (&[("ZELO_DATABASE_URL", "postgres://localhost/zelo?hostaddr=10.0.0.1")], Some("database_url")),
            (&[("ZELO_DATABASE_URL", "mysql://localhost/zelo")], Some("database_url")),
            (&[("ZELO_HTTP", "8080")], Some("http")),
            (&[("ZELO_MQTT", "")], Some("mqtt")),
            (&[("ZELO_NODE", "16")], Some("node")),
            (&[("ZELO_NODE", "x")], Some("node")),
            (&[("ZELO_DRAIN", "5")], None),
            (&[("ZELO_DRAIN", "6")], Some("drain")),
            (&[("ZELO_LOG_FORMAT", "xml")], Some("log_format")),
            (&[("ZELO_BEHIND_PROXY", "yes")], Some("behind_proxy")),
            (&[("ZELO_DATA_DIR", "")], Some("data_dir")),
            (&[("ZELO_WEBHOOK_NETWORKS", "10.20.0.0/16 ::1")], None),
            (&[("ZELO_WEBHOOK_NETWORKS", "clinica.example")], Some("webhook_networks")),
        ];
        for (pairs, expected) in table {
            let refused = match set(pairs) {
                Ok(_) => None,
                Err(Error::Value { name, .. }) => Some(name),
                Err(other) => panic!("{pairs:?}: {other}"),
            };
            assert_eq!(refused, *expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("zelo.toml");
        std::fs::write(&file, "htpp = '127.0.0.1:1'\n").unwrap();
        let fault = Sources { file: Some(file), flags: Layer::default() }.read_with(|_| None).unwrap_err();
        assert!(fault.to_string().contains("htpp"), "{fault}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let sources = Sources { file: Some(PathBuf::from("/nowhere/zelo.toml")), flags: Layer::default() };
        assert!(matches!(sources.read_with(|_| None), Err(Error::Unreadable { .. })));
    }
}
