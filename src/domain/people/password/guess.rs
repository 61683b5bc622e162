//! What a guesser tries first (NIST SP 800-63B-4 §3.1.1.2): words that leaked lists are made of, the words of this house
//! and of the person, rows of the keyboard, repetitions, dates; with digits for letters and whatever is put behind.
//! What is left when all of that is taken out must be enough by itself.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Words of leaked passwords, Portuguese and English, and of this field; small letters without accents.
const WORDS: &str = include_str!("words.txt");

/// In the order in which fingers and children go.
const ROWS: [&str; 11] = [
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7",
    "zaqxswcdevfrbgtnhymjukilop",
];

/// Letters that must be left.
const LEFT: usize = 4;
/// Digits that must be left where no letter is: fewer are a date, a document, a telephone.
const DIGITS: usize = 20;
/// The shortest word, and part of a row, that is looked for.
const SHORTEST: usize = 3;

/// Whether somebody who knows these words about its owner would try this password soon. `known`: names, the e-mail
/// address, the organisation.
pub(super) fn is_guessable(password: &str, known: &[&str]) -> bool {
    let plain = folded(password);
    let plain = unit(&plain);
    let read: Vec<char> = plain.iter().copied().map(letter).collect();
    let mut taken = vec![false; plain.len()];
    let own = known.iter().flat_map(|text| parts(text));
    let words = WORDS.split_whitespace().map(|word| word.chars().collect::<Vec<char>>());
    for word in words.chain(own).filter(|word| word.len() >= SHORTEST) {
        for text in [plain, read.as_slice()] {
            take(text, &word, &mut taken);
        }
    }
    take_rows(plain, &mut taken);
    take_repeats(plain, &mut taken);
    let left: Vec<char> = plain.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(c, _)| *c).collect();
    let letters = left.iter().filter(|c| !c.is_ascii_digit()).count();
    letters < LEFT && (letters > 0 || left.len() < DIGITS)
}

/// Letters and digits alone, small, without accents.
fn folded(text: &str) -> Vec<char> {
    let apart = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    // `@` and `$` stand for letters; every other sign only parts them.
    let letters = apart.chars().filter(|c| c.is_alphanumeric() || matches!(c, '@' | '$'));
    letters.flat_map(char::to_lowercase).collect()
}

/// The letter for which a digit or a sign stands.
const fn letter(sign: char) -> char {
    match sign {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    }
}

/// The words of a name or an address, and what they are together.
fn parts(text: &str) -> Vec<Vec<char>> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(folded);
    words.chain(std::iter::once(folded(text))).collect()
}

/// A text that is one part again and again is that part.
fn unit(text: &[char]) -> &[char] {
    let repeats = |size: &usize| text.iter().zip(text.iter().skip(*size)).all(|(a, b)| a == b);
    let size = (1..=text.len() / 2).find(repeats).unwrap_or(text.len());
    text.get(..size).unwrap_or(text)
}

fn take(text: &[char], word: &[char], taken: &mut [bool]) {
    for (at, window) in text.windows(word.len()).enumerate() {
        if window == word {
            taken.iter_mut().skip(at).take(word.len()).for_each(|taken| *taken = true);
        }
    }
}

fn take_rows(text: &[char], taken: &mut [bool]) {
    let rows: Vec<Vec<char>> = ROWS.iter().map(|row| row.chars().collect()).collect();
    for (at, window) in text.windows(SHORTEST).enumerate() {
        let backwards: Vec<char> = window.iter().rev().copied().collect();
        let along = |row: &Vec<char>| {
            row.windows(SHORTEST).any(|part| part == window || part == backwards.as_slice())
        };
        if rows.iter().any(along) {
            taken.iter_mut().skip(at).take(SHORTEST).for_each(|taken| *taken = true);
        }
    }
}

/// The same letter three times and more is one.
fn take_repeats(text: &[char], taken: &mut [bool]) {
    for (at, window) in text.windows(SHORTEST).enumerate() {
        if let [first, second, third] = window
            && first == second
            && second == third
        {
            taken.iter_mut().skip(at).take(SHORTEST).for_each(|taken| *taken = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: [&str; 3] = ["Ana Cecília Lôbo", "ana.cecilia@clinicavida.example", "Clínica Vida Plena"];

    #[test]
    fn what_stands_in_leaked_lists_is_guessed() {
        for password in [
            "password1234",
            "Password-2026!",
            "P@ssw0rd1234",
            "qwertyuiop123",
            "1q2w3e4r5t6y",
            "1qaz2wsx3edc",
            "zaq12wsxcde3",
            "zxcvbnm12345",
            "asdfghjkl123",
            "iloveyou1234",
            "abcdefghijkl",
            "abcd1234abcd",
            "123456qwerty",
            "987654321abc",
            "manchesterunited",
            "christopher1",
            "michaeljordan23",
            "babygirl12345",
            "jesuschrist1",
            "unbelievable",
            "mickeymouse1",
            "letmein12345",
            "changeme12345",
            "aaaaaaaaaaaaaaaa",
            "xyxyxyxyxyxyxyxy",
            "administrator",
            "11987654321",
            "529.982.247-25",
            "25121990251219",
        ] {
            assert!(is_guessable(password, &[]), "{password}");
        }
    }

    #[test]
    fn words_of_this_country_this_house_and_the_person_are_guessed_whatever_is_put_behind() {
        for password in [
            "Senha@123456",
            "minhasenha123",
            "MinhaSenhaNova!",
            "s3nh4s3gur4",
            "Flamengo2026!",
            "fl@mengo-1981",
            "C0r1nth14ns#2012",
            "Palmeiras1951!!",
            "zelo-zelo-2026",
            "Zelo@Novembro2026",
            "Plantão123456",
            "Hospital#2026",
            "novembro/2026!",
            "Brasil Brasil 2026",
            "TeAmo12345678",
            "jesus te amo 123",
            "AnaCecilia1987",
            "ana.cecilia.lobo",
            "L0bo-Cecili4-87",
            "clinicavida2026",
            "VidaPlena@2026",
            "ana.cecilia@clinicavida.example",
        ] {
            assert!(is_guessable(password, &ANA), "{password}");
        }
    }

    #[test]
    fn a_sentence_and_chance_are_not_guessed() {
        for password in [
            "cavalo correto bateria",
            "três tigres tristes",
            "uma senha longa e boa",
            "a goiabeira do quintal floriu",
            "k7f2-9mwx-pqz4-h3nd",
            "58203917640285193746",
            "tartaruga-vidro-onze",
        ] {
            assert!(!is_guessable(password, &ANA), "{password}");
        }
    }
}
