//! A message leaves the house: it may say that something waits, never what. No measured thing, no colour of an
//! alert, no specialty that tells an illness (LGPD art. 11; the channel is not a medical record).

/// Words by what they would give away; stems in lower case without accents, matched at the start of a word.
const TELLING: &[(&str, &[&str])] = &[
    (
        "a vital sign",
        &[
            "glic",
            "gluc",
            "glyc",
            "hipoglic",
            "hiperglic",
            "insulin",
            "frequencia card",
            "heart rate",
            "batimento",
            "bpm",
            "pulso",
            "pulse",
            "taquicard",
            "tachycard",
            "bradicard",
            "satura",
            "spo2",
            "oximetr",
            "oxygen",
            "oxigen",
            "pressao",
            "blood pressure",
            "temperatura",
            "temperature",
            "febre",
            "fever",
            "mg/dl",
            "mmhg",
            "peso",
            "weight",
            "arritm",
            "arrhythm",
            "ecg",
        ],
    ),
    ("the level of an alert", &["vermelh", "amarel", "red alert", "yellow", "alerta verde", "green alert"]),
    (
        "a specialty or an illness",
        &[
            "cardio",
            "oncolog",
            "psiquiatr",
            "psychiatr",
            "psicolog",
            "psycholog",
            "diabet",
            "endocrin",
            "nefro",
            "nephro",
            "infectolog",
            "hiv",
            "gestant",
            "pregnan",
            "obstetr",
            "ginecolog",
            "gynecolog",
            "geriatr",
            "cancer",
            "quimioterap",
            "chemotherap",
            "hipertens",
            "hypertens",
            "depress",
            "dialis",
            "dialys",
        ],
    ),
];

/// A place of a text that gives something away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} tells {what}; say only that something waits, and let the reader sign in")]
pub struct Tells {
    /// What it gives away.
    pub what: &'static str,
    /// The word, as the list has it.
    pub word: &'static str,
}

/// Everything in a text that may not leave the house, in the order of the list.
#[must_use]
pub fn lint(text: &str) -> Vec<Tells> {
    let plain: String = text.chars().map(plain).collect();
    let starts = |word: &str| {
        plain.match_indices(word).any(|(at, _)| {
            let before = plain.get(..at).and_then(|text| text.chars().next_back());
            before.is_none_or(|c| !c.is_alphanumeric())
        })
    };
    let of = |(what, words): &(&'static str, &'static [&'static str])| {
        let what = *what;
        words.iter().filter(|word| starts(word)).map(move |word| Tells { what, word }).collect::<Vec<_>>()
    };
    TELLING.iter().flat_map(of).collect()
}

/// Lower case, without the accents of Portuguese.
fn plain(c: char) -> char {
    match c.to_lowercase().next().unwrap_or(c) {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_an_illness_is_found_however_it_is_written() {
        for (text, what) in [
            ("Sua GLICOSE está alta", "a vital sign"),
            ("Saturação baixa", "a vital sign"),
            ("Alerta vermelho de Maria", "the level of an alert"),
            ("Consulta com a Cardiologia amanhã", "a specialty or an illness"),
            ("Your blood pressure needs a look", "a vital sign"),
        ] {
            let found = lint(text);
            assert_eq!(found.first().map(|tells| tells.what), Some(what), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_only_says_that_something_waits_passes() {
        for text in [
            "Zelo: há um caso esperando por você. Entre para ver: https://zelo.exemplo/alerts/1",
            "Zelo: a case waits for you. Sign in to see it.",
            "Repetição 2 — ninguém respondeu ainda.",
            "Lembrete: sua consulta é amanhã às 14:00. Respeite o horário.",
        ] {
            assert_eq!(lint(text), [], "{text}");
        }
    }
}
