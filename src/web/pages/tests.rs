//! Every page, in both languages, rendered from one night's data and held to the house's laws of HTML.

use std::collections::BTreeSet;

use crate::sample::Night;
use crate::{Lang, Theme};
use domain::Instant;

fn night(lang: Lang) -> Night {
    Night { now: Instant::parse("2026-11-22T06:04:00Z").unwrap(), lang, theme: Theme::Auto }
}

/// Name, language and HTML of every page and part.
fn drawn() -> Vec<(String, bool, String)> {
    let mut out = Vec::new();
    for lang in Lang::ALL {
        let night = night(lang);
        let pages = night.pages().into_iter().map(|page| (page, true));
        for ((name, path, html), whole) in pages.chain(night.parts().into_iter().map(|part| (part, false))) {
            out.push((format!("{name} {path} ({})", lang.tag()), whole, html.unwrap()));
        }
    }
    out
}

/// One tag: its name, its attributes, whether it closes.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    closes: bool,
    closed: bool,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The tags of a page in order. Strict: an unquoted attribute or a stray `<` is a panic, not a guess.
fn tags(html: &str) -> Vec<Tag> {
    let mut out = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        if rest.starts_with('!') {
            rest = rest.split_once('>').unwrap().1;
            continue;
        }
        let closes = rest.starts_with('/');
        rest = rest.trim_start_matches('/');
        let (name, after) =
            rest.split_at(rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap());
        let name = name.to_lowercase();
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "a stray <: {rest:.40}");
        rest = after;
        let mut tag = Tag { name, attributes: Vec::new(), closes, closed: false };
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            if let Some(after) = rest.strip_prefix("/>") {
                tag.closed = true;
                rest = after;
                break;
            }
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap();
            let (attribute, after) = rest.split_at(end);
            let attribute = attribute.to_lowercase();
            assert!(!attribute.is_empty(), "an attribute without a name: {rest:.40}");
            rest = after;
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix('=') {
                let quote = quoted.chars().next().unwrap();
                assert!(matches!(quote, '"' | '\''), "unquoted: {attribute}={quoted:.20}");
                let mut pieces = quoted.splitn(3, quote).skip(1);
                value = pieces.next().unwrap().to_owned();
                rest = pieces.next().unwrap();
            }
            assert!(tag.get(&attribute).is_none(), "<{}> says {attribute} twice", tag.name);
            tag.attributes.push((attribute, value));
        }
        out.push(tag);
    }
    out
}

const VOID: [&str; 8] = ["meta", "link", "input", "br", "hr", "img", "col", "source"];

#[test]
fn every_page_is_balanced_and_its_ids_are_its_own() {
    for (name, _, html) in drawn() {
        let mut open: Vec<String> = Vec::new();
        let mut ids = BTreeSet::new();
        for tag in tags(&html) {
            if let Some(id) = tag.get("id") {
                assert!(ids.insert(id.to_owned()), "{name}: the id {id} twice");
            }
            if tag.closes {
                assert_eq!(open.pop().as_deref(), Some(tag.name.as_str()), "{name}: closes out of order");
            } else if !tag.closed && !VOID.contains(&tag.name.as_str()) {
                open.push(tag.name);
            }
        }
        assert!(open.is_empty(), "{name}: left open {open:?}");
    }
}

#[test]
fn every_icon_is_in_the_sprite() {
    let sprite = include_str!("../assets/icons.svg");
    for (name, _, html) in drawn() {
        for piece in html.split("icons.svg#").skip(1) {
            let icon = piece.split('"').next().unwrap();
            assert!(sprite.contains(&format!("<symbol id=\"{icon}\"")), "{name}: no icon {icon}");
        }
    }
}

