//! Every visible word, from Fluent: Portuguese first, English complete. A page never holds text of its own,
//! so that a missing translation is a failing test and not a surprise at three in the morning.

pub(crate) mod number;

use std::fmt::Display;
use std::sync::LazyLock;

use chrono_tz::Tz;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use domain::Instant;

/// A language of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// Brazilian Portuguese, the source of every text.
    #[default]
    PtBr,
    /// English.
    En,
}

impl Lang {
    /// Every language, in the order of the switch.
    pub(crate) const ALL: [Self; 2] = [Self::PtBr, Self::En];

    /// The BCP 47 tag: the `lang` of the page, the cookie's value.
    #[must_use]
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::PtBr => "pt-BR",
            Self::En => "en",
        }
    }

    /// Its own name in itself.
    #[must_use]
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::PtBr => "Português",
            Self::En => "English",
        }
    }

    /// From a tag; `pt`, `pt-PT` and the like count as Portuguese.
    #[must_use]
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "pt" => Some(Self::PtBr),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The reader's choice: the cookie when it names a language, else the best of `Accept-Language`
    /// (RFC 9110 §12.5.4), else Portuguese.
    #[must_use]
    pub(crate) fn choose(cookie: Option<&str>, accept: Option<&str>) -> Self {
        if let Some(chosen) = cookie.and_then(Self::from_tag) {
            return chosen;
        }
        let mut best: Option<(f32, Self)> = None;
        for part in accept.unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let Some(lang) = pieces.next().map(str::trim).and_then(Self::from_tag) else { continue };
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(best_weight, _)| weight > best_weight) {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::default(), |(_, lang)| lang)
    }
}

/// The name of one text in the `.ftl` files. Written as a literal wherever a text is used: a test reads the
/// sources and holds the two files to exactly these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub &'static str);

impl From<&'static str> for Key {
    fn from(name: &'static str) -> Self {
        Self(name)
    }
}

impl From<&&'static str> for Key {
    fn from(name: &&'static str) -> Self {
        Self(name)
    }
}

impl From<&Self> for Key {
    fn from(key: &Self) -> Self {
        *key
    }
}

impl From<&&Self> for Key {
    fn from(key: &&Self) -> Self {
        **key
    }
}

type Bundle = FluentBundle<FluentResource>;

/// The texts of one language, as written.
#[must_use]
pub(crate) const fn source(lang: Lang) -> &'static str {
    match lang {
        Lang::PtBr => include_str!("../../locales/pt-BR.ftl"),
        Lang::En => include_str!("../../locales/en.ftl"),
    }
}

static PT_BR: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::PtBr));
static EN: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::En));

fn bundle(lang: Lang) -> Bundle {
    let id = lang.tag().parse::<LanguageIdentifier>().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolation marks would end up inside attributes.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match lang {
        Lang::PtBr => |value, _memo| grouped(value, Lang::PtBr),
        Lang::En => |value, _memo| grouped(value, Lang::En),
    }));
    // A file with a mistake still gives what could be read; a test refuses the mistake.
    let resource = FluentResource::try_new(source(lang).to_owned()).unwrap_or_else(|(read, _mistakes)| read);
    bundle.add_resource_overriding(resource);
    bundle
}

fn grouped(value: &FluentValue<'_>, lang: Lang) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(number::number(lang, number.value, 0)),
        _ => None,
    }
}

/// A number of things, for plurals. Pages hand over references, and references to those.
pub(crate) trait Count {
    /// The number for Fluent.
    fn value(&self) -> FluentValue<'static>;
}

macro_rules! counts {
    ($($number:ty)+) => {$(
        impl Count for $number {
            fn value(&self) -> FluentValue<'static> {
                FluentValue::from(*self)
            }
        }
    )+};
}

counts!(i64 u32 u64 usize);

impl<T: Count> Count for &T {
    fn value(&self) -> FluentValue<'static> {
        T::value(self)
    }
}

/// Who is spoken to, and where they live: the language, the zone and the present instant of one answer.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The language.
    pub lang: Lang,
    /// The reader's zone.
    pub zone: Tz,
    /// The instant of the answer.
    pub now: Instant,
}

impl Words {
    /// The text of `key`.
    #[must_use]
    pub(crate) fn say(&self, key: impl Into<Key>) -> String {
        self.fill(key.into(), &FluentArgs::new())
    }

    /// The text of `key` with `$name` filled in.
    #[must_use]
    pub(crate) fn one(&self, key: impl Into<Key>, name: &str, value: impl Display) -> String {
        let mut args = FluentArgs::new();
        args.set(name, value.to_string());
        self.fill(key.into(), &args)
    }

    /// The text of `key` with two values filled in.
    #[must_use]
    pub(crate) fn two(
        &self,
        key: impl Into<Key>,
        name: &str,
        value: impl Display,
        other: &str,
        other_value: impl Display,
    ) -> String {
        let mut args = FluentArgs::new();
        args.set(name, value.to_string());
        args.set(other, other_value.to_string());
        self.fill(key.into(), &args)
    }

    /// The text of `key` in the number of `n`, which it names `$n`.
    #[must_use]
    pub(crate) fn count(&self, key: impl Into<Key>, n: impl Count) -> String {
        let mut args = FluentArgs::new();
        args.set("n", n.value());
        self.fill(key.into(), &args)
    }

    fn fill(&self, key: Key, args: &FluentArgs<'_>) -> String {
        let bundle = match self.lang {
            Lang::PtBr => &*PT_BR,
            Lang::En => &*EN,
        };
        let Some(pattern) = bundle.get_message(key.0).and_then(|message| message.value()) else {
            debug_assert!(false, "no text is named `{}`", key.0);
            return key.0.to_owned();
        };
        let mut mistakes = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut mistakes).into_owned();
        debug_assert!(mistakes.is_empty(), "`{}` was not filled: {mistakes:?}", key.0);
        text
    }
}

#[cfg(test)]
mod tests;
