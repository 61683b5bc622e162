//! Checks that every stored checkpoint, and those that a visitor brought, are part of the trees' past.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::Tree;
use crate::View;
use crate::audit::Rows;
use crate::audit::years::Year;
use crate::db::error::Result;
use crate::db::schema::audit_checkpoints as checkpoints;
use audit::merkle;
use audit::note::{Checkpoint, NoteError, claimed_origin};
use audit::proof::consistency;
use audit::verify::Break;

/// Checks every stored checkpoint, and the `brought` ones, against the trees.
pub(in crate::audit) fn history(
    view: &mut View<'_>,
    trees: &[Tree],
    brought: &[String],
) -> Result<Option<Break>> {
    let mut listed = 0;
    for tree in trees {
        let stored: Vec<(i64, Vec<u8>, String)> = checkpoints::table
            .filter(checkpoints::year.eq(tree.year.year))
            .order(checkpoints::size)
            .select((checkpoints::size, checkpoints::root, checkpoints::note))
            .load(view.conn)?;
        for (size, root, note) in &stored {
            listed += 1;
            let what = match past(view, tree, note) {
                Ok(old) if i64::try_from(old.size) == Ok(*size) && old.root == root.as_slice() => continue,
                Ok(_other) => "its row does not say what it says".to_owned(),
                Err(what) => what,
            };
            let what = format!("the checkpoint of {size} entries{}: {what}", of(trees, &tree.year));
            return Ok(Some(Break { index: None, what }));
        }
    }
    let stored: i64 = checkpoints::table.select(count_star()).get_result(view.conn)?;
    if stored != listed {
        return Ok(Some(Break {
            index: None,
            what: "there are checkpoints of a year that has no log".into(),
        }));
    }
    for note in brought {
        let origin = claimed_origin(note);
        let what = match trees.iter().find(|tree| tree.head.origin == origin) {
            Some(tree) => past(view, tree, note).err(),
            None => Some(format!("it is of {origin}, which is not here")),
        };
        if let Some(what) = what {
            return Ok(Some(Break { index: None, what: format!("the earlier checkpoint: {what}") }));
        }
    }
    Ok(None)
}

fn of(trees: &[Tree], year: &Year) -> String {
    if trees.len() > 1 { format!(" of {}", year.vkey.name()) } else { String::new() }
}

/// The checkpoint of a note that is part of a tree's past.
fn past(view: &mut View<'_>, tree: &Tree, note: &str) -> std::result::Result<Checkpoint, String> {
    let (head, rows) = (&tree.head, Rows::new(view, tree.year.year));
    let old = Checkpoint::open(note, &tree.year.vkey).map_err(|why: NoteError| why.to_string())?;
    if old.size > head.size {
        return Err(format!("the log had {} entries and now has {}", old.size, head.size));
    }
    let path = consistency(&rows, old.size, head.size).map_err(|why| why.to_string())?;
    merkle::verify_consistency(old.size, &old.root, head.size, &head.root, &path)
        .map_err(|_why| format!("the first {} entries are not those that it signed", old.size))?;
    Ok(old)
}
