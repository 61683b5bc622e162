//! What a file is called where people read it and where it is handed out: one seen line without a path, which ends the way
//! files of its kind end. A name is mended and never refused: it comes from a telephone's camera, not from a person.

use std::fmt;

use super::MediaType;
use crate::line;

/// The most letters of a name.
const MOST: usize = 120;
/// What a file without a name is called.
const NAMELESS: &str = "anexo";
/// What some system takes for a path, a device or a pattern.
const RESERVED: [char; 7] = [':', '*', '?', '"', '<', '>', '|'];

/// A file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// From what a sender called a file of this kind.
    #[must_use]
    pub fn of(said: &str, media: MediaType) -> Self {
        let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
        let seen = last.chars().take(MOST * 4).filter(|letter| !line::is_unseen(*letter));
        let plain: String = seen.map(|one| if RESERVED.contains(&one) { '_' } else { one }).collect();
        // Composed first, so that what is cut is what is read.
        let plain = line::read(&plain, MOST * 4).unwrap_or_default();
        let usual = media.extensions().first().copied().unwrap_or_default();
        let (stem, end) = match plain.rsplit_once('.') {
            Some((stem, end)) if media.extensions().contains(&end.to_ascii_lowercase().as_str()) => {
                (stem, end)
            }
            _ => (plain.as_str(), usual),
        };
        let room = MOST.saturating_sub(end.len() + 1);
        let stem: String = trimmed(stem).chars().take(room).collect();
        // Read once more: without the point before it, a mark would stand on nothing.
        let stem = line::read(trimmed(&stem), MOST).unwrap_or_default();
        let stem = if stem.is_empty() { NAMELESS } else { &stem };
        Self(format!("{stem}.{end}"))
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the value of `filename*` (RFC 8187): UTF-8, all but letters, digits and `-._~` in percent form.
    #[must_use]
    pub fn encoded(&self) -> String {
        encoded(&self.0)
    }
}

/// A text in the form of RFC 8187 §3.2, without its charset.
#[must_use]
pub fn encoded(text: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

fn trimmed(stem: &str) -> &str {
    stem.trim_matches(|letter: char| letter == '.' || letter.is_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(said: &str) -> String {
        FileName::of(said, MediaType::Jpeg).into()
    }

    #[test]
    fn a_name_is_a_seen_line_without_a_path() {
        for (said, name) in [
            ("lesão no pé.jpg", "lesão no pé.jpg"),
            ("IMG_0001.JPG", "IMG_0001.JPG"),
            ("foto.jpeg", "foto.jpeg"),
            ("../../etc/passwd", "passwd.jpg"),
            (r"C:\Users\ana\foto.jpg", "foto.jpg"),
            ("foto\u{202e}gpj.exe", "fotogpj.exe.jpg"),
            ("foto\r\nSet-Cookie: a=b.jpg", "fotoSet-Cookie_ a=b.jpg"),
            ("a\u{0}b\u{200b}c.jpg", "abc.jpg"),
            ("pagina.html", "pagina.html.jpg"),
            ("  ..foto..jpg ", "foto.jpg"),
            ("\"><script>.jpg", "___script_.jpg"),
            ("Jose\u{301}.jpg", "José.jpg"),
            ("", "anexo.jpg"),
            ("..", "anexo.jpg"),
            (".jpg", "anexo.jpg"),
            ("fotos/", "anexo.jpg"),
            ("\u{301}", "anexo.jpg"),
            (".\u{11370}", "anexo.jpg"),
        ] {
            assert_eq!(named(said), name, "{said:?}");
        }
        let long = named(&format!("{}.jpg", "é".repeat(5_000)));
        assert_eq!((long.chars().count(), long.ends_with("é.jpg")), (120, true));
    }

    #[test]
    fn a_name_in_a_header_is_letters_of_ascii() {
        let name = FileName::of("lesão \"1\"; x=y.png", MediaType::Png);
        assert_eq!(name.encoded(), "les%C3%A3o%20_1_%3B%20x%3Dy.png");
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_name_is_short_seen_ends_as_its_kind_and_stays(
            said in any::<String>(),
            media in prop::sample::select(MediaType::ALL.to_vec()),
        ) {
            let name = FileName::of(&said, media);
            let text = name.as_str();
            prop_assert!(text.chars().count() <= MOST);
            prop_assert!(!text.contains(['/', '\\', '"', '\r', '\n']));
            prop_assert!(!text.chars().any(line::is_unseen));
            let end = text.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
            prop_assert!(media.extensions().contains(&end.as_str()), "{}", text);
            prop_assert_eq!(&FileName::of(text, media), &name, "cleaning twice changes nothing");
            prop_assert!(name.encoded().is_ascii());
        }
    }
}
