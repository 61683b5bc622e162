//! The two languages say the same things, and exactly the things that are used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;

use super::{Lang, source};

/// Key → the set of `$names` its text asks for.
fn texts(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
    let mut texts = BTreeMap::new();
    let mut current = String::new();
    for line in source(lang).lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if !line.starts_with([' ', '}', '\t']) {
            let key = line.split('=').next().unwrap().trim().to_owned();
            assert!(!texts.contains_key(&key), "{} says {key} twice", lang.tag());
            current = key.clone();
            texts.insert(key, BTreeSet::new());
        }
        for piece in line.split('$').skip(1) {
            let name: String =
                piece.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
            texts.get_mut(&current).unwrap().insert(name);
        }
    }
    texts
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs" || ext == "html") {
            into.push(path);
        }
    }
}

/// Every literal key in the room's sources: `Key("…")` in Rust, `say("…` and its kin in pages.
fn used() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut files);
    let mut used = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for opening in ["Key(\"", ".say(\"", ".one(\"", ".two(\"", ".count(\""] {
            for piece in text.split(opening).skip(1) {
                let key = piece.split('"').next().unwrap();
                if !key.is_empty()
                    && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                {
                    used.insert(key.to_owned());
                }
            }
        }
    }
    used
}

#[test]
fn both_languages_hold_the_same_keys_with_the_same_names_inside() {
    let (pt, en) = (texts(Lang::PtBr), texts(Lang::En));
    let missing: Vec<_> = pt.keys().filter(|key| !en.contains_key(*key)).collect();
    let extra: Vec<_> = en.keys().filter(|key| !pt.contains_key(*key)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "not in en: {missing:?}; only in en: {extra:?}");
    for (key, names) in &pt {
        assert_eq!(names, &en[key], "the names inside {key} differ");
    }
}

#[test]
fn every_used_key_exists_and_no_key_is_idle() {
    let defined: BTreeSet<_> = texts(Lang::PtBr).into_keys().collect();
    let used = used();
    let missing: Vec<_> = used.difference(&defined).collect();
    let idle: Vec<_> = defined.difference(&used).collect();
    assert!(missing.is_empty(), "used, but no text: {missing:#?}");
    assert!(idle.is_empty(), "a text that nothing uses: {idle:#?}");
}

#[test]
fn the_files_are_fluent_without_a_mistake() {
    for lang in Lang::ALL {
        assert!(FluentResource::try_new(source(lang).to_owned()).is_ok(), "{} has a mistake", lang.tag());
    }
}

#[test]
fn the_cookie_wins_then_the_heaviest_accepted_language_then_portuguese() {
    assert_eq!(Lang::choose(Some("en"), Some("pt-BR")), Lang::En);
    assert_eq!(Lang::choose(Some("xx"), Some("en;q=0.4, pt-PT;q=0.9")), Lang::PtBr);
    assert_eq!(Lang::choose(None, Some("de, en-GB;q=0.7")), Lang::En);
    assert_eq!(Lang::choose(None, Some("en;q=0")), Lang::PtBr);
    assert_eq!(Lang::choose(None, None), Lang::PtBr);
}
