//! The tree at the borders of its tiles, in any batches, and after a crash between two writes.

use proptest::prelude::*;

use super::*;
use crate::merkle::{self, Frontier};
use crate::proof::{LeafProof, Unproven, consistency};
use crate::tile::{AppendError, Place, places, tiles};
use crate::verify::verify;

fn frontier_root(entries: &[Vec<u8>]) -> merkle::Hash {
    let mut frontier = Frontier::default();
    entries.iter().for_each(|entry| frontier.push(merkle::leaf(entry)));
    frontier.root()
}

#[test]
fn at_every_border_of_a_tile_the_log_is_whole_and_proves_its_ends() {
    let all = small(0..70_000);
    for size in [0_u32, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000] {
        let entries = &all[..usize::try_from(size).unwrap()];
        let (rows, checkpoint) = log_of(entries, 9_973);
        let head = Checkpoint::open(&checkpoint, signer().vkey()).unwrap();
        assert_eq!((head.size, head.root), (u64::from(size), frontier_root(entries)), "size {size}");
        let report = verify(&rows, &checkpoint, signer().vkey(), None, |_, _| ()).unwrap();
        assert!(report.ok && report.size == u64::from(size), "{report:?}");
        let expected = tiles(head.size).count() + places(Row::Entries, head.size).count();
        assert_eq!(rows.len(), expected, "size {size}");
        for index in [0, head.size / 2, head.size.saturating_sub(1)] {
            let proof = LeafProof::of(&rows, &checkpoint, signer().vkey(), index);
            if index >= head.size {
                assert!(matches!(proof, Err(Unproven::NoEntry { .. })));
                continue;
            }
            let entry = &entries[usize::try_from(index).unwrap()];
            let proof: LeafProof = proof.unwrap().to_string().parse().unwrap();
            assert_eq!(proof.verify(entry, signer().vkey()).unwrap(), head);
            assert!(proof.verify(b"another", signer().vkey()).is_err());
        }
        let resumed = Appender::resume(&rows, &head).unwrap();
        assert_eq!((resumed.size(), resumed.root()), (head.size, head.root));
    }
}

#[test]
fn seventy_thousand_entries_leave_exactly_the_tiles_of_the_specification() {
    let (rows, _) = log_of(&small(0..70_000), 70_000);
    let widths = |row: Row, item: usize| {
        let of = rows.iter().filter(|((r, _), _)| *r == row);
        of.map(|(_, bytes)| bytes.len() / item).collect::<Vec<_>>()
    };
    let level0 = widths(Row::Level(0), 32);
    assert_eq!(level0.iter().filter(|w| **w == 256).count(), 273);
    assert_eq!(level0.last(), Some(&112));
    assert_eq!(widths(Row::Level(1), 32), [256, 17]);
    assert_eq!(widths(Row::Level(2), 32), [1]);
    assert_eq!(widths(Row::Level(3), 32), [0; 0]);
    assert_eq!(widths(Row::Entries, 1).len(), 274);
}

#[test]
fn every_older_size_is_a_proven_prefix() {
    let entries = small(0..700);
    let (rows, checkpoint) = log_of(&entries, 700);
    let head = Checkpoint::open(&checkpoint, signer().vkey()).unwrap();
    for old in [0_usize, 1, 2, 255, 256, 257, 511, 512, 513, 699, 700] {
        let size = u64::try_from(old).unwrap();
        let path = consistency(&rows, size, head.size).unwrap();
        let old_root = frontier_root(&entries[..old]);
        assert_eq!(merkle::verify_consistency(size, &old_root, head.size, &head.root, &path), Ok(()));
    }
}

