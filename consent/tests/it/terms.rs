//! The terms as people will read them, and the linter that lets no other through.

#![expect(clippy::unwrap_used, reason = "a test stops where its world is not as described")]

use consent::{Change, Code, Controller, Element, Lang, Purpose, Term, TermFault, Version};

fn seeds() -> Vec<Term> {
    Term::seeds(&Controller::demo()).unwrap()
}

fn linted(text: String) -> Result<Term, TermFault> {
    Term::new(Purpose::TelemetryCollect, Lang::PtBr, Version(1, 0, 0), Change::None, text)
}

fn sample() -> String {
    seeds().into_iter().find(|term| term.lang() == Lang::PtBr).unwrap().text().to_owned()
}

#[test]
fn the_five_seeds_pass_in_both_languages_and_no_two_are_the_same_text() {
    let seeds = seeds();
    let named: Vec<_> = seeds.iter().map(|term| (term.purpose(), term.lang())).collect();
    use Purpose::*;
    let expected: Vec<_> = [TelemetryCollect, AlertEvaluate, AlertEscalate, CareRemind, EngageMessage]
        .into_iter()
        .flat_map(|purpose| [(purpose, Lang::PtBr), (purpose, Lang::En)])
        .collect();
    assert_eq!(named, expected);
    let mut hashes: Vec<_> = seeds.iter().map(Term::text_sha256).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 10);
    assert!(seeds.iter().all(|term| term.text().contains("00.000.000/0000-00") && !term.title().is_empty()));
}

#[test]
fn the_hash_is_that_of_the_bytes_and_another_hash_is_stale() {
    let terms = seeds();
    let digest = ring::digest::digest(&ring::digest::SHA256, terms[0].text().as_bytes());
    assert_eq!(digest.as_ref(), terms[0].text_sha256());
    assert_eq!(terms[0].shown_as(&terms[0].text_sha256()), Ok(()));
    assert_eq!(terms[0].shown_as(&terms[1].text_sha256()), Err(Code::StaleTerm));
}

#[test]
fn a_term_without_any_one_of_its_elements_is_refused() {
    for element in Element::ALL {
        let heading = element.heading(Lang::PtBr);
        let text = sample().replace(&format!("## {heading}\n"), "");
        assert_eq!(linted(text), Err(TermFault::Headings(heading)), "{element:?}");
    }
}

#[test]
fn a_term_that_hides_a_right_is_refused() {
    let text = sample().replace("portabilidade", "mudança");
    assert_eq!(linted(text), Err(TermFault::Unnamed { section: "Seus direitos", stem: "portabilidade" }));
}

#[test]
fn a_generic_thin_or_unfilled_term_is_refused() {
    let generic = sample().replace("Não vendemos", "E para outras finalidades. Não vendemos");
    assert_eq!(linted(generic), Err(TermFault::Generic("outras finalidades")));
    let unfilled = sample().replace("Clínica Zelo (demonstração)", "{controller_name}");
    assert!(matches!(linted(unfilled), Err(TermFault::Unfilled(_))));
    let at = sample().find("## Se você disser não\n").unwrap();
    let thin = format!("{}## Se você disser não\n\nNada muda.\n", sample().get(..at).unwrap());
    assert_eq!(linted(thin), Err(TermFault::Thin("Se você disser não")));
}

#[test]
fn a_text_that_could_be_written_otherwise_is_refused() {
    let first = |from: &str, to: &str| sample().replacen(from, to, 1);
    for (text, found) in [
        (first("\n", "\r\n"), '\r'),
        (first("ê", "e\u{302}"), '\u{302}'),
        (first(" ", "\u{a0}"), '\u{a0}'),
        (first("\n", " \n"), ' '),
        (format!("\u{feff}{}", sample()), '\u{feff}'),
        (sample().trim_end().to_owned(), '\n'),
        (sample() + "\n", '\n'),
    ] {
        let Err(TermFault::NotNormal { found: actual, .. }) = linted(text) else { panic!("{found:?}") };
        assert_eq!(actual, u32::from(found));
    }
}

#[test]
fn purposes_that_do_not_rest_on_consent_have_no_term() {
    let term = Term::new(Purpose::AuditLog, Lang::PtBr, Version(1, 0, 0), Change::None, sample());
    assert_eq!(term, Err(TermFault::NotConsentable(Purpose::AuditLog)));
}

#[test]
fn versions_are_three_plain_numbers() {
    assert_eq!(Version::parse("1.0.12"), Some(Version(1, 0, 12)));
    assert_eq!(Version(1, 0, 12).to_string(), "1.0.12");
    assert!(Version(1, 9, 0) < Version(1, 10, 0));
    for wrong in ["1.0", "1.0.0.0", "01.0.0", "1.0.x", "", "1..0", "+1.0.0", "1.0.65536"] {
        assert_eq!(Version::parse(wrong), None, "{wrong}");
    }
}

/// The whole texts that patients are asked about today, both languages. Whoever changes one gives it a higher version in the
/// same commit: a published text never changes.
#[test]
fn a_text_that_changes_is_a_new_version() {
    let pin = |term: &Term| {
        let hash: String = term.text_sha256().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{} {} {} {hash}", term.purpose().as_str(), term.lang().as_str(), term.version())
    };
    let pinned: Vec<String> = seeds().iter().map(pin).collect();
    assert_eq!(pinned, PINNED);
}

#[test]
fn no_term_promises_what_the_program_does_not_do() {
    for term in seeds().iter().filter(|term| Purpose::ASKED.contains(&term.purpose())) {
        for untrue in [
            "24 horas",
            "24 hours",
            "contato de emergência",
            "emergency contact",
            "plano de cuidado",
            "care plan",
            "sua idade",
            "your age",
            "por ligação",
            "by telephone",
        ] {
            assert!(
                !term.text().contains(untrue),
                "{} ({}) says: {untrue}",
                term.purpose().as_str(),
                term.lang().as_str()
            );
        }
    }
}

const PINNED: [&str; 10] = [
    "telemetry.collect pt-BR 1.0.0 dd01561c",
    "telemetry.collect en 1.0.0 4f609247",
    "alert.evaluate pt-BR 1.0.1 02246027",
    "alert.evaluate en 1.0.1 c59065ce",
    "alert.escalate pt-BR 1.0.1 a2eb865b",
    "alert.escalate en 1.0.1 c7d9b8de",
    "care.remind pt-BR 1.0.0 81af0320",
    "care.remind en 1.0.0 37be7445",
    "engage.message pt-BR 1.0.0 3f69facb",
    "engage.message en 1.0.0 327a9ee6",
];
