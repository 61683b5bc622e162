//! What tells a person from others, checked when it enters and never printed: CPF, CNS, e-mail, telephone.
//! Rules and vectors: compliance reference §6 (Receita Federal; ANVISA RNI and e-SUS LEDI routine).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::line::{self, is_unseen};

/// What was given is not what it should be. Never holds the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotValid {
    /// Not a CPF.
    #[error("not a CPF: it has 11 digits and two of them check the others")]
    Cpf,
    /// Not a CNS.
    #[error("not a CNS: it has 15 digits, begins with 1, 2, 7, 8 or 9, and checks itself")]
    Cns,
    /// Not an e-mail address.
    #[error("not an e-mail address: it looks like name@example.org")]
    Email,
    /// Not a telephone number.
    #[error(
        "not a telephone number: in Brazil area code and number, elsewhere + and the country's code first"
    )]
    Phone,
    /// Not a name.
    #[error("not a name: it has 1 to 200 letters on one line")]
    Name,
}

macro_rules! checked {
    ($(#[$doc:meta])+ $name:ident, $fault:ident, $check:path) => {
        $(#[$doc])+
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The normal form, which is stored sealed and indexed blind.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotValid;

            fn from_str(text: &str) -> Result<Self, NotValid> {
                $check(text).map(Self).ok_or(NotValid::$fault)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotValid;

            fn try_from(text: String) -> Result<Self, NotValid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

checked! {
    /// Cadastro de Pessoas Físicas: 11 digits. A valid one need not exist.
    Cpf, Cpf, cpf
}
checked! {
    /// Cartão Nacional de Saúde: 15 digits, definitive (1, 2) or provisional (7, 8, 9).
    Cns, Cns, cns
}
checked! {
    /// An e-mail address in lower case.
    Email, Email, email
}
checked! {
    /// A telephone number as E.164: `+5511987654321`.
    Phone, Phone, phone
}
checked! {
    /// A person's name: as [`line::Line`], at most 200 characters.
    Name, Name, name
}

impl Cpf {
    /// As screens show it: `***.982.247-**`.
    #[must_use]
    pub fn masked(&self) -> String {
        let middle = |skip: usize| self.0.chars().skip(skip).take(3).collect::<String>();
        format!("***.{}.{}-**", middle(3), middle(6))
    }
}

/// The digits of `text` without the separators people write; `None` when anything else is in it.
fn digits(text: &str, separators: &[char]) -> Option<Vec<u32>> {
    text.chars().filter(|c| !separators.contains(c)).map(|c| c.to_digit(10)).collect()
}

fn text_of(digits: &[u32]) -> String {
    digits.iter().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

/// Σ digit × weight, where weights fall by one from `top`.
fn weighted(digits: &[u32], top: u32) -> u32 {
    digits.iter().zip((0..=top).rev()).map(|(digit, weight)| digit * weight).sum()
}

fn cpf(text: &str) -> Option<String> {
    let digits = digits(text, &['.', '-', ' '])?;
    let (first, rest) = digits.split_first()?;
    if digits.len() != 11 || rest.iter().all(|digit| digit == first) {
        return None;
    }
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let (nine, ten) = (digits.get(..9)?, digits.get(..10)?);
    let right = digits.get(9..)? == [check(weighted(nine, 10)), check(weighted(ten, 11))];
    right.then(|| text_of(&digits))
}

fn cns(text: &str) -> Option<String> {
    let digits = digits(text, &['.', ' '])?;
    if digits.len() != 15 {
        return None;
    }
    let right = match digits.first()? {
        1 | 2 => digits == definitive_cns(digits.get(..11)?),
        7..=9 => weighted(&digits, 15).is_multiple_of(11),
        _ => false,
    };
    right.then(|| text_of(&digits))
}

/// The definitive number that belongs to a PIS-like root. The sum alone is too weak a test: `184579652986626`.
fn definitive_cns(root: &[u32]) -> Vec<u32> {
    let sum = weighted(root, 15);
    let (middle, check) = match 11 - sum % 11 {
        11 => ([0, 0, 0], 0),
        10 => ([0, 0, 1], 11 - (sum + 2) % 11),
        check => ([0, 0, 0], check),
    };
    root.iter().copied().chain(middle).chain([check]).collect()
}

fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let plain = |c: char| !is_unseen(c) && !c.is_whitespace() && !"<>()[]\\,;:\"@".contains(c);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let right = text.len() <= 254
        && (1..=64).contains(&local.len())
        && local.chars().all(plain)
        && domain.contains('.')
        && domain.split('.').all(label);
    right.then(|| text.to_lowercase())
}

fn phone(text: &str) -> Option<String> {
    let text = text.trim();
    let (abroad, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let digits = text_of(&digits(rest, &[' ', '-', '(', ')', '.'])?);
    match (abroad, digits.strip_prefix("55")) {
        (true, Some(national)) => brazilian(national),
        (true, None) => {
            ((8..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
        }
        (false, Some(national)) if digits.len() > 11 => brazilian(national),
        (false, _) => brazilian(digits.strip_prefix('0').unwrap_or(&digits)),
    }
}

/// Area code without a zero, then nine digits that begin with 9, or eight that begin with 2 to 5.
fn brazilian(national: &str) -> Option<String> {
    let (area, number) = national.split_at_checked(2)?;
    let right = !area.contains('0')
        && match number.len() {
            9 => number.starts_with('9'),
            8 => number.starts_with(['2', '3', '4', '5']),
            _ => false,
        };
    right.then(|| format!("+55{national}"))
}

fn name(text: &str) -> Option<String> {
    line::read(text, 200).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpfs_of_the_reference_are_told_right_from_wrong() {
        for good in
            "52998224725 11144477735 12345678909 00000000191 00000000604 90000000094 98765432100".split(' ')
        {
            assert_eq!(good.parse::<Cpf>().unwrap().as_str(), good);
        }
        assert_eq!("529.982.247-25".parse::<Cpf>().unwrap().masked(), "***.982.247-**");
        let bad = [
            "52998224724",
            "52998224735",
            "11111111111",
            "5299822472",
            "5299822472A",
            "",
            "５２９９８２２４７２５",
        ];
        for bad in bad {
            assert_eq!(bad.parse::<Cpf>(), Err(NotValid::Cpf), "{bad}");
        }
    }

    #[test]
    fn cns_numbers_of_the_reference_are_told_right_from_wrong() {
        let good = "100000000000007 123456789010000 200000000000003 298765432100018 100000000060018 \
                    700000000000005 800000000000001 900000000000008 898000000043208";
        for good in good.split_whitespace() {
            assert_eq!(good.parse::<Cns>().unwrap().as_str(), good);
        }
        let bad = "100000000000008 184579652986626 300000000000000 898000000043209 70000000000000";
        for bad in bad.split(' ') {
            assert_eq!(bad.parse::<Cns>(), Err(NotValid::Cns), "{bad}");
        }
    }

    #[test]
    fn telephones_become_e164() {
        for (given, stored) in [
            ("(11) 98765-4321", "+5511987654321"),
            ("011 3333-4444", "+551133334444"),
            ("5511987654321", "+5511987654321"),
            ("+55 55 3222 1111", "+555532221111"),
            ("55 99999-1234", "+5555999991234"),
            ("+351 912 345 678", "+351912345678"),
        ] {
            assert_eq!(given.parse::<Phone>().unwrap().as_str(), stored);
        }
        for bad in ["", "190", "(10) 98765-4321", "11 8765-4321", "+0 123 456 789", "11 98765 432x"] {
            assert_eq!(bad.parse::<Phone>(), Err(NotValid::Phone), "{bad}");
        }
    }

    #[test]
    fn addresses_are_lowered_and_nothing_personal_is_printed() {
        let email: Email = " Maria.Souza@Exemplo.COM.BR ".parse().unwrap();
        assert_eq!(email.as_str(), "maria.souza@exemplo.com.br");
        assert_eq!(format!("{email:?}"), "Email(…)");
        for bad in ["maria", "@a.b", "a@b", "a b@c.d", "a@-c.d", "a@c..d", "a@b@c.d"] {
            assert_eq!(bad.parse::<Email>(), Err(NotValid::Email), "{bad}");
        }
        assert!(serde_json::from_str::<Cpf>("\"52998224724\"").is_err());
        for unseen in ["\n", "Ana\u{202e}ailoM", "A\u{200b}na", "Ana\u{2028}Lima", "\u{feff}Ana"] {
            assert_eq!(unseen.parse::<Name>(), Err(NotValid::Name), "{unseen:?}");
        }
        assert!("D'Ávila Conceição-Ñandú".parse::<Name>().is_ok());
    }
}
