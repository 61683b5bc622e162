//! What belongs together has a type of its own: no function takes a tuple apart only to have fewer parameters.

use super::{Source, none, rust};

#[test]
fn no_function_takes_a_tuple_apart_to_have_fewer_parameters() {
    let mut complaints = vec![];
    for file in rust().iter().filter(|file| !is_test(&file.path)) {
        for (line, name) in tupled(&code(file)) {
            complaints
                .push(format!("{}:{line} `{name}`: give the tuple a type, or pass its parts", file.path));
        }
    }
    none(&complaints);
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.contains("tests/") || name.ends_with("tests.rs") || name == "testing.rs"
}

/// The code with its lines where they were: without comments, and without the tests at its end.
fn code(file: &Source) -> String {
    let own = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = own.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// The functions with a tuple pattern for a parameter, each with its line. One that takes nothing else is meant for the
/// pairs of an iterator or the columns of a row, and `From` of a pair cannot be said otherwise.
fn tupled(code: &str) -> Vec<(usize, String)> {
    let mut found = vec![];
    let mut before = String::new();
    for part in code.split_inclusive("fn ") {
        let begins = before
            .strip_suffix("fn ")
            .is_some_and(|text| text.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_'));
        let line = before.matches('\n').count() + 1;
        before.push_str(part);
        let Some((name, rest)) = part.split_once(['(', '<']).filter(|_| begins) else { continue };
        let list = parameters(part.strip_prefix(name).unwrap_or(rest));
        if list.len() > 1 && list.iter().any(|one| one.starts_with('(') && one.contains("): ")) {
            found.push((line, name.to_owned()));
        }
    }
    found
}

/// The parameters of a function, from what follows its name.
fn parameters(signature: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut before, mut list) = (0_usize, None, ' ', vec![]);
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => {
                // Behind the generic parameters, if there are any.
                if c == '(' && depth == 0 {
                    begin = Some(at + 1);
                }
                depth += 1;
            }
            '>' if before == '-' || before == '=' => {}
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = (c == ',' && depth == 1) || (c == ')' && depth == 0);
        if let Some(from) = begin.filter(|_| ends) {
            list.push(signature.get(from..at).unwrap_or_default().trim());
            begin = Some(at + 1);
        }
        if c == ')' && depth == 0 {
            break;
        }
        before = c;
    }
    list.retain(|one| !one.is_empty());
    list
}

#[test]
fn a_tuple_among_parameters_is_found() {
    for bad in [
        "fn f(a: u8, (from, to): (i64, i64)) {}",
        "pub(crate) fn f<'a, F: Fn(u8) -> u8>(\n    view: &mut View<'a>,\n    (mut a, b): (A, B),\n) -> C {",
        "fn f(&self, (a, b): Row) {}",
    ] {
        assert_eq!(tupled(bad).len(), 1, "{bad}");
    }
    for good in [
        "fn f(a: u8, b: (i64, i64)) {}",
        "fn read((id, at): Row) -> Read {",
        "fn from((a, b): (A, B)) -> Self {",
        "fn f((a, b) in pairs(), c in 0..2_u8) {",
        "fn f(a: u8) { let g = |(b, c): (u8, u8)| b + c; }",
        "fn f(a: impl Fn((u8, u8)) -> u8, B { c, d }: B) {}",
    ] {
        assert_eq!(tupled(good), [], "{good}");
    }
}
