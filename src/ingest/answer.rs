//! What a device is told: the outcome of its message, and the notice for those that the protocol cannot tell.

use std::borrow::Cow;

use bytes::Bytes;
use mqtt::gateway::{Answer, Outcome};
use serde::Serialize;

use super::admit::Admitted;
use crate::domain::{Instant, Signal};

/// Stored and judged, but too extreme to be believed alone: measure again.
const SUSPECT: &str = "E_SUSPECT";

/// One part of a message that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The signal's name, as far as it is known.
    pub signal: Cow<'static, str>,
    /// Why.
    pub code: Cow<'static, str>,
    /// Set aside, rather than refused.
    #[serde(skip)]
    pub aside: bool,
}

/// What became of a message as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Taken, but for `parts`.
    Taken,
    /// No permit: code and article.
    Refused {
        /// `E_…`.
        code: Cow<'static, str>,
        /// The rule's article.
        basis: Cow<'static, str>,
    },
    /// It cannot be read, or nothing in it is known: where and what.
    Malformed(String),
    /// A configured quota.
    Quota(String),
    /// It could not be committed.
    NotStored,
}

#[derive(Serialize)]
struct Notice<'a> {
    at: Instant,
    code: &'a str,
    basis: &'a str,
    packet_id: Option<u16>,
    payload_sha256: String,
    signals: &'a [Part],
}

/// The answer to a message, with its notice when anything of it was not taken, or is to be measured again:
/// `suspect` are the signals that were stored with a value too extreme to be believed alone.
#[must_use]
pub fn answer(
    message: &Admitted,
    verdict: &Verdict,
    parts: &[Part],
    suspect: &[Signal],
    now: Instant,
) -> Answer {
    let outcome = match verdict {
        Verdict::Taken if parts.is_empty() && suspect.is_empty() => return Outcome::committed().into(),
        Verdict::Taken => {
            Outcome::Committed { refused: names(parts, false), quarantined: names(parts, true) }
        }
        Verdict::Refused { code, basis } => {
            Outcome::Refused { code: code.clone(), reason: basis.clone().into_owned() }
        }
        Verdict::Malformed(reason) => Outcome::Malformed { reason: reason.clone() },
        Verdict::Quota(reason) => Outcome::Quota { reason: reason.clone() },
        Verdict::NotStored => return Outcome::NotStored.into(),
    };
    let (code, basis): (&str, &str) = match verdict {
        Verdict::Refused { code, basis } => (code, basis),
        Verdict::Malformed(reason) => ("E_PAYLOAD", reason),
        Verdict::Quota(reason) => ("E_QUOTA", reason),
        Verdict::Taken if parts.is_empty() => (SUSPECT, "measure again"),
        Verdict::Taken | Verdict::NotStored => ("E_PARTIAL", ""),
    };
    let again = suspect.iter().map(|signal| Part {
        signal: Cow::Borrowed(signal.name()),
        code: Cow::Borrowed(SUSPECT),
        aside: false,
    });
    let parts: Vec<Part> = parts.iter().cloned().chain(again).collect();
    let notice = Notice {
        at: now,
        code,
        basis,
        packet_id: message.packet_id,
        payload_sha256: hex::encode(message.sha256()),
        signals: &parts,
    };
    let answer = Answer::from(outcome);
    let answer = match serde_json::to_vec(&notice) {
        Ok(body) => answer.with_notice(Bytes::from(body)),
        Err(_never_for_these_fields) => answer,
    };
    if matches!(verdict, Verdict::Refused { code, .. } if code == "E_REVOKED") {
        return answer.then_disconnect(0x98, "E_REVOKED LGPD art. 8 §5");
    }
    answer
}

fn names(parts: &[Part], aside: bool) -> Vec<Cow<'static, str>> {
    let mut names: Vec<_> = Vec::new();
    for part in parts.iter().filter(|part| part.aside == aside) {
        if !names.contains(&part.signal) {
            names.push(part.signal.clone());
        }
    }
    names
}
