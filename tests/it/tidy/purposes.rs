//! What a patient is shown as a switch, and what the code asks for before it acts, are one list.

use std::collections::BTreeSet;

use consent::Purpose;

use super::{Source, sources};

/// The purposes as types that a decision is asked for in the program, tests apart: `decide::<P>`, `ask::<P>`.
fn asked(source: &Source) -> BTreeSet<String> {
    let code: String = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let code = code.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let asks = ["decide::<", "ask::<", "ask_of::<"];
    asks.iter()
        .flat_map(|ask| code.split(ask).skip(1).filter_map(|rest| rest.split('>').next()))
        .map(str::to_owned)
        .collect()
}

/// `alert.evaluate` as its type is written: `AlertEvaluate`.
fn typed(purpose: Purpose) -> String {
    let words = purpose.as_str().split('.');
    words
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        })
        .collect()
}

#[test]
fn each_purpose_that_a_patient_is_shown_has_code_that_asks_it_and_no_other_is_shown() {
    let all = sources();
    let program = all.iter().filter(|source| {
        source.is("rs")
            && source.path.starts_with("src/")
            && !source.path.contains("tests")
            && !source.path.starts_with("src/lab/bench")
    });
    let asked: BTreeSet<String> = program.flat_map(asked).filter(|name| name.len() > 2).collect();
    let of_law = |name: &str| Purpose::ALL.iter().any(|purpose| typed(*purpose) == name);
    let asked: BTreeSet<String> = asked.into_iter().filter(|name| of_law(name)).collect();
    let shown: BTreeSet<String> = Purpose::ASKED.iter().map(|purpose| typed(*purpose)).collect();
    assert_eq!(shown, asked);
    let page = all.iter().find(|source| source.path == "src/web/consents/page.rs").unwrap();
    assert!(page.text.contains("in Purpose::ASKED"), "the page of consents shows this list");
    assert!(!page.text.contains("in Purpose::ALL"));
}
