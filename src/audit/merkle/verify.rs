//! Checks proofs against roots (RFC 9162 §2.1.3.2 and §2.1.4.2, whose tree is that of RFC 6962).

use super::{Hash, empty, node};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index or the older size is outside the tree.
    #[error("the proof speaks of a place outside the tree: check the index and both sizes")]
    Outside,
    /// Too many or too few hashes for these sizes.
    #[error("the proof has the wrong number of hashes for this tree")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root than the checkpoint's")]
    Root,
}

/// Whether `leaf` (a leaf hash) is at `index` in the tree of `size` leaves with this `root`.
///
/// # Errors
/// [`ProofError`] when it is not, or not proven.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Outside);
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Whether the tree of `old` leaves with `old_root` is a prefix of the tree of `new` leaves with `new_root`.
///
/// # Errors
/// [`ProofError`] when it is not, or not proven.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Outside);
    }
    if old == 0 || old == new {
        let known = if old == 0 { empty() } else { *new_root };
        return match (path.is_empty(), *old_root == known) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    let mut rest = path.iter();
    let seed = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let seed = *seed.ok_or(ProofError::Length)?;
    let skip = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> skip, (new - 1) >> skip);
    let (mut older, mut newer) = (seed, seed);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            older = node(sibling, &older);
            newer = node(sibling, &newer);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            newer = node(&newer, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if older == *old_root && newer == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;

    fn cases(kind: &str) -> Vec<(PathBuf, Value)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/rfc6962").join(kind);
        let folders = fs::read_dir(root).unwrap().map(|d| d.unwrap().path());
        folders
            .flat_map(|dir| fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()))
            .map(|file| (file.clone(), serde_json::from_slice(&fs::read(&file).unwrap()).unwrap()))
            .collect()
    }

    fn hash(value: &Value) -> Option<Hash> {
        STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
    }

    fn path(value: &Value) -> Option<Vec<Hash>> {
        value.as_array().map_or(Some(Vec::new()), |list| list.iter().map(hash).collect())
    }

    fn included(case: &Value) -> Option<bool> {
        let (index, size) = (case["leafIdx"].as_u64()?, case["treeSize"].as_u64()?);
        let (leaf, root, path) = (hash(&case["leafHash"])?, hash(&case["root"])?, path(&case["proof"])?);
        Some(verify_inclusion(&leaf, index, size, &path, &root).is_ok())
    }

    fn consistent(case: &Value) -> Option<bool> {
        let (old, new) = (case["size1"].as_u64()?, case["size2"].as_u64()?);
        let (old_root, new_root) = (hash(&case["root1"])?, hash(&case["root2"])?);
        Some(verify_consistency(old, &old_root, new, &new_root, &path(&case["proof"])?).is_ok())
    }

    #[test]
    fn every_published_vector_is_judged_as_its_authors_say() {
        let judged = cases("inclusion").into_iter().map(|(file, case)| (included(&case), file, case));
        let also = cases("consistency").into_iter().map(|(file, case)| (consistent(&case), file, case));
        let mut seen = (0, 0);
        for (verdict, file, case) in judged.chain(also) {
            let bad = case["wantErr"].as_bool().unwrap();
            assert_eq!(verdict.unwrap_or(false), !bad, "{}", file.display());
            if bad { seen.1 += 1 } else { seen.0 += 1 }
        }
        assert_eq!(seen.0 + seen.1, 57);
        assert!(seen.0 > 2 && seen.1 > 40, "good {} bad {}", seen.0, seen.1);
    }
}
