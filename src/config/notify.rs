//! The settings of the channels to people, held together: a server that is half set is refused by name.

use std::path::PathBuf;

use super::options::fault;
use super::{Error, Layer};
use ::notify::lint::lint;
use ::notify::options::{Imap, Login, Smtp};
use ::notify::place::{Place, Protocol, is_this_host};
use ::notify::{Hidden, Options, email};
use domain::messages::network::NoNetwork;

/// Takes what is the channels' out of the whole.
pub(super) fn of(layer: &mut Layer) -> Result<Options, Error> {
    let webhook_networks = text(&mut layer.webhook_networks).unwrap_or_default();
    let webhook_networks =
        webhook_networks.parse().map_err(|why: NoNetwork| fault("webhook_networks", &why.to_string()))?;
    let options =
        Options { base_url: base_url(layer)?, smtp: smtp(layer)?, imap: imap(layer)?, webhook_networks };
    let (Some(_), None) = (&options.smtp, &options.base_url) else {
        return if options.imap.is_some() && options.smtp.is_none() {
            Err(fault(
                "notify_smtp_url",
                "bounces without e-mail cannot be: give notify_smtp_url, or take notify_imap_url away",
            ))
        } else {
            Ok(options)
        };
    };
    Err(fault("notify_base_url", "e-mail carries links: say how people reach the dashboard"))
}

fn text(value: &mut Option<String>) -> Option<String> {
    value.take().filter(|text| !text.is_empty())
}

fn hidden(value: &mut Option<Hidden>) -> Option<Hidden> {
    value.take().filter(|hidden| !hidden.shown().is_empty())
}

fn base_url(layer: &mut Layer) -> Result<Option<String>, Error> {
    let Some(url) = text(&mut layer.notify_base_url) else { return Ok(None) };
    let say = |why: &str| fault("notify_base_url", why);
    let url = url.trim_end_matches('/').to_owned();
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let host =
        authority.rsplit_once(':').filter(|_| !authority.ends_with(']')).map_or(authority, |(host, _)| host);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "?#@<>\"{}".contains(c);
    if host.is_empty() || url.contains(odd) || !(scheme == "https" || scheme == "http" && is_this_host(host))
    {
        return Err(say("say https://host, or http:// on this host, without query, name or password"));
    }
    // A link in a message would tell what the message itself may not.
    let words = url.replace(['/', '.', '-', '_'], " ");
    match lint(&words).first() {
        Some(tells) => Err(say(&format!("it goes out with every message, and {tells}"))),
        None => Ok(Some(url)),
    }
}

fn smtp(layer: &mut Layer) -> Result<Option<Smtp>, Error> {
    let from = text(&mut layer.notify_smtp_from);
    let login = login(
        ["notify_smtp_user", "notify_smtp_password"],
        &mut layer.notify_smtp_user,
        &mut layer.notify_smtp_password,
    )?;
    let ca = text(&mut layer.notify_smtp_ca).map(PathBuf::from);
    let Some(url) = text(&mut layer.notify_smtp_url) else {
        let left = [
            ("notify_smtp_from", from.is_some()),
            ("notify_smtp_user", login.is_some()),
            ("notify_smtp_ca", ca.is_some()),
        ];
        return alone("notify_smtp_url", left);
    };
    let place =
        Place::parse(&url, Protocol::Smtp).map_err(|why| fault("notify_smtp_url", &why.to_string()))?;
    let from = from.ok_or_else(|| fault("notify_smtp_from", "e-mail needs its sender"))?;
    email::domain_of(&from).map_err(|why| fault("notify_smtp_from", &why.to_string()))?;
    Ok(Some(Smtp { place, from, login, ca }))
}

fn imap(layer: &mut Layer) -> Result<Option<Imap>, Error> {
    let login = login(
        ["notify_imap_user", "notify_imap_password"],
        &mut layer.notify_imap_user,
        &mut layer.notify_imap_password,
    )?;
    let ca = text(&mut layer.notify_imap_ca).map(PathBuf::from);
    let folder = text(&mut layer.notify_imap_folder);
    let Some(url) = text(&mut layer.notify_imap_url) else {
        return alone(
            "notify_imap_url",
            [("notify_imap_user", login.is_some()), ("notify_imap_ca", ca.is_some())],
        );
    };
    let place =
        Place::parse(&url, Protocol::Imap).map_err(|why| fault("notify_imap_url", &why.to_string()))?;
    let login = login.ok_or_else(|| fault("notify_imap_user", "a mailbox needs its user and password"))?;
    let folder = folder.ok_or_else(|| fault("notify_imap_folder", "name a folder, as in INBOX"))?;
    Ok(Some(Imap { place, login, folder, ca }))
}

