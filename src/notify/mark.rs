//! The Message-ID of a message is made of its key, the same on each attempt, and sealed: a bounce that comes back names
//! the message, and nobody who never saw one of our messages can write a bounce that we believe.

use ring::hmac;

/// Bytes of the seal that go into an id: 128 bits.
const SEAL: usize = 16;

/// Makes and knows our Message-IDs.
#[derive(Clone)]
pub struct Marks {
    key: hmac::Key,
    domain: String,
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marks(…)")
    }
}

impl Marks {
    /// `secret` must be the same after a restart; `domain` is the sender's.
    #[must_use]
    pub fn new(secret: &[u8], domain: &str) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), domain: domain.to_ascii_lowercase() }
    }

    /// The id with its angle brackets (RFC 5322 §3.6.4).
    #[must_use]
    pub fn id(&self, key: &str) -> String {
        format!("<{}.{}@{}>", hex::encode(key), hex::encode(self.seal(key)), self.domain)
    }

    /// The id of the thread that messages about one thing answer to, with its angle brackets. No message has it, and it
    /// is none that [`Marks::find`] knows: a bounce that names it names no message.
    #[must_use]
    pub fn thread(&self, about: &str) -> String {
        let tag = hmac::sign(&self.key, format!("thread\0{}\0{about}", self.domain).as_bytes());
        let name: Vec<u8> = tag.as_ref().iter().copied().take(SEAL).collect();
        format!("<{}@{}>", hex::encode(name), self.domain)
    }

    /// The list that all our messages belong to (RFC 2919), for the rules of mailboxes.
    #[must_use]
    pub fn list(&self) -> String {
        format!("Zelo <zelo.{}>", self.domain)
    }

    /// The key of the first id of ours in a text.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<String> {
        text.split(|c: char| c.is_whitespace() || "<>,;\"()".contains(c)).find_map(|word| self.key_of(word))
    }

    fn key_of(&self, word: &str) -> Option<String> {
        let (local, domain) = word.split_once('@')?;
        let (key, seal) = local.split_once('.').filter(|_| domain.eq_ignore_ascii_case(&self.domain))?;
        let key = String::from_utf8(hex::decode(key).ok()?).ok()?;
        let seal = hex::decode(seal).ok()?;
        (seal == self.seal(&key)).then_some(key)
    }

    fn seal(&self, key: &str) -> Vec<u8> {
        let tag = hmac::sign(&self.key, format!("message-id\0{}\0{key}", self.domain).as_bytes());
        tag.as_ref().iter().copied().take(SEAL).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stable_and_gives_its_key_back_from_within_a_text() {
        let marks = Marks::new(b"secret", "Zelo.Example");
        let id = marks.id("esc:1:ã");
        assert_eq!(id, marks.id("esc:1:ã"));
        let header = format!("Message-ID:\r\n {}\r\n", id.to_ascii_uppercase());
        assert_eq!(marks.find(&header).as_deref(), Some("esc:1:ã"), "{header}");
    }

    #[test]
    fn a_thread_is_stable_and_names_no_message() {
        let marks = Marks::new(b"secret", "zelo.example");
        let thread = marks.thread("alert:1");
        assert_eq!((thread == marks.thread("alert:1"), thread == marks.thread("alert:2")), (true, false));
        let header = format!("References: {thread} {}", marks.id("esc:1"));
        assert_eq!(marks.find(&header).as_deref(), Some("esc:1"), "the thread is passed over");
        assert_eq!(marks.find(&thread), None);
    }

    #[test]
    fn an_id_that_another_wrote_is_not_ours() {
        let marks = Marks::new(b"secret", "zelo.example");
        for other in [Marks::new(b"guess", "zelo.example"), Marks::new(b"secret", "other.example")] {
            assert_eq!(marks.find(&other.id("esc:1")), None);
        }
        let id = marks.id("esc:1");
        assert_eq!(marks.find(&id.replace(&hex::encode("esc:1"), &hex::encode("esc:2"))), None);
        assert_eq!(marks.find("<@zelo.example> . @ é@é"), None);
    }
}
