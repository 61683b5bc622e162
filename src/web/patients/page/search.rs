//! What a person looks for, held against names that are sealed at rest: each word typed begins a word of the name,
//! accents and case aside.

use domain::{Cns, Cpf};

/// Words to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted(Vec<String>);

impl Wanted {
    /// From what was typed.
    #[must_use]
    pub(crate) fn of(typed: &str) -> Self {
        Self(folded(typed))
    }

    /// Whether nothing was typed: every name fits.
    #[must_use]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a name is meant.
    #[must_use]
    pub(crate) fn fits(&self, name: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        let name = folded(name);
        self.0.iter().all(|word| name.iter().any(|part| part.starts_with(word.as_str())))
    }
}

/// A number that names one person, found through its blind index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Number {
    /// Of the tax registry.
    Cpf(Cpf),
    /// Of the national health card.
    Cns(Cns),
}

impl Number {
    /// The number typed, if it is one.
    #[must_use]
    pub(crate) fn of(typed: &str) -> Option<Self> {
        let typed = typed.trim();
        let number = typed.parse().map(Self::Cpf).or_else(|_not_one| typed.parse().map(Self::Cns));
        number.ok()
    }
}

/// The words of a text in small letters without accents.
fn folded(text: &str) -> Vec<String> {
    let plain: String = text.chars().flat_map(char::to_lowercase).map(bare).collect();
    plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(Into::into)
        .collect()
}

/// A small Latin letter without its accent.
const fn bare(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_a_name_by_their_beginnings_in_any_order_without_accents() {
        let name = "Kátia Conceição d'Ávila";
        for typed in ["katia", "KÁT", "avila katia", "conceicao", "  ", "d avila", "kat, conc"] {
            assert!(Wanted::of(typed).fits(name), "{typed}");
        }
        for typed in ["atia", "katia souza", "vila"] {
            assert!(!Wanted::of(typed).fits(name), "{typed}");
        }
    }

    #[test]
    fn a_number_is_one_only_with_its_check_digits() {
        assert!(matches!(Number::of("529.982.247-25"), Some(Number::Cpf(_))));
        assert_eq!(Number::of("529.982.247-26"), None);
        assert_eq!(Number::of("Maria"), None);
    }
}
