//! Entries: their canonical form, their limits, and whom they can be resolved to.

use ring::hmac;
use ring::rand::SystemRandom;

use super::*;
use crate::entry::{Alg, Batch, Body, Decision, Digest, EntryError, MAX_ENTRY, bounded};
use crate::tag::{Found, find_subject, finds, tag};
use crate::tile::AppendError;

fn key(seed: u8) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[seed; 32])
}

fn full() -> Entry {
    let mut entry = bare(1, EntryType::ConsentRevoked);
    entry.actor = Actor { kind: ActorKind::User, tag: Some(tag(&key(2), entry.nonce, entry.kind)) };
    entry.basis = Some("C".into());
    entry.body = Some(Body { alg: Alg::Sealed, hash: Digest::of(b"sealed"), n: 512 });
    entry.code = Some("E_REVOKED".into());
    entry.decision = Some(Decision::Deny);
    entry.epoch = Some(17);
    entry.policy = Some(Digest::of(b"policy"));
    entry.purpose = Some("telemetry.collect".into());
    entry.subject = Some(tag(&key(1), entry.nonce, entry.kind));
    entry.term = Some(Digest::of(b"term"));
    entry
}

#[test]
fn an_entry_is_written_as_the_format_says_and_reads_back_the_same() {
    let bytes = full().canonical().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.starts_with(r#"{"actor":{"k":"user","t":""#), "{text}");
    assert!(text.contains(r#","basis":"C","body":{"a":"A256GCM","h":"sha256:"#), "{text}");
    assert!(text.contains(r#","code":"E_REVOKED","dec":"deny","epoch":17,"id":"00000001-"#), "{text}");
    assert!(text.ends_with(r#","ts":"2026-11-18T11:06:40.001Z","type":"consent.revoked","v":1}"#), "{text}");
    assert_eq!(Entry::read(&bytes).unwrap(), full());
}

#[test]
fn what_an_entry_does_not_have_is_left_out_and_never_null() {
    let text = String::from_utf8(bare(1, EntryType::ClockSkew).canonical().unwrap()).unwrap();
    assert!(!text.contains("null") && !text.contains("st\":\"A"), "{text}");
    assert_eq!(text.matches(':').count() - text.matches("T11:06:40").count() * 2, 7, "{text}");
}

#[test]
fn an_entry_of_4096_bytes_is_taken_and_one_more_is_refused() {
    assert!(bounded(&vec![b'x'; MAX_ENTRY]).is_ok());
    assert!(matches!(bounded(&vec![b'x'; MAX_ENTRY + 1]), Err(EntryError::TooLarge(4_097))));
    let log = Appender::new(ORIGIN);
    assert!(log.append(&[vec![b'x'; MAX_ENTRY]], &signer()).is_ok());
    let refused = log.append(&[b"{}".to_vec(), vec![b'x'; MAX_ENTRY + 1]], &signer()).unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { at: 1, bytes: 4_097 }), "{refused}");
}

#[test]
fn an_epoch_beyond_two_to_the_fifty_third_and_a_code_with_a_name_in_it_are_refused() {
    let mut entry = bare(1, EntryType::DecisionDeny);
    entry.epoch = Some((1 << 53) - 1);
    assert!(entry.canonical().is_ok());
    entry.epoch = Some(1 << 53);
    assert!(matches!(entry.canonical(), Err(EntryError::Jcs(_))));
    for word in ["Maria Silva", "", "maria@example.com", &"x".repeat(65)] {
        let mut entry = bare(1, EntryType::DecisionDeny);
        entry.code = Some(word.to_owned());
        let refused = entry.canonical().unwrap_err();
        assert!(matches!(refused, EntryError::NotACode("code")), "{word}: {refused}");
        assert!(word.is_empty() || !refused.to_string().contains(word));
    }
}

#[test]
fn a_root_of_receipts_stands_in_a_batch_of_telemetry_and_nowhere_else() {
    let batch = Batch { denies: 0, n: 1, permits: 1, root: [1; 32], second: 1_795_000_000 };
    let entry = |kind, batch| Entry { batch, ..bare(1, kind) }.canonical();
    assert!(entry(EntryType::TelemetryBatch, Some(batch)).is_ok());
    assert!(matches!(entry(EntryType::TelemetryBatch, None), Err(EntryError::Batch)));
    assert!(matches!(entry(EntryType::AccessRead, Some(batch)), Err(EntryError::Batch)));
}

#[test]
fn an_instant_of_five_digit_years_is_refused() {
    let mut entry = bare(1, EntryType::ClockSkew);
    entry.at = Instant::MAX;
    assert!(matches!(entry.canonical(), Err(EntryError::Instant)));
}

#[test]
fn an_entry_with_an_unknown_member_type_or_version_or_another_form_is_not_read() {
    let text = String::from_utf8(full().canonical().unwrap()).unwrap();
    for (from, to) in [
        ("consent.revoked", "consent.assumed"),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("\"epoch\":17", "\"epoch\": 17"),
        ("\"epoch\":17", "\"epoch\":17,\"epoch\":18"),
        ("\"epoch\":17", "\"epoch\":null"),
        ("\"epoch\":17", "\"epoch\":17.5"),
        ("sha256:", "sha512:"),
    ] {
        let altered = text.replacen(from, to, 1);
        assert_ne!(altered, text);
        assert!(Entry::read(altered.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_scan_with_one_persons_key_finds_every_entry_of_theirs_and_no_other() {
    let random = SystemRandom::new();
    let mut entries = Vec::new();
    for i in 0..60_u32 {
        let mut entry = bare(i, EntryType::AccessRead);
        entry.nonce = Nonce::fresh(&random).unwrap();
        let tag_of = |seed| Some(tag(&key(seed), entry.nonce, entry.kind));
        entry.subject = if i % 3 == 0 { tag_of(1) } else { tag_of(2) };
        entry.actor = Actor { kind: ActorKind::User, tag: if i % 4 == 0 { tag_of(1) } else { tag_of(3) } };
        entries.push(entry.canonical().unwrap());
    }
    let found: Vec<_> = find_subject(entries.iter().map(Vec::as_slice), &key(1)).collect();
    let expected: Vec<_> = (0..60_u64)
        .filter_map(|i| match (i % 3 == 0, i % 4 == 0) {
            (true, true) => Some((i, Found::Both)),
            (true, false) => Some((i, Found::Subject)),
            (false, true) => Some((i, Found::Actor)),
            (false, false) => None,
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(find_subject(entries.iter().map(Vec::as_slice), &key(9)).count(), 0);
}

#[test]
fn two_entries_of_one_person_share_no_tag_without_the_key() {
    let (one, two) = (bare(1, EntryType::AccessRead), bare(2, EntryType::AccessRead));
    assert_ne!(tag(&key(1), one.nonce, one.kind), tag(&key(1), two.nonce, two.kind));
    assert_ne!(tag(&key(1), one.nonce, one.kind), tag(&key(1), one.nonce, EntryType::AccessSearch));
    assert_eq!(finds(b"not json", &key(1)), Some(Found::Unread));
}
