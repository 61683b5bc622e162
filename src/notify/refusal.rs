//! What a permanent refusal is about, by its code (RFC 3463) and its words: the same whether a server says it at once
//! (RFC 5321) or reports it later (RFC 3464).

/// What a server will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such mailbox, or it is switched off.
    NoMailbox,
    /// The mailbox has no room now: its owner makes some.
    Full,
    /// It wants nothing from us, or not this message: that says nothing of the mailbox.
    NotFromUs,
    /// It does not say.
    Unstated,
}

/// Words of servers that want nothing from us, whoever the reader is.
const US: [&str; 8] = ["relay", "authent", "sender", "block", "spam", "policy", "reputation", "banned"];

/// Words of a mailbox without room.
const ROOM: [&str; 5] = ["mailbox full", "mailbox is full", "quota", "storage", "out of space"];

impl Refusal {
    /// Reads a status such as `5.2.2` and whatever words come with it, in small letters.
    #[must_use]
    pub fn of(status: &str, words: &str) -> Self {
        let is = |codes: &[&str]| codes.contains(&status);
        let begins = |codes: &[&str]| codes.iter().any(|code| status.starts_with(code));
        let says = |of: &[&str]| of.iter().any(|word| words.contains(word));
        if is(&["5.2.2", "5.3.1"]) || says(&ROOM) {
            Self::Full
        } else if is(&["5.1.7", "5.1.8", "5.2.3"]) || begins(&["5.3.", "5.5.", "5.6.", "5.7."]) || says(&US) {
            Self::NotFromUs
        } else if begins(&["5.1.", "5.2.", "5.4."]) {
            Self::NoMailbox
        } else {
            Self::Unstated
        }
    }

    /// Reads an answer whose first word may be the status, or that of a report's `Diagnostic-Code`.
    #[must_use]
    pub fn read(words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        let numbered = |word: &&str| word.split('.').count() == 3 && word.starts_with("5.");
        let status = words.split([' ', '-']).find(numbered).unwrap_or_default();
        Self::of(status, &words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_about_the_mailbox_its_room_or_us() {
        for (words, about) in [
            ("5.1.1 no such mailbox", Refusal::NoMailbox),
            ("5.1.10 this domain takes no mail", Refusal::NoMailbox),
            ("5.2.1 switched off", Refusal::NoMailbox),
            ("5.4.1 Recipient address rejected: Access denied", Refusal::NoMailbox),
            ("5.2.2 The email account that you tried to reach is over quota", Refusal::Full),
            ("5.2.2 no", Refusal::Full),
            ("5.3.1 system", Refusal::Full),
            ("Requested mail action aborted: exceeded storage allocation", Refusal::Full),
            ("Mailbox full", Refusal::Full),
            ("5.1.8 we do not know you", Refusal::NotFromUs),
            ("5.2.3 too long for this mailbox", Refusal::NotFromUs),
            ("5.3.4 too long", Refusal::NotFromUs),
            ("5.7.1 no relaying", Refusal::NotFromUs),
            ("5.7.606 go away", Refusal::NotFromUs),
            ("your network is on a blocklist", Refusal::NotFromUs),
            ("5.0.0 unknown", Refusal::Unstated),
            ("no such mailbox", Refusal::Unstated),
            ("", Refusal::Unstated),
        ] {
            assert_eq!(Refusal::read(words), about, "{words}");
        }
    }
}
