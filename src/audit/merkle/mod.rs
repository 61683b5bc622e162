//! The Merkle tree of RFC 6962 §2.1 (the same tree as RFC 9162): hashing, and the frontier that grows one
//! leaf at a time without keeping the leaves.

pub mod prove;
pub mod verify;

use ring::digest;

pub use prove::{Leaves, Nodes, consistency, inclusion};
pub use verify::{ProofError, verify_consistency, verify_inclusion};

/// A SHA-256 hash of a leaf or a node.
pub type Hash = [u8; 32];

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    sized(&digest::digest(&digest::SHA256, bytes))
}

/// The hash of one leaf: SHA-256(0x00 ‖ `bytes`).
#[must_use]
pub fn leaf(bytes: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[0]);
    context.update(bytes);
    sized(&context.finish())
}

/// The hash of an inner node: SHA-256(0x01 ‖ `left` ‖ `right`).
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[1]);
    context.update(left);
    context.update(right);
    sized(&context.finish())
}

/// The root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty() -> Hash {
    sha256(&[])
}

/// The root over leaf (or subtree) hashes of one height.
#[must_use]
pub fn root_of(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    hashes.iter().for_each(|hash| frontier.push(*hash));
    frontier.root()
}

fn sized(digest: &digest::Digest) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// The roots of the full subtrees that a tree of `size` leaves is made of, largest first: all that is needed
/// to append and to know the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the full subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        bag(&self.peaks)
    }
}

/// The root over full subtrees of falling size, largest first.
#[must_use]
pub fn bag(peaks: &[Hash]) -> Hash {
    peaks.iter().rev().copied().reduce(|right, left| node(&left, &right)).unwrap_or_else(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 §2.1, written as it stands there.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => empty(),
            1 => leaves[0],
            n => {
                let k = n.next_power_of_two() / 2;
                node(&by_definition(&leaves[..k]), &by_definition(&leaves[k..]))
            }
        }
    }

    #[test]
    fn the_frontier_has_the_root_of_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0_u32..300).map(|i| leaf(&i.to_be_bytes())).collect();
        for n in 0..leaves.len() {
            assert_eq!(root_of(&leaves[..n]), by_definition(&leaves[..n]), "size {n}");
        }
    }

    #[test]
    fn proofs_verify_at_every_index_and_fail_at_every_other() {
        let leaves: Vec<Hash> = (0_u32..40).map(|i| leaf(&i.to_be_bytes())).collect();
        for size in 1..=40_u64 {
            let end = usize::try_from(size).unwrap();
            let root = root_of(&leaves[..end]);
            for index in 0..size {
                let path = inclusion(&mut Leaves(&leaves[..end]), index, size).unwrap();
                for (other, hash) in (0_u64..).zip(&leaves[..end]) {
                    let ok = verify_inclusion(hash, other, size, &path, &root).is_ok();
                    assert_eq!(ok, other == index, "size {size} index {index} other {other}");
                }
            }
        }
    }

    #[test]
    fn consistency_verifies_between_every_two_sizes_and_with_no_other_root() {
        let leaves: Vec<Hash> = (0_u32..40).map(|i| leaf(&i.to_be_bytes())).collect();
        let root = |n: u64| root_of(&leaves[..usize::try_from(n).unwrap()]);
        for new in 0..=40_u64 {
            for old in 0..=new {
                let end = usize::try_from(new).unwrap();
                let path = consistency(&mut Leaves(&leaves[..end]), old, new).unwrap();
                assert_eq!(verify_consistency(old, &root(old), new, &root(new), &path), Ok(()));
                let wrong = leaf(b"wrong");
                assert!(verify_consistency(old, &wrong, new, &root(new), &path).is_err());
                if old > 0 {
                    assert!(verify_consistency(old, &root(old), new, &wrong, &path).is_err());
                }
            }
        }
    }
}
