//! The lines of `revocations.log` and what proves them: each carries a seal over itself and the one before it, made with
//! a key that only this house has, and the last one is a checkpoint that this house signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Known;
use store::audit::Seals;
use store::privacy::withdrawals::Withdrawn;

/// What stands between a line and its seal.
const SEAL: &str = ",\"seal\":\"";

/// One line, without its seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    /// A withdrawal.
    Withdrawn(Withdrawn),
    /// The end of the file: the log's last checkpoint, none as long as nothing was signed.
    Head { checkpoint: Option<String> },
}

/// Why a file is not believed, and from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
    /// Nothing but the end is missing: a write that was cut short looks like this, and so does a file that was cut.
    pub torn: bool,
}

/// A file, or its end, as far as it proves itself.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// What the lines before the fault say.
    pub proven: Known,
    /// The last checkpoint in it that this house signed, whatever else is wrong with the file.
    pub signed: Option<String>,
    /// The seal that the next withdrawal goes on from.
    pub seal: Vec<u8>,
    /// Bytes of the proven lines, without the checkpoint at the end.
    pub keep: usize,
    pub fault: Option<Fault>,
}

impl Chain {
    /// Follows the lines of a file.
    pub(super) fn of(bytes: &[u8], seals: &Seals) -> Self {
        Self::follow(bytes, seals, false)
    }

    /// Follows the lines of a file's end, of which the first is taken for what it says.
    pub(super) fn of_tail(bytes: &[u8], seals: &Seals) -> Self {
        Self::follow(bytes, seals, true)
    }

    fn follow(bytes: &[u8], seals: &Seals, mut midway: bool) -> Self {
        let mut chain = Self::default();
        let (mut ended, mut line_no) = (false, 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            line_no += 1;
            let whole = line.strip_suffix(b"\n");
            let read = whole.and_then(|line| std::str::from_utf8(line).ok()).and_then(unsealed);
            if let Some(Line::Head { checkpoint: Some(note) }) =
                whole.and_then(|line| serde_json::from_slice(line).ok()).filter(|line| is_signed(line, seals))
            {
                chain.signed = Some(note);
            }
            if chain.fault.is_some() {
                continue;
            }
            let fault = |what, torn| Some(Fault { line: line_no, what, torn });
            let Some((line, body, seal)) = read else {
                chain.fault = match whole {
                    None => fault("is cut short", !ended),
                    Some(_) => fault("has no seal of this house, or is none of this file's lines", false),
                };
                continue;
            };
            if ended {
                chain.fault = fault("stands behind the checkpoint, which is the end", false);
            } else if !std::mem::take(&mut midway) && !seals.holds(&chain.seal, body.as_bytes(), &seal) {
                chain.fault = fault(
                    "does not follow from the line before it: it was altered, a line is missing, or the file is another \
                     house's",
                    false,
                );
            } else {
                match line {
                    Line::Withdrawn(line) => {
                        chain.proven.withdrawn.push(line);
                        chain.seal = seal;
                        chain.keep += whole.map_or(0, |line| line.len() + 1);
                    }
                    Line::Head { checkpoint: Some(note) } if !seals.signed(&note) => {
                        chain.fault = fault("is a checkpoint that this house did not sign", false);
                    }
                    Line::Head { checkpoint } => (chain.proven.head, ended) = (checkpoint, true),
                }
            }
        }
        if chain.fault.is_none() && !ended {
            let what =
                "is missing: the file ends without its checkpoint, so that its last lines may be missing too";
            chain.fault = Some(Fault { line: line_no + 1, what, torn: true });
        }
        chain
    }
}

/// Every line that can be read, sealed or not: of a file whose proof somebody does without.
pub(super) fn unproven(bytes: &[u8], seals: &Seals) -> Known {
    let mut known = Known::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Withdrawn(line)) => known.withdrawn.push(line),
            Ok(line @ Line::Head { .. }) if is_signed(&line, seals) => {
                if let Line::Head { checkpoint } = line {
                    known.head = checkpoint;
                }
            }
            _ => {}
        }
    }
    known
}

fn is_signed(line: &Line, seals: &Seals) -> bool {
    matches!(line, Line::Head { checkpoint: Some(note) } if seals.signed(note))
}

/// A line as it is written: what it says, and its seal behind the one `before`.
pub(super) fn sealed(line: &Line, before: &[u8], seals: &Seals) -> serde_json::Result<(String, Vec<u8>)> {
    let text = serde_json::to_string(line)?;
    let seal = seals.seal(before, text.as_bytes());
    let open = text.strip_suffix('}').unwrap_or(&text);
    Ok((format!("{open}{SEAL}{}\"}}\n", STANDARD.encode(&seal)), seal))
}

/// A line, the text that is sealed, and its seal.
fn unsealed(text: &str) -> Option<(Line, String, Vec<u8>)> {
    let (open, seal) = text.rsplit_once(SEAL)?;
    let seal = STANDARD.decode(seal.strip_suffix("\"}")?).ok()?;
    let body = format!("{open}}}");
    Some((serde_json::from_str(&body).ok()?, body, seal))
}
