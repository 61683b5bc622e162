//! What a mail server says of a message later, as it comes by mail (RFC 3464 in RFC 6522). Whatever is no such report on
//! a message of ours is somebody's mail and is left alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::mark::Marks;
use super::refusal::Refusal;
use domain::messages::Receipt;

/// A report on one message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// The message's key.
    pub key: String,
    /// [`Receipt::Undeliverable`] or [`Receipt::Delivered`].
    pub receipt: Receipt,
    /// There is no such mailbox. One that has no room now, or a server that wants nothing from us, is no such report.
    pub permanent: bool,
    /// The addresses of which it says so, in small messages; none: it names nobody.
    pub addresses: Vec<String>,
}

/// What a mail is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// A final word on a message of ours.
    Report(Bounce),
    /// An answer, an advertisement, a delay, a report on another's message.
    Other,
    /// It cannot be read.
    Broken,
}

/// Reads one mail, as it came; the end may be cut off.
#[must_use]
pub fn read(raw: &[u8], marks: &Marks) -> Mail {
    // The parser is another's, and a mail that stops it would stop the mailbox for ever.
    catch_unwind(AssertUnwindSafe(|| parsed(raw, marks))).unwrap_or(Mail::Broken)
}

fn parsed(raw: &[u8], marks: &Marks) -> Mail {
    let Some(mail) = MessageParser::default().parse(raw) else { return Mail::Broken };
    if !is_delivery_report(&mail) {
        return Mail::Other;
    }
    let Some((word, addresses)) = mail.parts.iter().find_map(status_of) else { return Mail::Broken };
    let report = |key, receipt, permanent| Mail::Report(Bounce { key, receipt, permanent, addresses });
    match (message_of(&mail, marks), word) {
        (Some(key), Word::Failed { permanent }) => report(key, Receipt::Undeliverable, permanent),
        (Some(key), Word::Delivered) => report(key, Receipt::Delivered, false),
        (None, _) | (_, Word::NotYet) => Mail::Other,
    }
}

fn is_delivery_report(mail: &Message<'_>) -> bool {
    mail.content_type().is_some_and(|kind| {
        let is = |text: Option<&str>, word: &str| text.is_some_and(|text| text.eq_ignore_ascii_case(word));
        kind.ctype().eq_ignore_ascii_case("multipart")
            && is(kind.subtype(), "report")
            && is(kind.attribute("report-type"), "delivery-status")
    })
}

/// The final word of a report over all its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Failed { permanent: bool },
    Delivered,
    NotYet,
}

/// A message of ours has one reader. Where a list made several of it, one of them who was not reached counts: rather
/// one call too many.
fn status_of(part: &MessagePart<'_>) -> Option<(Word, Vec<String>)> {
    let kind = part.content_type()?;
    let subtype = kind.subtype()?.to_ascii_lowercase();
    if !kind.ctype().eq_ignore_ascii_case("message")
        || !matches!(subtype.as_str(), "delivery-status" | "global-delivery-status")
    {
        return None;
    }
    let text = String::from_utf8_lossy(part.contents());
    let groups = groups(&text);
    let words: Vec<Word> = groups.iter().filter_map(|group| word_of(group)).collect();
    let gone = groups.iter().filter(|group| word_of(group) == Some(PERMANENT));
    let addresses = gone.flat_map(|group| addresses_of(group)).collect();
    let failed = words.iter().rev().copied().filter(|word| matches!(word, Word::Failed { .. }));
    let failed = failed.reduce(|one, other| if one == PERMANENT { one } else { other });
    let word = failed
        .or_else(|| words.iter().copied().find(|word| *word == Word::NotYet))
        .or_else(|| words.first().copied())?;
    Some((word, addresses))
}

const PERMANENT: Word = Word::Failed { permanent: true };

fn word_of(group: &[(String, String)]) -> Option<Word> {
    Some(match field(group, "action")?.as_str() {
        "failed" => Word::Failed { permanent: says_there_is_none(group) },
        "delivered" => Word::Delivered,
        _ => Word::NotYet,
    })
}

/// A status that does not say (5.0.0, or none) leaves it to what the other server answered; one that does not say
/// either, either: the mailbox is taken for gone.
fn says_there_is_none(group: &[(String, String)]) -> bool {
    let status = field(group, "status").unwrap_or_default();
    let answered = field(group, "diagnostic-code").unwrap_or_default();
    let about = match Refusal::of(&status, &answered) {
        Refusal::Unstated => Refusal::read(&answered),
        refusal => refusal,
    };
    !status.starts_with('4') && matches!(about, Refusal::NoMailbox | Refusal::Unstated)
}

/// Whom a group is about: where the message was sent, and where it went from there (RFC 3464 §2.3.1, §2.3.2).
fn addresses_of(group: &[(String, String)]) -> impl Iterator<Item = String> {
    let named = ["original-recipient", "final-recipient"].into_iter().filter_map(|name| field(group, name));
    named.filter_map(|value| Some(value.split_once(';')?.1.trim().trim_matches(['<', '>']).to_owned()))
}

/// A field without its comments, in small messages.
fn field(group: &[(String, String)], name: &str) -> Option<String> {
    let value = group.iter().find(|(field, _)| field == name)?.1.as_str();
    Some(value.split('(').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Groups of fields, divided by empty lines, with folded lines joined; names in small messages.
fn groups(text: &str) -> Vec<Vec<(String, String)>> {
    let mut groups: Vec<Vec<(String, String)>> = vec![vec![]];
    for line in text.lines() {
        if line.trim().is_empty() {
            groups.push(vec![]);
            continue;
        }
        let Some(group) = groups.last_mut() else { continue };
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = group.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            group.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    groups
}

/// The message: its own header that came back, or else what the report refers to.
fn message_of(mail: &Message<'_>, marks: &Marks) -> Option<String> {
    let returned = mail.parts.iter().skip(1).find_map(|part| match &part.body {
        PartType::Message(message) => marks.find(&String::from_utf8_lossy(message.raw_message())),
        PartType::Multipart(_) => None,
        PartType::Text(_) | PartType::Html(_) | PartType::Binary(_) | PartType::InlineBinary(_) => {
            marks.find(&String::from_utf8_lossy(part.contents()))
        }
    });
    let referred = || {
        ["In-Reply-To", "References", "X-Failed-Message-Id"]
            .into_iter()
            .find_map(|name| marks.find(mail.header_raw(name)?))
    };
    returned.or_else(referred)
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