#[test]
fn a_crash_between_bundle_tile_and_checkpoint_leaves_a_whole_log_and_is_cured_by_doing_it_again() {
    let before = small(0..300);
    let batch = small(300..900);
    let (rows, checkpoint) = log_of(&before, 100);
    let head = Checkpoint::open(&checkpoint, signer().vkey()).unwrap();
    let whole = Appender::resume(&rows, &head).unwrap().append(&batch, &signer()).unwrap();
    let pieces: Vec<Piece> = whole.bundles.iter().chain(&whole.tiles).cloned().collect();
    for written in 0..=pieces.len() {
        let mut crashed = rows.clone();
        put(&mut crashed, &pieces[..written]);
        let report = verify(&crashed, &checkpoint, signer().vkey(), None, |_, _| ()).unwrap();
        assert!(report.ok, "after {written} pieces: {report:?}");
        let again = Appender::resume(&crashed, &head).unwrap().append(&batch, &signer()).unwrap();
        assert_eq!((&again.bundles, &again.tiles), (&whole.bundles, &whole.tiles));
        assert_eq!(again.checkpoint, whole.checkpoint);
        apply(&mut crashed, &again);
        assert!(
            verify(&crashed, &again.checkpoint, signer().vkey(), Some(&checkpoint), |_, _| ()).unwrap().ok
        );
    }
}

#[test]
fn only_the_rows_that_changed_are_written_and_a_full_one_never_again() {
    let (_, checkpoint) = log_of(&[], 1);
    let mut log =
        Appender::resume(&Rows::new(), &Checkpoint::open(&checkpoint, signer().vkey()).unwrap()).unwrap();
    let mut full = std::collections::BTreeSet::<Place>::new();
    for start in (0..2_000).step_by(77) {
        let written = log.append(&small(start..start + 77), &signer()).unwrap();
        for piece in written.bundles.iter().chain(&written.tiles) {
            let whole = Place { width: 256, ..piece.place };
            assert!(!full.contains(&whole), "{} was full already", piece.place);
            if piece.place.width == 256 {
                full.insert(whole);
            }
        }
        let none = written.next.append::<Vec<u8>>(&[], &signer()).unwrap();
        assert!(none.bundles.is_empty() && none.tiles.is_empty());
        log = written.next;
    }
}

#[test]
fn a_damaged_edge_or_anothers_key_appends_nothing() {
    let (mut rows, checkpoint) = log_of(&small(0..300), 300);
    let head = Checkpoint::open(&checkpoint, signer().vkey()).unwrap();
    let mut damaged = rows.clone();
    damaged.get_mut(&(Row::Level(1), 0)).unwrap()[5] ^= 1;
    assert!(matches!(Appender::resume(&damaged, &head), Err(AppendError::Broken { size: 300 })));
    rows.get_mut(&(Row::Entries, 1)).unwrap()[5] ^= 1;
    assert!(matches!(Appender::resume(&rows, &head), Err(AppendError::Broken { size: 300 })));
    rows.remove(&(Row::Entries, 1));
    assert!(matches!(Appender::resume(&rows, &head), Err(AppendError::Broken { size: 300 })));
    let other = Signer::from_seed("zelo.other/audit/2026", &[7; 32]).unwrap();
    assert!(matches!(Appender::new(ORIGIN).append(&small(0..1), &other), Err(AppendError::Key { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_batches_give_the_same_rows_as_one(steps in prop::collection::vec(1_u32..700, 1..8)) {
        let total = steps.iter().sum();
        let (whole, checkpoint) = log_of(&small(0..total), usize::try_from(total).unwrap());
        let (mut rows, mut log, mut start, mut last) = (Rows::new(), Appender::new(ORIGIN), 0, String::new());
        for step in steps {
            let written = log.append(&small(start..start + step), &signer()).unwrap();
            apply(&mut rows, &written);
            prop_assert_eq!(&Appender::resume(&rows, &written.head).unwrap(), &written.next);
            (log, last, start) = (written.next, written.checkpoint, start + step);
        }
        prop_assert_eq!(rows, whole);
        prop_assert_eq!(last, checkpoint);
    }
}
