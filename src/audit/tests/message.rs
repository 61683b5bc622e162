//! One message's proof, from its readings to a signed checkpoint, through packed receipts and a batch entry.

use proptest::prelude::*;
use ring::hmac;

use super::*;
use crate::pack::{MessageProof, Pack, Receipted};
use crate::proof::LeafProof;
use crate::receipt::{Line, Message, Scribe};

fn receipted(i: u32) -> Receipted {
    let refused = if i.is_multiple_of(5) { i + 1 } else { 0 };
    Receipted {
        device_key: u64::from(i) * 37,
        ordinal: u16::try_from(i % 3).unwrap(),
        decision: if i.is_multiple_of(5) { 7 } else { 0 },
        refused,
        receipt: [u8::try_from(i % 251).unwrap(); 32],
    }
}

fn proven(count: u32, position: usize) -> (MessageProof, Signer) {
    let pack = Pack((0..count).map(receipted).collect());
    let mut batch = bare(1, EntryType::TelemetryBatch);
    batch.batch = Some(pack.batch(1_795_000_000));
    let entry = batch.canonical().unwrap();
    let mut entries = small(0..300);
    entries.insert(123, entry.clone());
    let (rows, checkpoint) = log_of(&entries, 50);
    let leaf = LeafProof::of(&rows, &checkpoint, signer().vkey(), 123).unwrap();
    let proof = MessageProof {
        message: pack.0[position],
        position: u64::try_from(position).unwrap(),
        path: pack.path(position).unwrap(),
        entry,
        leaf,
    };
    (proof, signer())
}

#[test]
fn one_message_is_proven_by_its_pack_and_its_batch_alone() {
    for (count, position) in [(1, 0), (2, 1), (777, 0), (777, 500), (777, 776)] {
        let (proof, key) = proven(count, position);
        let (batch, head) = proof.verify(key.vkey()).unwrap();
        assert_eq!((batch.n, batch.denies, head.size), (u64::from(count), u64::from(count.div_ceil(5)), 301));
    }
}

#[test]
fn an_altered_message_place_path_or_batch_is_not_proven() {
    let (proof, key) = proven(777, 500);
    let mut altered = vec![proof.clone(); 7];
    altered[0].message.receipt[31] ^= 1;
    altered[1].message.decision = 1;
    altered[2].position = 499;
    altered[3].path[0][0] ^= 1;
    altered[4].entry[40] ^= 1;
    altered[5].leaf.index = 122;
    altered[6].message.device_key += 1;
    assert!(proof.verify(key.vkey()).is_ok());
    for (case, proof) in altered.iter().enumerate() {
        assert!(proof.verify(key.vkey()).is_err(), "case {case}");
    }
}

#[test]
fn a_message_takes_at_most_37_bytes_with_five_thousand_devices() {
    let pack = Pack((0..5_000).map(|i| Receipted { device_key: i, ..receipted(1) }).collect());
    assert!(pack.encode().len() <= 37 * 5_000);
    assert_eq!(Pack::decode(&pack.encode()).unwrap(), pack);
}

#[test]
fn a_cut_pack_says_where_and_a_padded_number_is_not_read() {
    let pack = Pack((0..3).map(receipted).collect());
    let bytes = pack.encode();
    let starts: Vec<usize> = (0..3).map(|i| Pack(pack.0[..i].to_vec()).encode().len()).collect();
    for end in 1..bytes.len() {
        match Pack::decode(&bytes[..end]) {
            Ok(whole) => {
                assert!(starts.contains(&end) && whole.0.len() == starts.iter().filter(|s| **s < end).count())
            }
            Err(cut) => assert_eq!(Some(&cut.at), starts.iter().rev().find(|start| **start < end)),
        }
    }
    let mut padded = vec![0x80, 0x00, 0, 0];
    padded.extend([0; 32]);
    assert!(Pack::decode(&padded).is_err());
    let mut endless = vec![0xFF; 12];
    endless.extend([0; 40]);
    assert!(Pack::decode(&endless).is_err());
}

#[test]
fn the_same_readings_give_the_receipt_that_the_pack_holds() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[5; 32]);
    let message = Message {
        device: Uuid::from_bytes([9; 16]),
        epoch: 3,
        decision: 0,
        received_s: 1_795_000_000,
        ordinal: 0,
    };
    let lines = [Line { signal: 1, at: 1_795_000_000_000_000, value: 128_f64.to_bits(), attrs: 1 }];
    let receipt = Scribe::default().receipt(&key, &message, &lines);
    let stored = Receipted { device_key: 4, ordinal: 0, decision: 0, refused: 0, receipt };
    let read = Pack::decode(&Pack(vec![stored]).encode()).unwrap();
    assert_eq!(read.0[0].receipt, Scribe::default().receipt(&key, &message, &lines));
}

#[test]
fn a_tlog_proof_reads_back_with_its_extra_line_and_not_when_altered() {
    let (proof, _) = proven(2, 0);
    for extra in [None, Some(b"pack".to_vec())] {
        let whole = LeafProof { extra, ..proof.leaf.clone() };
        let text = whole.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\n"));
        assert_eq!(text.parse::<LeafProof>().unwrap(), whole);
        for (from, to) in [("@v1", "@v2"), ("index 123", "index 0123"), ("index", "Index"), ("=\n", "\n")] {
            assert!(text.replacen(from, to, 1).parse::<LeafProof>().is_err(), "{to}");
        }
    }
}

proptest! {
    #[test]
    fn any_pack_reads_back(messages in prop::collection::vec(
        (any::<u64>(), any::<u16>(), any::<u8>(), any::<u32>(), any::<[u8; 32]>()), 0..40)) {
        let pack = Pack(messages.into_iter().map(|(device_key, ordinal, decision, refused, receipt)| {
            let refused = if decision == 0 { 0 } else { refused };
            Receipted { device_key, ordinal, decision, refused, receipt }
        }).collect());
        prop_assert_eq!(Pack::decode(&pack.encode()).unwrap(), pack);
    }

    #[test]
    fn any_bytes_are_a_pack_of_the_same_bytes_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(pack) = Pack::decode(&bytes) {
            prop_assert_eq!(pack.encode(), bytes);
        }
    }
}
