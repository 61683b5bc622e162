//! Canonical JSON (RFC 8785) in the log's profile: no fraction, no null, integers within ±(2^53 − 1), ASCII
//! keys, no key twice. Inside it every canonicaliser agrees; outside it they differ, so it is refused.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The largest integer that every JSON reader keeps exactly (RFC 8785 §3.2.2.3).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why the text is not canonical, or cannot become so.
#[derive(Debug, thiserror::Error)]
pub enum JcsError {
    /// Not JSON, or outside the profile.
    #[error("not in the log's JSON profile: {0}")]
    Profile(#[from] serde_json::Error),
    /// JSON in the profile, written another way.
    #[error("not in canonical form (RFC 8785): order of keys, spaces or escapes differ")]
    Form,
}

/// `json` in its canonical form.
///
/// # Errors
/// [`JcsError::Profile`] when it is not JSON or is outside the profile.
pub fn canonical(json: &[u8]) -> Result<Vec<u8>, JcsError> {
    let mut out = Vec::with_capacity(json.len());
    let mut reader = serde_json::Deserializer::from_slice(json);
    Canon(&mut out).deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

/// Whether `json` is canonical as it stands.
///
/// # Errors
/// [`JcsError`] when it is not.
pub fn check(json: &[u8]) -> Result<(), JcsError> {
    if canonical(json)? == json { Ok(()) } else { Err(JcsError::Form) }
}

/// Reads one value and writes it canonically.
struct Canon<'o>(&'o mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Canon<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Canon<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, a list, a string, a boolean or an integer within ±(2^53 − 1)")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        if value > MAX_INTEGER {
            return Err(E::custom("an integer beyond 2^53 − 1"));
        }
        write!(self.0, "{value}").map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(E::custom("an integer beyond −(2^53 − 1)"));
        }
        write!(self.0, "{value}").map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        // serde_json escapes exactly what RFC 8785 §3.2.2.2 asks: \b \t \n \f \r \" \\ and \u00xx below space.
        serde_json::to_writer(self.0, value).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let mut first = true;
        loop {
            let before = self.0.len();
            if !first {
                self.0.push(b',');
            }
            if items.next_element_seed(Canon(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
            first = false;
        }
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let start = self.0.len();
        let mut written: Vec<(Cow<'de, str>, Range<usize>)> = Vec::new();
        while let Some(Key(key)) = members.next_key()? {
            if !key.is_ascii() {
                return Err(A::Error::custom("a key that is not ASCII"));
            }
            let from = self.0.len();
            serde_json::to_writer(&mut *self.0, &key).map_err(A::Error::custom)?;
            self.0.push(b':');
            members.next_value_seed(Canon(self.0))?;
            written.push((key, from..self.0.len()));
        }
        written.sort_by(|a, b| a.0.cmp(&b.0));
        if written.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
            return Err(A::Error::custom("a key that stands twice"));
        }
        let members: Vec<&[u8]> = written.iter().filter_map(|(_, at)| self.0.get(at.clone())).collect();
        let joined = members.join(&b',');
        self.0.truncate(start);
        self.0.push(b'{');
        self.0.extend(joined);
        self.0.push(b'}');
        Ok(())
    }
}

/// A member's name, borrowed where the text allows.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn vector(kind: &str, name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/jcs").join(kind);
        fs::read(folder.join(name)).unwrap()
    }

    #[test]
    fn the_published_vector_within_the_profile_becomes_its_output() {
        let input = String::from_utf8(vector("input", "structures.json")).unwrap();
        let output = vector("output", "structures.json");
        let whole = input.replace("56.0", "56");
        assert_eq!(canonical(whole.as_bytes()).unwrap(), output);
        check(&output).unwrap();
        assert!(matches!(check(whole.as_bytes()), Err(JcsError::Form)));
        let hex = String::from_utf8(vector("outhex", "structures.txt")).unwrap();
        assert_eq!(hex::decode(hex.split_whitespace().collect::<String>()).unwrap(), output);
    }

    #[test]
    fn the_published_vectors_outside_the_profile_are_refused() {
        for (name, why) in
            [("structures.json", "floating"), ("arrays.json", "null"), ("french.json", "not ASCII")]
        {
            let refused = canonical(&vector("input", name)).unwrap_err().to_string();
            assert!(refused.contains(why), "{name}: {refused}");
        }
    }

    #[test]
    fn integers_end_at_two_to_the_fifty_third() {
        check(b"[9007199254740991,-9007199254740991]").unwrap();
        for bad in ["9007199254740992", "-9007199254740992", "18446744073709551615", "1e2", "-0", "0.5", "01"]
        {
            assert!(matches!(canonical(bad.as_bytes()), Err(JcsError::Profile(_))), "{bad}");
        }
    }

    #[test]
    fn a_key_twice_is_refused_on_every_level_even_when_escaped() {
        for bad in [r#"{"a":1,"a":2}"#, r#"{"b":{"a":1,"c":2,"a":1}}"#, r#"[{"a":1,"\u0061":1}]"#] {
            let refused = canonical(bad.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains("twice"), "{bad}: {refused}");
        }
    }

    #[test]
    fn what_is_written_another_way_is_not_canonical() {
        for bad in [r#"{"b":1,"a":2}"#, r#"{"a": 1}"#, r#"{"a":"\u0061"}"#, r#"{"a":"\/"}"#, "{}\n", "[1, 2]"]
        {
            assert!(matches!(check(bad.as_bytes()), Err(JcsError::Form)), "{bad}");
        }
        for good in [r#"{"a":[],"b":{},"c":["é",true,-5]}"#, r#""\b\t\n\f\r\"\\\u0001""#] {
            check(good.as_bytes()).unwrap();
        }
        assert!(check(b"{} {}").is_err() && check(b"").is_err() && check(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_nest_without_end_is_refused_and_not_followed() {
        let deep = "[".repeat(100_000);
        assert!(check(deep.as_bytes()).is_err());
    }
}
