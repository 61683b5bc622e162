//! Writes the mail for messages that go out together to one reader. A single case uses its own template; several
//! cases use one that counts and lists them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use domain::messages::webhook;
use domain::messages::{self as message, Channel};
use domain::templates::{Template, Vars};
use domain::time::civil::Zone;
use domain::{Instant, UserId};
use notify::{Address, Outgoing};
use store::messages::reader::{self, Reader};
use store::messages::webhooks;
use store::messages::{Cleared, Stored};
use store::people::users;
use store::versions;
use store::{Tx, View};
use store::{escalation, messages, on_call};

/// The template of a message about several cases.
const BUNDLE: &str = "cases";

/// A mail, or the code of the reason why none is written.
pub(super) type Written = Result<Outgoing, &'static str>;

/// The mail for these messages to one reader.
pub(super) fn outgoing(tx: &mut Tx<'_>, cleared: &[Cleared], base_url: &str) -> store::Result<Written> {
    let now = tx.now();
    let Some(of) = cleared.iter().map(Cleared::message).min_by_key(|one| (!one.is_call(), one.id)) else {
        return Ok(Err("not_wanted"));
    };
    let to = match address(tx, of)? {
        Ok(to) => to,
        Err(code) => return Ok(Err(code)),
    };
    let (key, attempt) = (key(of, cleared), of.way.attempt);
    let thread = format!("{}:{}", of.kind, of.subject);
    if of.channel == Channel::Webhook {
        let Ok(text) = call(of, base_url) else { return Ok(Err("unsendable")) };
        return Ok(Ok(Outgoing { key, to, subject: String::new(), text, attempt, thread }));
    }
    let reader = match of.recipient.parse() {
        Ok(user) => reader::reader(tx, user)?,
        Err(_not_a_person) => Reader::default(),
    };
    let cases = cases(cleared);
    let (template, vars) = if cases.len() > 1 {
        (versions::in_force::<Template>(tx, BUNDLE, now)?, bundled(&cases, base_url, reader.zone))
    } else {
        (planned(tx, of)?, vars(of, base_url, reader.zone))
    };
    let Some(template) = template else { return Ok(Err("template")) };
    let Ok(words) = template.body.render(reader.lang, &vars) else { return Ok(Err("template")) };
    let (subject, thread) = match cases.as_slice() {
        [case] => (format!("{} [{}]", words.subject, message::mark(&case.subject)), thread),
        [] => (words.subject, thread),
        // Messages that count waiting cases form one thread in the mailbox.
        _ => (words.subject, format!("{BUNDLE}:{}", of.recipient)),
    };
    Ok(Ok(Outgoing { key, to, subject, text: words.text, attempt, thread }))
}

/// The message's key: equal for the same set of messages on each attempt and different for any other set. A mailbox that
/// drops duplicates by key must not drop a case that it has not seen. The hash may change with an upgrade; then the
/// message comes twice.
fn key(of: &Stored, cleared: &[Cleared]) -> String {
    let mut all: Vec<i64> = cleared.iter().map(|one| one.message().id).collect();
    if all.len() < 2 {
        return of.key.clone();
    }
    all.sort_unstable();
    let mut hasher = DefaultHasher::new();
    all.hash(&mut hasher);
    messages::of_several(&of.key, hasher.finish())
}

