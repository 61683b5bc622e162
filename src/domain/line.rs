//! What somebody types and others read: a name, a label, a reason on one line. What is not seen is refused, because a
//! name with it can pass for another one; what looks the same is the same.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic, GeneralCategory, GeneralCategoryGroup,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde::{Deserialize, Serialize};

/// One line of 1 to `MOST` letters, all of them seen: trimmed, in Unicode's composed form (NFC), with plain blanks.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Line<const MOST: usize>(String);

/// The name of a thing: a team, a schedule, a policy, a turn, a day.
pub type Label = Line<80>;
/// What is written on a device.
pub type Inscription = Line<200>;
/// Why somebody did something, for the log.
pub type Reason = Line<500>;

/// What is no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALine {
    /// Nothing is seen of it.
    #[error("it is empty: write what people are to read")]
    Empty,
    /// Longer than anybody reads.
    #[error("it is too long: at most {0} characters")]
    Long(usize),
    /// It holds a letter that is not seen.
    #[error("it holds a character that is not seen, or more than one line: type it anew")]
    Unseen,
}

/// Whether a letter is not seen, or changes how its neighbours are: controls, line ends, marks that turn the direction of
/// writing, those without a width, what has no meaning yet or only between two parties.
#[must_use]
pub fn is_unseen(letter: char) -> bool {
    const UNSEEN: GeneralCategoryGroup = GeneralCategoryGroup::Other
        .union(GeneralCategoryGroup::LineSeparator)
        .union(GeneralCategoryGroup::ParagraphSeparator);
    // The braille pattern without a dot is a symbol by its category.
    letter == '\u{2800}'
        || UNSEEN.contains(CodePointMapData::<GeneralCategory>::new().get(letter))
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}

/// Whether a text of several lines holds nothing that is not seen.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    unseen(text).all(|letter| matches!(letter, '\n' | '\r' | '\t'))
}

/// The letters of a text that are not seen. What joins two pictures into one, or says that a sign is drawn as a picture,
/// belongs to the emoji: telephones write it into 👩‍⚕️.
fn unseen(text: &str) -> impl Iterator<Item = char> {
    let next = text.chars().skip(1).map(Some).chain([None]);
    let mut before = None;
    text.chars().zip(next).filter_map(move |(letter, next)| {
        let drawn = match letter {
            '\u{fe0f}' => before.is_some_and(is_picture),
            '\u{200d}' => {
                let follows = |one: char| one == '\u{fe0f}' || is_picture(one) || is_tone(one);
                before.is_some_and(follows) && next.is_some_and(is_picture)
            }
            _ => false,
        };
        before = Some(letter);
        (!drawn && is_unseen(letter)).then_some(letter)
    })
}

fn is_picture(letter: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(letter)
}

fn is_tone(letter: char) -> bool {
    CodePointSetData::new::<EmojiModifier>().contains(letter)
}

fn is_mark(letter: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(letter))
}

/// A text as a line of at most `most` letters.
///
/// # Errors
/// [`NotALine`].
pub fn read(text: &str, most: usize) -> Result<String, NotALine> {
    // Normalising takes time with the length: what is far too long is not looked at.
    if text.len() > most.saturating_mul(16) {
        return Err(NotALine::Long(most));
    }
    let text = text.trim();
    if unseen(text).next().is_some() {
        return Err(NotALine::Unseen);
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let plain: String =
        composed.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let mut marks = 0_u8;
    for letter in plain.chars() {
        marks = if is_mark(letter) { marks.saturating_add(1) } else { 0 };
        // A stack of marks runs over the lines above and below.
        if marks > 3 {
            return Err(NotALine::Unseen);
        }
    }
    match plain.chars().count() {
        0 => Err(NotALine::Empty),
        _ if plain.starts_with(is_mark) => Err(NotALine::Unseen),
        count if count > most => Err(NotALine::Long(most)),
        _ => Ok(plain),
    }
}

impl<const MOST: usize> Line<MOST> {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is left of a text that was written down before it was checked: what is not seen is taken out.
    #[must_use]
    pub fn mended(text: &str) -> Self {
        let seen: String =
            text.chars().map(|letter| if is_unseen(letter) { ' ' } else { letter }).take(MOST).collect();
        read(&seen, MOST).map_or_else(|_nothing_left| Self("?".to_owned()), Self)
    }
}

impl<const MOST: usize> FromStr for Line<MOST> {
    type Err = NotALine;

    fn from_str(text: &str) -> Result<Self, NotALine> {
        read(text, MOST).map(Self)
    }
}

impl<const MOST: usize> TryFrom<String> for Line<MOST> {
    type Error = NotALine;

    fn try_from(text: String) -> Result<Self, NotALine> {
        text.parse()
    }
}

/// The program's own words, which nobody typed.
impl<const MOST: usize> From<&'static str> for Line<MOST> {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl<const MOST: usize> From<Line<MOST>> for String {
    fn from(line: Line<MOST>) -> Self {
        line.0
    }
}