fn login(
    [user_name, password_name]: [&'static str; 2],
    user: &mut Option<String>,
    password: &mut Option<Hidden>,
) -> Result<Option<Login>, Error> {
    match (text(user), hidden(password)) {
        (Some(user), Some(password)) => Ok(Some(Login { user, password })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(fault(password_name, "a user needs its password: give both or neither")),
        (None, Some(_)) => Err(fault(user_name, "a password needs its user: give both or neither")),
    }
}

/// Nothing of a server may be set where there is none.
fn alone<T, const N: usize>(url: &'static str, left: [(&'static str, bool); N]) -> Result<Option<T>, Error> {
    match left.into_iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(fault(name, &format!("it does nothing without {url}: give both or neither"))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::Sources;
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Result<Options, Error> {
        let found = |name: &str| {
            let name = name.strip_prefix("ZELO_NOTIFY_")?;
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let empty = tempfile::NamedTempFile::new().unwrap();
        let sources = Sources { file: Some(empty.path().to_owned()), flags: Layer::default() };
        Ok(sources.read_with(found)?.notify)
    }

    const MAIL: [(&str, &str); 3] = [
        ("BASE_URL", "https://zelo.example/"),
        ("SMTP_URL", "smtp://mail.example"),
        ("SMTP_FROM", "Zelo <zelo@zelo.example>"),
    ];
    const BOX: [(&str, &str); 3] =
        [("IMAP_URL", "imaps://mail.example"), ("IMAP_USER", "zelo"), ("IMAP_PASSWORD", "s3cret")];

    #[test]
    fn without_settings_nothing_leaves_and_with_them_all_is_there() {
        assert_eq!(set(&[]).unwrap(), Options::default());
        let options = set(&[&MAIL[..], &BOX[..]].concat()).unwrap();
        assert_eq!(options.base_url.as_deref(), Some("https://zelo.example"));
        assert_eq!(options.smtp.as_ref().map(|smtp| smtp.place.port), Some(587));
        assert_eq!(options.imap.as_ref().map(|imap| imap.folder.as_str()), Some("INBOX"));
        let printed = format!("{options:?}");
        assert!(!printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn what_is_half_or_would_open_a_door_is_refused_by_name() {
        let change = |name: &'static str, value: &'static str| {
            let all = [&MAIL[..], &BOX[..]].concat().into_iter();
            all.filter(|(key, _)| *key != name).chain([(name, value)]).collect::<Vec<_>>()
        };
        let table = [
            (change("BASE_URL", ""), "notify_base_url"),
            (change("BASE_URL", "http://zelo.example"), "notify_base_url"),
            (change("BASE_URL", "https://cardiologia.clinica.example"), "notify_base_url"),
            (change("BASE_URL", "https://ana:x@zelo.example"), "notify_base_url"),
            (change("SMTP_URL", ""), "notify_smtp_from"),
            (change("SMTP_URL", "plain://mail.example"), "notify_smtp_url"),
            (change("SMTP_URL", "smtp://ana:x@mail.example"), "notify_smtp_url"),
            (change("SMTP_FROM", ""), "notify_smtp_from"),
            (change("SMTP_FROM", "zelo"), "notify_smtp_from"),
            (change("SMTP_USER", "zelo"), "notify_smtp_password"),
            (change("SMTP_PASSWORD", "s3cret"), "notify_smtp_user"),
            (change("IMAP_URL", ""), "notify_imap_user"),
            (change("IMAP_USER", ""), "notify_imap_user"),
            (change("IMAP_PASSWORD", ""), "notify_imap_password"),
            (change("IMAP_FOLDER", ""), "notify_imap_folder"),
            (BOX.to_vec(), "notify_smtp_url"),
        ];
        for (pairs, expected) in table {
            let refused = set(&pairs);
            let Err(Error::Value { name, why }) = &refused else { panic!("{expected}: {refused:?}") };
            assert_eq!(*name, expected, "{why}");
            assert!(!why.contains("s3cret") && !why.contains("ana"), "{why}");
        }
    }

    #[test]
    fn a_password_is_not_shown_by_the_refusal_of_its_line() {
        for line in ["= ['s3cret']", "= 53732e137", "= s3cret", "= 's3cret"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), format!("log = 'info'\nnotify_imap_password {line}\n")).unwrap();
            let sources = Sources { file: Some(file.path().to_owned()), flags: Layer::default() };
            let refusal = sources.read_with(|_| None).unwrap_err().to_string();
            assert!(refusal.contains("line 2: "), "{refusal}");
            assert!(!refusal.contains("s3cret") && !refusal.contains("53732"), "{refusal}");
        }
    }
}
