//! What commands print: one JSON line, or words for people. A reader that went away is no error.

use std::io::{self, Write};

use serde::Serialize;

use crate::observe;

/// Where and how a command answers.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    json: bool,
}

impl Out {
    /// JSON lines, or words.
    #[must_use]
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// One answer: its JSON form, or its words.
    pub fn say(self, json: &impl Serialize, words: &str) {
        if self.json {
            if let Ok(line) = serde_json::to_string(json) {
                print(&line);
            }
        } else {
            print(words);
        }
    }
}

/// A line on standard error: progress, and errors.
pub fn note(words: &str) {
    observe::note(words);
}

fn print(line: &str) {
    let mut out = io::stdout().lock();
    let _gone = writeln!(out, "{line}").and_then(|()| out.flush());
}