impl<const MOST: usize> Deref for Line<MOST> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> fmt::Display for Line<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MOST: usize> fmt::Debug for Line<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MOST: usize> PartialEq<str> for Line<MOST> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl<const MOST: usize> PartialEq<&str> for Line<MOST> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_refused_wherever_it_stands() {
        let unseen = "\u{0} \u{7} \u{1b} \u{7f} \u{85} \u{ad} \u{34f} \u{600} \u{61c} \u{115f} \u{180e} \u{200b} \u{200d} \
                      \u{200e} \u{200f} \u{2028} \u{2029} \u{202a} \u{202e} \u{2060} \u{2062} \u{2066} \u{2069} \u{206f} \
                      \u{2800} \u{3164} \u{e000} \u{fdd0} \u{fe0f} \u{feff} \u{ffa0} \u{fff9} \u{ffff} \u{1d173} \
                      \u{e0001} \u{e0041} \u{e0100} \u{f0000} \u{378}";
        for letter in unseen.split(' ') {
            for text in [format!("An{letter}a"), format!("{letter}Ana"), format!("x{letter}")] {
                // Some are blanks to Rust: at an end they are trimmed away.
                if text.trim().chars().any(|c| letter.contains(c)) {
                    assert_eq!(text.parse::<Label>(), Err(NotALine::Unseen), "{text:?}");
                }
            }
        }
        for text in ["Ana\nLima", "Ana\tLima", "\u{301}Ana", "a\u{301}\u{302}\u{303}\u{304}\u{305}b"] {
            assert_eq!(text.parse::<Label>(), Err(NotALine::Unseen), "{text:?}");
        }
        for text in ["", "   ", "\u{a0}\u{3000}"] {
            assert_eq!(text.parse::<Label>(), Err(NotALine::Empty), "{text:?}");
        }
        assert_eq!("a".repeat(81).parse::<Label>(), Err(NotALine::Long(80)));
        assert_eq!("a".repeat(100_000).parse::<Label>(), Err(NotALine::Long(80)));
    }

    #[test]
    fn an_emoji_of_several_parts_is_seen_and_its_joints_are_not() {
        for text in ["falta de colega 👩‍⚕️ hoje", "❤️", "👩🏽‍⚕️", "👨‍👩‍👧"]
        {
            assert!(is_plain(text) && text.parse::<Reason>().is_ok(), "{text}");
        }
        for text in
            ["A\u{200d}na", "👩\u{200d}", "\u{200d}👩", "n\u{fe0f}", "👩\u{200d}a", "👩\u{200d}\u{200d}👩"]
        {
            assert!(!is_plain(text) && text.parse::<Reason>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        let line = |text: &str| String::from(text.parse::<Label>().unwrap());
        assert_eq!(line("  Plantão da manhã  "), "Plantão da manhã");
        assert_eq!(line("Planta\u{303}o"), "Plantão");
        assert_eq!(line("Ana\u{a0}Lima"), "Ana Lima");
        for text in [
            "D'Ávila Conceição-Ñandú",
            "UTI 24/7 (noite)",
            "Ξένια",
            "李明",
            "مريم",
            "🚑",
            "a".repeat(80).as_str(),
        ] {
            assert_eq!(line(text), text);
        }
        assert!(is_plain("uma linha\r\ne\toutra") && !is_plain("uma\u{202e}artuo"));
    }

    #[test]
    fn what_was_written_down_before_is_read_without_what_is_not_seen() {
        assert_eq!(Label::mended("Turno\u{202e} da\u{200b} noite"), "Turno  da  noite");
        assert_eq!(Label::mended("\u{200b}"), "?");
        assert!(serde_json::from_str::<Label>("\"a\\u202eb\"").is_err());
    }
}