#[test]
fn no_page_asks_for_what_the_policy_forbids() {
    for (name, _, html) in drawn() {
        for tag in tags(&html) {
            assert_ne!(tag.name, "style", "{name}: an inline style sheet");
            if tag.name == "script" && !tag.closes {
                assert!(tag.get("src").is_some(), "{name}: an inline script");
            }
            for (attribute, value) in &tag.attributes {
                let handler = attribute.starts_with("on") || attribute.starts_with("hx-on");
                assert!(!handler && attribute != "style", "{name}: <{} {attribute}>", tag.name);
                assert!(
                    !value.trim_start().starts_with("javascript:") && !value.trim_start().starts_with("js:"),
                    "{name}: {value}"
                );
                if attribute == "hx-trigger" {
                    assert!(!value.contains('['), "{name}: a trigger filter is evaluated as code");
                }
                if matches!(attribute.as_str(), "src" | "href" | "action") {
                    let ours = value.starts_with('/')
                        || value.starts_with('#')
                        || value.starts_with("mailto:")
                        || value.starts_with("tel:");
                    assert!(ours && !value.starts_with("//"), "{name}: {value} is elsewhere");
                }
            }
        }
    }
}

#[test]
fn every_control_has_a_label_and_every_table_a_caption() {
    for (name, _, html) in drawn() {
        let tags = tags(&html);
        let labelled: BTreeSet<_> =
            tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
        let ids: BTreeSet<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        for (i, tag) in tags.iter().enumerate().filter(|(_, tag)| !tag.closes) {
            match tag.name.as_str() {
                "input" if tag.get("type") == Some("hidden") => {}
                "input" | "select" | "textarea" => {
                    let named = tag.get("id").is_some_and(|id| labelled.contains(id))
                        || tag.get("aria-label").is_some();
                    assert!(named, "{name}: <{} name={:?}> has no label", tag.name, tag.get("name"));
                }
                "table" => {
                    assert_eq!(tags.get(i + 1).map(|next| next.name.as_str()), Some("caption"), "{name}")
                }
                "th" => assert!(tag.get("scope").is_some(), "{name}: a heading cell without a scope"),
                _ => {}
            }
            for reference in ["aria-describedby", "aria-labelledby"] {
                for id in tag.get(reference).into_iter().flat_map(str::split_whitespace) {
                    assert!(ids.contains(id), "{name}: {reference} names {id}, which is not there");
                }
            }
        }
    }
}

#[test]
fn every_page_has_one_first_heading_its_landmarks_and_a_way_past_the_rail() {
    for (name, whole, html) in drawn() {
        let tags = tags(&html);
        let count = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted && !tag.closes).count();
        if whole {
            assert_eq!((count("h1"), count("main"), count("title")), (1, 1, 1), "{name}");
            assert!(html.contains("href=\"#main\""), "{name}: no skip link");
        } else {
            assert_eq!(count("html"), 0, "{name}: a part brings a page along");
        }
    }
}

#[test]
fn a_masked_page_shows_the_rule_and_no_value() {
    for (name, _, html) in drawn() {
        if name.starts_with("patient-masked") || name.starts_with("alert-masked") {
            assert!(html.contains("LGPD art. 8 §5"), "{name}: no rule of law");
            assert!(!html.contains("data-chart") && !html.contains("138"), "{name}: a value slipped through");
        }
    }
    let (_, _, html) =
        night(Lang::PtBr).pages().into_iter().find(|(name, ..)| *name == "patient-masked").unwrap();
    assert!(
        html.unwrap()
            .contains("sem base legal para exibir: consentimento revogado em 03/11 (LGPD art. 8 §5)")
    );
}

#[test]
fn what_people_typed_is_never_markup() {
    let night = night(Lang::PtBr);
    let mut view = night.queue();
    view.filter.q = "\"><script>alert(1)</script>".to_owned();
    view.rows[0].name = "<img src=x onerror=alert(1)>".to_owned();
    let shell = night.shell(Some(domain::Role::Agent), crate::Section::Queue, "/queue?q=\"><b>");
    let html = crate::alerts::view::queue::page(&shell, &view).unwrap();
    assert!(!html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("\"><b>"));
}

#[test]
fn every_role_is_offered_only_what_it_may_open() {
    use crate::pages::shell::landing;
    use domain::Role;
    for role in Role::ALL {
        let shell = night(Lang::En).shell(Some(role), crate::Section::Elsewhere, "/");
        let places = shell.places();
        assert!(places.iter().all(|place| place.needs().held_by(role)), "{role:?}");
        assert!(
            places.iter().any(|place| place.path() == landing(role)),
            "{role:?} lands outside its places"
        );
    }
}
