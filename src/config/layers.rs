//! One layer of settings, and how the stronger one covers the weaker.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Error, Options};
use notify::Hidden;

const DEFAULTS: &str = include_str!("defaults.toml");
const FILE: &str = "zelo.toml";

macro_rules! layer {
    ($($name:ident: $kind:ty,)+) => {
        /// What one source says; `None`: nothing. An empty text takes a weaker layer's value away.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Layer {
            $(
                #[doc = concat!("See `", stringify!($name), "` in `defaults.toml`.")]
                pub $name: Option<$kind>,
            )+
        }

        impl Layer {
            /// This layer where it says something, else `weaker`.
            #[must_use]
            pub fn over(self, weaker: Self) -> Self {
                Self { $($name: self.$name.or(weaker.$name),)+ }
            }

            /// From `ZELO_*`.
            fn of_environment(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
                let text = |name: &'static str| -> Result<Option<String>, Error> {
                    let variable = format!("ZELO_{}", name.to_uppercase());
                    let Some(value) = get(&variable) else { return Ok(None) };
                    let value = value.into_string().map_err(|_not_unicode| Error::Value {
                        name,
                        why: format!("{variable} is not Unicode text"),
                    })?;
                    Ok(Some(value))
                };
                Ok(Self { $($name: text(stringify!($name))?.map(|value| FromText::from_text(stringify!($name), value)).transpose()?,)+ })
            }
        }
    };
}

layer! {
    data_dir: String,
    database_url: String,
    http: String,
    metrics: String,
    http_cert: String,
    http_key: String,
    behind_proxy: bool,
    mqtt: String,
    mqtt_cert: String,
    mqtt_key: String,
    mqtt_tls: String,
    mqtt_client_ca: String,
    allow_plain_postgres: bool,
    node: u8,
    drain: u8,
    log_format: String,
    log: String,
    organisation: String,
    second_factor: String,
    notify_base_url: String,
    notify_smtp_url: String,
    notify_smtp_from: String,
    notify_smtp_user: String,
    notify_smtp_password: Hidden,
    notify_smtp_ca: String,
    notify_imap_url: String,
    notify_imap_user: String,
    notify_imap_password: Hidden,
    notify_imap_folder: String,
    notify_imap_ca: String,
    webhook_networks: String,
}

/// A value as an environment variable says it.
trait FromText: Sized {
    fn from_text(name: &'static str, text: String) -> Result<Self, Error>;
}

impl FromText for String {
    fn from_text(_: &'static str, text: String) -> Result<Self, Error> {
        Ok(text)
    }
}

impl FromText for Hidden {
    fn from_text(_: &'static str, text: String) -> Result<Self, Error> {
        Ok(Self::new(text))
    }
}

impl FromText for bool {
    fn from_text(name: &'static str, text: String) -> Result<Self, Error> {
        match text.as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" | "" => Ok(false),
            _ => Err(Error::Value { name, why: "say true or false".into() }),
        }
    }
}

impl FromText for u8 {
    fn from_text(name: &'static str, text: String) -> Result<Self, Error> {
        text.parse().map_err(|_not_a_number| Error::Value { name, why: "say a number from 0 to 255".into() })
    }
}

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that `--config` names; it must be there. `None`: `zelo.toml`, if it is there.
    pub file: Option<PathBuf>,
    /// What the flags say.
    pub flags: Layer,
}

impl Sources {
    /// Reads every layer and holds the whole against the rules.
    ///
    /// # Errors
    /// [`Error`] names the setting or the file and what to do.
    pub fn read(self) -> Result<Options, Error> {
        self.read_with(|name| std::env::var_os(name))
    }

    /// As [`Sources::read`], with another environment.
    ///
    /// # Errors
    /// As [`Sources::read`].
    pub fn read_with(self, environment: impl Fn(&str) -> Option<OsString>) -> Result<Options, Error> {
        let defaults = parse("defaults", DEFAULTS)?;
        let file = match &self.file {
            Some(path) => file(path)?,
            None if Path::new(FILE).exists() => file(Path::new(FILE))?,
            None => Layer::default(),
        };
        let environment = Layer::of_environment(environment)?;
        Options::of(self.flags.over(environment.over(file.over(defaults))))
    }
}

fn file(path: &Path) -> Result<Layer, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Unreadable { path: path.display().to_string(), source })?;
    parse(&path.display().to_string(), &text)
}

fn parse(path: &str, text: &str) -> Result<Layer, Error> {
    toml::from_str(text).map_err(|fault| {
        // The whole refusal repeats the line, and a line may hold a password.
        let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.lines().count() + usize::from(before.is_empty() || before.ends_with('\n'));
        Error::Malformed { path: path.to_owned(), why: format!("line {line}: {}", fault.message().trim()) }
    })
}
