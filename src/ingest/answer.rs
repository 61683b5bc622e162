//! What a device is told: the outcome of its message, and the notice for those that the protocol cannot tell.

use std::borrow::Cow;

use bytes::Bytes;
use mqtt::gateway::{Answer, Outcome};
use serde::Serialize;

use super::admit::Admitted;
use super::parts::{Part, Parts};
use domain::{Instant, Signal};

/// To be measured again.
const AGAIN: &str = "measure again";
/// Stored and judged, but too extreme to be believed alone: measure again.
const SUSPECT: &str = "E_SUSPECT";

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
    signals: Vec<&'a Part>,
    /// How many further names there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<u32>,
}

/// The answer to a message, with its notice when anything of it was not taken, or is to be measured again:
/// `suspect` are the signals with a value too extreme to be believed alone, or at all.
#[must_use]
pub fn answer(
    message: &Admitted,
    verdict: &Verdict,
    parts: &Parts,
    suspect: &[Signal],
    now: Instant,
) -> Answer {
    let outcome = match verdict {
        Verdict::Taken if parts.is_empty() && suspect.is_empty() => return Outcome::committed().into(),
        Verdict::Taken if parts.is_empty() => Outcome::committed(),
        Verdict::Taken => Outcome::Committed {
            refused: parts.names(false),
            quarantined: parts.names(true),
            reason: parts.text(),
        },
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
        Verdict::Taken if parts.is_empty() => (SUSPECT, AGAIN),
        Verdict::Taken if !suspect.is_empty() => ("E_PARTIAL", AGAIN),
        Verdict::Taken | Verdict::NotStored => ("E_PARTIAL", ""),
    };
    let ask = |signal: &Signal| Part {
        signal: Cow::Borrowed(signal.name()),
        code: SUSPECT,
        aside: false,
        count: 1,
        records: Vec::new(),
    };
    let again: Vec<Part> = suspect.iter().map(ask).collect();
    let notice = Notice {
        at: now,
        code,
        basis,
        packet_id: message.packet_id,
        payload_sha256: hex::encode(message.sha256()),
        signals: parts.iter().chain(&again).collect(),
        more: Some(parts.more()).filter(|more| *more > 0),
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