fn address(view: &mut View<'_>, of: &Stored) -> store::Result<Result<Address, &'static str>> {
    if of.channel == Channel::Webhook {
        let Some((url, secret)) = webhooks::address(view, &of.recipient)? else {
            return Ok(Err("webhook_disabled"));
        };
        let secret = notify::webhook::Secret::parse(&secret);
        return Ok(secret.map(|secret| Address::Webhook { url, secret }).map_err(|_unusable| "secret"));
    }
    let Ok(id) = of.recipient.parse::<UserId>() else { return Ok(Err("recipient")) };
    let user = match users::get(view, id) {
        Ok(user) if user.disabled_at.is_none() => user,
        Ok(_) | Err(store::Error::NotFound(_)) => return Ok(Err("recipient_disabled")),
        Err(error) => return Err(error),
    };
    if of.channel == Channel::InApp {
        return Ok(Ok(Address::Person(id)));
    }
    // A trial message is the exception: by it a person finds out whether they are reached again.
    let lost = on_call::unreachable(view, id)?.iter().any(|gone| gone.channel == of.channel);
    if lost && of.kind != messages::TRIAL.0 {
        return Ok(Err("unreachable"));
    }
    Ok(match user.identity {
        Some(identity) => Ok(Address::Email(identity.email.as_str().to_owned())),
        None => Err("recipient_erased"),
    })
}

/// The template as it was when the message was planned.
fn planned(view: &mut View<'_>, of: &Stored) -> store::Result<Option<versions::Version<Template>>> {
    match versions::get::<Template>(view, &of.template, of.template_version.max(1)) {
        Err(store::Error::NotFound(_)) => Ok(None),
        found => found.map(Some),
    }
}

/// One message per case, the case that has waited longest first.
fn cases(cleared: &[Cleared]) -> Vec<&Stored> {
    let about = cleared.iter().map(Cleared::message).filter(|one| one.kind == escalation::ALERT);
    let mut cases: Vec<&Stored> = about.collect();
    cases.sort_by_key(|one| (&one.subject, !one.is_call(), one.id));
    cases.dedup_by(|next, one| next.subject == one.subject);
    cases.sort_by_key(|one| (since(one), one.id));
    cases
}

fn bundled(cases: &[&Stored], base_url: &str, zone: Zone) -> Vars {
    let line = |case: &&Stored| {
        let Vars { link, since, .. } = vars(case, base_url, zone);
        let (link, since) = (link.unwrap_or_default(), since.unwrap_or_default());
        format!("[{}] {since}  {link}", message::mark(&case.subject))
    };
    let lines: Vec<String> = cases.iter().map(line).collect();
    Vars {
        link: Some(format!("{base_url}/queue")),
        count: u32::try_from(cases.len()).ok(),
        cases: Some(lines.join("\n")),
        since: cases.first().and_then(|case| since(case)).map(|at| clock(at, zone)),
        ..Vars::default()
    }
}

/// The body of a webhook call. It is built only from what was planned, so each attempt sends the same bytes.
fn call(of: &Stored, base_url: &str) -> serde_json::Result<String> {
    let link = of.variables.get("link").and_then(serde_json::Value::as_str).unwrap_or_default();
    let call = webhook::Call {
        kind: &of.template,
        at: of.created_at,
        data: webhook::Data {
            cursor: of.id,
            sequence: of.sequence.unwrap_or_default(),
            case: webhook::Case { kind: &of.kind, id: &of.subject },
            link: &format!("{base_url}{link}"),
            repetition: repetition(of).unwrap_or(1),
        },
    };
    serde_json::to_string(&call)
}

fn repetition(of: &Stored) -> Option<u32> {
    of.variables.get("repetition")?.as_u64()?.try_into().ok()
}

fn text<'a>(of: &'a Stored, name: &str) -> Option<&'a str> {
    of.variables.get(name).and_then(serde_json::Value::as_str)
}

fn moment(of: &Stored, name: &str) -> Option<Instant> {
    Instant::parse(text(of, name)?)
}

fn since(of: &Stored) -> Option<Instant> {
    moment(of, "since")
}

fn clock(at: Instant, zone: Zone) -> String {
    zone.local(at).format("%d/%m %H:%M").to_string()
}

fn vars(of: &Stored, base_url: &str, zone: Zone) -> Vars {
    let moment = |name| moment(of, name).map(|at| clock(at, zone));
    let count = of.variables.get("count").and_then(serde_json::Value::as_u64);
    Vars {
        link: text(of, "link").map(|link| format!("{base_url}{link}")),
        repetition: repetition(of),
        count: count.and_then(|count| count.try_into().ok()),
        cases: None,
        since: moment("since"),
        from: moment("from"),
        until: moment("until"),
    }
}
