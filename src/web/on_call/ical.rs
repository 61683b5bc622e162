//! A schedule as an iCalendar feed (RFC 5545): UTC instants, so that no reader needs our idea of a zone; lines folded
//! at 75 octets; ids that stay when the feed is read again.

use audit::Digest;
use domain::Instant;
use domain::time::civil::Window;

/// What a feed shows.
pub struct Feed<'a> {
    /// The schedule's lasting id.
    pub schedule: &'a str,
    /// What the calendar is called.
    pub name: &'a str,
    /// The version of the schedule: it grows with each change.
    pub version: u32,
    /// When that came in force.
    pub changed: Instant,
    /// Turns: when, whose (an id that is not shown), and a first name.
    pub turns: Vec<(Window, String, String)>,
}

impl Feed<'_> {
    /// The calendar as a text with CRLF line ends.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, value) in [
            ("BEGIN", "VCALENDAR"),
            ("VERSION", "2.0"),
            ("PRODID", "-//Zelo//Schedules//PT"),
            ("CALSCALE", "GREGORIAN"),
            ("METHOD", "PUBLISH"),
            // RFC 7986 §5.1, and what older readers know.
            ("NAME", &escaped(self.name)),
            ("X-WR-CALNAME", &escaped(self.name)),
            ("REFRESH-INTERVAL;VALUE=DURATION", "PT1H"),
            ("X-PUBLISHED-TTL", "PT1H"),
        ] {
            line(&mut out, name, value);
        }
        for (window, whose, first_name) in &self.turns {
            let uid = Digest::of(format!("{}|{whose}|{}", self.schedule, window.from.micros()).as_bytes());
            let summary = if first_name.is_empty() {
                self.name.to_owned()
            } else {
                format!("{first_name} · {}", self.name)
            };
            line(&mut out, "BEGIN", "VEVENT");
            line(&mut out, "UID", &format!("{}@zelo", hex::encode(uid.0)));
            // Nothing but a change changes a byte: whoever asks again is told that there is nothing new.
            line(&mut out, "DTSTAMP", &utc(self.changed));
            line(&mut out, "LAST-MODIFIED", &utc(self.changed));
            line(&mut out, "SEQUENCE", &self.version.to_string());
            line(&mut out, "DTSTART", &utc(window.from));
            line(&mut out, "DTEND", &utc(window.to));
            line(&mut out, "SUMMARY", &escaped(&summary));
            line(&mut out, "TRANSP", "TRANSPARENT");
            line(&mut out, "END", "VEVENT");
        }
        line(&mut out, "END", "VCALENDAR");
        out
    }
}

/// `20261122T120000Z` (RFC 5545 §3.3.5, form 2).
fn utc(at: Instant) -> String {
    at.utc().map_or_else(String::new, |utc| utc.format("%Y%m%dT%H%M%SZ").to_string())
}

/// A text value (§3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => {}
            plain => out.push(plain),
        }
    }
    out
}

/// A content line, folded at 75 octets and never inside a character (§3.1).
fn line(out: &mut String, name: &str, value: &str) {
    let mut width = 0;
    for letter in name.chars().chain([':']).chain(value.chars()) {
        if width + letter.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(letter);
        width += letter.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_at_75_octets_and_ids_stay() {
        let at = Instant::from_secs(1_795_348_800);
        let window = Window { from: at, to: Instant::from_secs(1_795_392_000) };
        let name = "Plantão; de \"João\", à noite ".repeat(6);
        let feed = |version| Feed {
            schedule: "x",
            name: &name,
            version,
            changed: at,
            turns: vec![(window, "id".into(), "Ana".into())],
        };
        let text = feed(3).text();
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        assert!(text.contains("DTSTART:20261122T120000Z\r\n"), "{text}");
        let whole = text.replace("\r\n ", "");
        assert!(whole.contains("SUMMARY:Ana · Plantão\\; de \"João\"\\, à noite"), "{whole}");
        let uid = |text: &str| text.lines().find(|line| line.starts_with("UID")).unwrap().to_owned();
        assert_eq!(uid(&text), uid(&feed(4).text()));
        assert!(text.contains("LAST-MODIFIED:20261122T120000Z\r\nSEQUENCE:3\r\n"), "{text}");
        assert!(!text.contains("\r\nid"), "the id itself is not shown");
    }
}
