//! A seeded mutator over the corpus: no input makes the decoder panic, and whatever it accepts is finite, named,
//! within the quota, and read the same twice.

use mqtt::payload::{Format, MAX_READINGS, Value, decode};

pub(super) const CORPUS: &[&[u8]] = &[
    include_bytes!("../../data/corpus/zelo.json"),
    include_bytes!("../../data/corpus/zelo-array.json"),
    include_bytes!("../../data/corpus/zelo-bare.json"),
    include_bytes!("../../data/corpus/senml.json"),
    include_bytes!("../../data/corpus/senml.cbor"),
    include_bytes!("../../data/corpus/openmhealth.json"),
    include_bytes!("../../data/corpus/fhir-observation.json"),
    include_bytes!("../../data/corpus/fhir-bundle.json"),
];

/// Pieces that a grammar trips over.
const SPLICES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u",
    b"\\ud800",
    b",",
    b":",
    b"-",
    b"1e999",
    b"0",
    b".",
    b"e",
    b"null",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"{\"ts\":1}",
    b"[[[[[[[[",
    b"\"v\":1",
    b"\"status\":\"final\"",
    b"\x9f",
    b"\xbf",
    b"\xfb",
    b"\xc4\x82",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"9999999999999999",
];

const MUTATIONS: usize = 240_000;

/// SplitMix64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(below.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }
}

fn mutate(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let at = dice.roll(bytes.len() + 1);
    let to = (at + dice.roll(12)).min(bytes.len());
    match dice.roll(6) {
        0 if at < bytes.len() => bytes[at] = dice.byte(),
        1 if at < bytes.len() => bytes[at] ^= 1 << dice.roll(8),
        2 => drop(bytes.drain(at..to)),
        3 => {
            let piece = SPLICES[dice.roll(SPLICES.len())];
            drop(bytes.splice(at..to, piece.iter().copied()));
        }
        4 => {
            let copy = bytes[at..to].to_vec();
            let there = dice.roll(bytes.len() + 1);
            drop(bytes.splice(there..there, copy));
        }
        _ => bytes.truncate(at),
    }
}

#[test]
fn no_mutation_panics_and_what_is_accepted_is_sound() {
    let types =
        [None, Some("application/senml+json"), Some("application/senml+cbor"), Some("application/fhir+json")];
    let (mut dice, mut accepted) = (Dice(20_251_122), 0_usize);
    for round in 0..MUTATIONS {
        let mut bytes = CORPUS[round % CORPUS.len()].to_vec();
        for _ in 0..=dice.roll(3) {
            mutate(&mut dice, &mut bytes);
        }
        let content_type = if dice.roll(4) == 0 { types[dice.roll(types.len())] } else { None };
        let read = decode(content_type, &bytes);
        let Ok(samples) = &read else { continue };
        accepted += 1;
        assert!(samples.list.len() + samples.skipped.len() <= MAX_READINGS);
        for sample in &samples.list {
            assert!(!matches!(sample.value, Value::Number(n) if !n.is_finite()), "{bytes:?}");
        }
        if round % 16 == 0 {
            assert_eq!(decode(content_type, &bytes), read);
        }
    }
    // A mutator that breaks everything would test nothing but the first byte.
    assert!(accepted > MUTATIONS / 20, "only {accepted} accepted");
}

#[test]
fn the_corpus_itself_is_accepted_each_in_its_format() {
    let formats: Vec<Format> = CORPUS.iter().map(|bytes| decode(None, bytes).unwrap().format).collect();
    let z = Format::Zelo;
    let (o, f) = (Format::OpenMhealth, Format::Fhir);
    assert_eq!(formats, [z, z, z, Format::SenmlJson, Format::SenmlCbor, o, f, f]);
}
