//! What a mail server says of a letter later, as it comes by mail (RFC 3464 in RFC 6522). Whatever is no such report on
//! a letter of ours is somebody's mail and is left alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::mark::Marks;
use crate::domain::message::Receipt;

/// A report on one letter of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// The letter's key.
    pub key: String,
    /// [`Receipt::Undeliverable`] or [`Receipt::Delivered`].
    pub receipt: Receipt,
    /// Another attempt to the same address would fail too (status 5.x.x).
    pub permanent: bool,
}

/// What a mail is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// A final word on a letter of ours.
    Report(Bounce),
    /// An answer, an advertisement, a delay, a report on another's letter.
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
    let Some(said) = mail.parts.iter().find_map(status_of) else { return Mail::Broken };
    match (letter_of(&mail, marks), said) {
        (Some(key), Word::Failed { permanent }) => {
            Mail::Report(Bounce { key, receipt: Receipt::Undeliverable, permanent })
        }
        (Some(key), Word::Delivered) => {
            Mail::Report(Bounce { key, receipt: Receipt::Delivered, permanent: false })
        }
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

/// A letter of ours has one reader. Where a list made several of it, one of them who was not reached counts: rather
/// one call too many.
fn status_of(part: &MessagePart<'_>) -> Option<Word> {
    let kind = part.content_type()?;
    let subtype = kind.subtype()?.to_ascii_lowercase();
    if !kind.ctype().eq_ignore_ascii_case("message")
        || !matches!(subtype.as_str(), "delivery-status" | "global-delivery-status")
    {
        return None;
    }
    let text = String::from_utf8_lossy(part.contents());
    let words: Vec<Word> = groups(&text).iter().filter_map(|group| word_of(group)).collect();
    let failed = words.iter().rev().copied().filter(|word| matches!(word, Word::Failed { .. }));
    let failed = failed.reduce(|one, other| if one == PERMANENT { one } else { other });
    failed
        .or_else(|| words.iter().copied().find(|word| *word == Word::NotYet))
        .or_else(|| words.first().copied())
}

const PERMANENT: Word = Word::Failed { permanent: true };

fn word_of(group: &[(String, String)]) -> Option<Word> {
    let field = |name: &str| {
        let value = group.iter().find(|(field, _)| field == name)?.1.as_str();
        Some(value.split('(').next().unwrap_or_default().trim().to_ascii_lowercase())
    };
    Some(match field("action")?.as_str() {
        "failed" => Word::Failed { permanent: field("status").is_none_or(|status| !status.starts_with('4')) },
        "delivered" => Word::Delivered,
        _ => Word::NotYet,
    })
}

/// Groups of fields, divided by empty lines, with folded lines joined; names in small letters.
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

/// The letter: its own header that came back, or else what the report refers to.
fn letter_of(mail: &Message<'_>, marks: &Marks) -> Option<String> {
    let returned = mail.parts.iter().skip(1).find_map(|part| match &part.body {
        PartType::Message(letter) => marks.find(&String::from_utf8_lossy(letter.raw_message())),
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
