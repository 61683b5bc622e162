//! Inclusion and consistency proofs (RFC 6962 §2.1.1 and §2.1.2) over whatever can name the roots of full
//! subtrees: a slice of leaves, or stored tiles.

use std::convert::Infallible;

use super::{Hash, node, root_of};

/// Knows the root of every full subtree.
pub trait Nodes {
    /// Why a subtree's root could not be had.
    type Error;

    /// The root of the subtree of 2^`height` leaves that starts at leaf `index` · 2^`height`.
    ///
    /// # Errors
    /// When the hashes below cannot be read.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Leaf hashes in memory.
#[derive(Debug, Clone, Copy)]
pub struct Leaves<'a>(pub &'a [Hash]);

impl Nodes for Leaves<'_> {
    type Error = Infallible;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Infallible> {
        let from = usize::try_from(index << height).unwrap_or(usize::MAX);
        let below = self.0.iter().skip(from).take(1 << height).copied().collect::<Vec<_>>();
        Ok(root_of(&below))
    }
}

/// The path from leaf `index` to the root of the tree of `size` leaves, sibling first. Empty when the index
/// is outside the tree: such a path verifies nothing.
///
/// # Errors
/// When a subtree cannot be read.
pub fn inclusion<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 && index < size {
        let middle = from + left_size(to - from);
        if index < middle {
            path.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `old` leaves is a prefix of the tree of `new` leaves. Empty when `old` is zero,
/// equal to `new` or beyond it.
///
/// # Errors
/// When a subtree cannot be read.
pub fn consistency<N: Nodes>(nodes: &mut N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut path = Vec::new();
    while old != to {
        let middle = from + left_size(to - from);
        if old <= middle {
            path.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    if from > 0 {
        path.push(range(nodes, from, to)?);
    }
    path.reverse();
    Ok(path)
}

/// The root over leaves `from..to`.
fn range<N: Nodes>(nodes: &mut N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let len = to - from;
    if len.is_power_of_two() && from.is_multiple_of(len) {
        return nodes.node(len.trailing_zeros(), from / len);
    }
    let middle = from + left_size(len);
    Ok(node(&range(nodes, from, middle)?, &range(nodes, middle, to)?))
}

/// The largest power of two below `len` (`len` > 1).
const fn left_size(len: u64) -> u64 {
    1 << (u64::BITS - 1 - (len - 1).leading_zeros())
}
