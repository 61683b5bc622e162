//! Which kinds of files there may be. Bytes say what a file is (their signature, or that they are text); what its sender
//! declared is only held against that, and a file that says one thing and is another is refused.

use super::MOST_BYTES;
use std::fmt;

/// A kind of file (RFC 6838).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// A photo.
    Jpeg,
    /// An image without loss.
    Png,
    /// A photo or an image.
    WebP,
    /// A document.
    Pdf,
    /// Text.
    Text,
    /// A table as text. Its bytes do not tell it from text: the sender says so.
    Csv,
}

/// What is not taken as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAFile {
    /// Nothing was sent.
    #[error("the file is empty")]
    Empty,
    /// More than one file may have.
    #[error("a file has 10 MiB at the most")]
    TooLarge,
    /// Of no kind that is taken.
    #[error("a file is a JPEG, PNG or WebP image, a PDF, or plain text or CSV in UTF-8")]
    Unknown,
    /// Declared as one thing and by its bytes another.
    #[error("the bytes are not what the declared type says")]
    Disagrees,
}

impl MediaType {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Jpeg, Self::Png, Self::WebP, Self::Pdf, Self::Text, Self::Csv];

    /// The registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
            Self::Csv => "text/csv",
        }
    }

    /// From the registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }

    /// What the names of such files end with, the usual one first.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::WebP => &["webp"],
            Self::Pdf => &["pdf"],
            Self::Text => &["txt"],
            Self::Csv => &["csv"],
        }
    }

    /// The `Content-Type` with which it is handed out.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            other => other.name(),
        }
    }

    /// What a file is. `declared` is the `Content-Type` that came with it: empty, or `application/octet-stream`, says
    /// nothing.
    ///
    /// # Errors
    /// [`NotAFile`].
    pub fn of(bytes: &[u8], declared: &str) -> Result<Self, NotAFile> {
        if bytes.is_empty() {
            return Err(NotAFile::Empty);
        }
        if bytes.len() > MOST_BYTES {
            return Err(NotAFile::TooLarge);
        }
        let found = signed(bytes).or_else(|| is_text(bytes).then_some(Self::Text));
        let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match (found, Declared::of(&essence)) {
            (None, Declared::Nothing | Declared::Other) => Err(NotAFile::Unknown),
            (Some(_), Declared::Other) | (None, Declared::As(_)) => Err(NotAFile::Disagrees),
            (Some(found), Declared::Nothing) => Ok(found),
            (Some(Self::Text), Declared::As(Self::Csv)) => Ok(Self::Csv),
            (Some(found), Declared::As(declared)) if declared == found => Ok(found),
            (Some(_), Declared::As(_)) => Err(NotAFile::Disagrees),
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a sender declared a file to be.
enum Declared {
    Nothing,
    As(MediaType),
    /// Something that is not taken.
    Other,
}

impl Declared {
    fn of(essence: &str) -> Self {
        match essence {
            "" | "application/octet-stream" | "binary/octet-stream" => Self::Nothing,
            "image/jpg" | "image/pjpeg" => Self::As(MediaType::Jpeg),
            // Browsers on a machine with a spreadsheet program call a CSV so.
            "application/vnd.ms-excel" | "application/csv" => Self::As(MediaType::Csv),
            named => MediaType::from_name(named).map_or(Self::Other, Self::As),
        }
    }
}

/// The kind whose signature a file begins with.
fn signed(bytes: &[u8]) -> Option<MediaType> {
    let begins = |with: &[u8]| bytes.starts_with(with);
    if begins(&[0xff, 0xd8, 0xff]) {
        Some(MediaType::Jpeg)
    } else if begins(b"\x89PNG\r\n\x1a\n") {
        Some(MediaType::Png)
    } else if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(MediaType::WebP)
    } else if begins(b"%PDF-") {
        Some(MediaType::Pdf)
    } else {
        None
    }
}

/// Whether a file is text: UTF-8 without control characters but line ends, tabs and form feeds.
fn is_text(bytes: &[u8]) -> bool {
    let is_blank = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(|c| is_blank(c) || !c.is_control()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 ";
    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

    #[test]
    fn the_bytes_say_what_a_file_is() {
        let files = [
            (JPEG, MediaType::Jpeg),
            (PNG, MediaType::Png),
            (WEBP, MediaType::WebP),
            (PDF, MediaType::Pdf),
            ("glicemia às 8 h\n".as_bytes(), MediaType::Text),
        ];
        for (bytes, media) in files {
            for declared in ["", "application/octet-stream", media.name()] {
                assert_eq!(MediaType::of(bytes, declared), Ok(media), "{declared}");
            }
            let upper = format!("{} ; charset=UTF-8", media.name().to_ascii_uppercase());
            assert_eq!(MediaType::of(bytes, &upper), Ok(media));
        }
        for declared in ["text/csv", "text/csv; charset=utf-8", "application/vnd.ms-excel"] {
            assert_eq!(MediaType::of(b"at,value\n8:00,110\n", declared), Ok(MediaType::Csv));
        }
        assert_eq!(MediaType::of(JPEG, "image/jpg"), Ok(MediaType::Jpeg));
    }

    #[test]
    fn what_says_one_thing_and_is_another_is_refused() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
        for declared in ["image/png", "image/svg+xml", "application/pdf", "text/html", "application/json"] {
            assert_eq!(MediaType::of(svg, declared), Err(NotAFile::Disagrees), "{declared}");
        }
        assert_eq!(MediaType::of(PNG, "image/jpeg"), Err(NotAFile::Disagrees));
        assert_eq!(MediaType::of(PDF, "text/plain"), Err(NotAFile::Disagrees));
        assert_eq!(MediaType::of(b"MZ\x90\0\x03", "image/png"), Err(NotAFile::Disagrees));
        // A spreadsheet by its bytes too.
        assert_eq!(
            MediaType::of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
            Err(NotAFile::Disagrees)
        );
    }

    #[test]
    fn what_is_of_no_kind_is_refused() {
        for bytes in [
            &b"MZ\x90\0\x03"[..],
            b"PK\x03\x04\x14\0",
            b"GIF89a\x01\0",
            b"RIFF\x24\0\0\0WAVE",
            b"caf\xe9",
            b"\xff\xfea\0b\0",
            b"a\0b",
            b"\x1b[31mred",
        ] {
            assert_eq!(MediaType::of(bytes, ""), Err(NotAFile::Unknown), "{bytes:?}");
        }
        assert_eq!(MediaType::of(b"", "image/png"), Err(NotAFile::Empty));
        let most = vec![b'a'; MOST_BYTES];
        assert_eq!(MediaType::of(&most, ""), Ok(MediaType::Text));
        assert_eq!(MediaType::of(&[&most[..], b"a"].concat(), ""), Err(NotAFile::TooLarge));
    }

    proptest! {
        #[test]
        fn a_file_is_never_taken_as_what_its_bytes_are_not(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            declared in prop::sample::select(vec!["", "image/png", "text/csv", "application/pdf", "x/y"]),
        ) {
            if let Ok(media) = MediaType::of(&bytes, declared) {
                match media {
                    MediaType::Text | MediaType::Csv => prop_assert!(std::str::from_utf8(&bytes).is_ok()),
                    signature => prop_assert_eq!(signed(&bytes), Some(signature)),
                }
                prop_assert!(declared.is_empty() || declared == media.name());
            }
        }

        #[test]
        fn any_line_of_letters_is_text(text in "[a-zà-ü0-9 ,;\n]{1,80}") {
            prop_assert_eq!(MediaType::of(text.as_bytes(), "text/plain"), Ok(MediaType::Text));
        }
    }
}
