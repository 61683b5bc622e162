//! What a grant reaches: data, devices, recipients, channels and countries (LGPD art. 8 §4: a specific
//! authorisation; the generic one is void).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::datum::Datum;

registry! {
    /// A way to reach a person.
    Channel {
        /// E-mail.
        Email = 1, "email";
        /// WhatsApp.
        Whatsapp = 2, "whatsapp";
        /// SMS.
        Sms = 3, "sms";
        /// Push notification.
        Push = 4, "push";
        /// A telephone call.
        Voice = 5, "voice";
        /// A message inside the portal.
        InApp = 6, "in_app";
    }
}

/// A device or a recipient: the sixteen bytes of its UUID. Written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 16]);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        match u128::from_str_radix(&text, 16) {
            Ok(number) if text.len() == 32 => Ok(Self(number.to_be_bytes())),
            _ => Err(D::Error::custom("an id is written as 32 hexadecimal digits")),
        }
    }
}

/// A country by its two capital letters (ISO 3166-1 alpha-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Brazil.
    pub const BR: Self = Self(*b"BR");

    /// From two capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            &[first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                Some(Self([first, second]))
            }
            _ => None,
        }
    }

    /// The two letters.
    #[must_use]
    pub fn letters(self) -> [char; 2] {
        self.0.map(char::from)
    }
}

impl Default for Country {
    fn default() -> Self {
        Self::BR
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&String::from_iter(self.letters()))
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a country is two capital letters (ISO 3166-1)"))
    }
}

/// Everything the term describes, or only what is listed. An empty list allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed<T> {
    /// Whatever the term describes.
    #[default]
    Any,
    /// Only these.
    Only(Box<[T]>),
}

impl<T: PartialEq> Allowed<T> {
    /// Only these.
    pub fn only(items: impl IntoIterator<Item = T>) -> Self {
        Self::Only(items.into_iter().collect())
    }

    /// Whether `item` is inside.
    #[must_use]
    pub fn allows(&self, item: &T) -> bool {
        match self {
            Self::Any => true,
            Self::Only(items) => items.contains(item),
        }
    }

    /// Whether `item` is listed by name; `Any` names nothing.
    #[must_use]
    pub fn names(&self, item: &T) -> bool {
        matches!(self, Self::Only(items) if items.contains(item))
    }
}

/// How far one grant reaches. The default reaches what its term describes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Classes of data.
    pub data: Allowed<Datum>,
    /// Devices, by id.
    pub devices: Allowed<Id>,
    /// Recipients, by id.
    pub recipients: Allowed<Id>,
    /// Channels.
    pub channels: Allowed<Channel>,
    /// Countries. A transfer that rests on specific consent (LGPD art. 33 VIII) needs its country named here.
    pub countries: Allowed<Country>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_survives_json_and_a_foreign_field_is_refused() {
        let scope = Scope {
            data: Allowed::only([Datum::Reading]),
            devices: Allowed::only([Id([0xab; 16])]),
            countries: Allowed::only([Country::parse("PT").unwrap()]),
            ..Scope::default()
        };
        let json = serde_json::to_string(&scope).unwrap();
        assert!(json.contains(r#""countries":{"only":["PT"]}"#), "{json}");
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
        assert_eq!(serde_json::from_str::<Scope>("{}").unwrap(), Scope::default());
        assert!(serde_json::from_str::<Scope>(r#"{"everything":"any"}"#).is_err());
        assert!(serde_json::from_str::<Scope>(r#"{"countries":{"only":["br"]}}"#).is_err());
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert!(!Allowed::<Channel>::only([]).allows(&Channel::Sms));
        assert!(Allowed::Any.allows(&Channel::Sms));
        assert!(!Allowed::Any.names(&Channel::Sms));
    }
}
