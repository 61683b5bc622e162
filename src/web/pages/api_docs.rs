//! The API for people: the OpenAPI document as a page of ours, without anyone's script.

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

use super::Html;
use crate::{Code, Lang, Section, Shell, Theme, Words};

/// What the page shows of the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The version of the API.
    pub version: String,
    /// What it says of itself.
    pub description: String,
    /// Operations by tag.
    pub groups: BTreeMap<String, Vec<Operation>>,
}

/// One operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operation {
    /// `GET` and the like.
    pub method: String,
    /// The path, with its `{names}`.
    pub path: String,
    /// What it does.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// Parameters: name, place, whether required, meaning.
    pub parameters: Vec<(String, String, bool, String)>,
    /// Answers: status and meaning.
    pub responses: Vec<(String, String)>,
}

impl View {
    /// Reads an OpenAPI 3.1 document; what is missing stays empty.
    #[must_use]
    pub(crate) fn of(document: &Value) -> Self {
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let info = document.get("info").cloned().unwrap_or_default();
        let mut view = Self {
            version: text(&info, "version"),
            description: text(&info, "description"),
            groups: BTreeMap::new(),
        };
        for (path, methods) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                if !matches!(method.as_str(), "get" | "post" | "put" | "patch" | "delete") {
                    continue;
                }
                let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("api").to_owned();
                let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
                let responses = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
                view.groups.entry(tag).or_default().push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    summary: text(operation, "summary"),
                    description: text(operation, "description"),
                    parameters: parameters
                        .map(|one| {
                            let required = one.get("required").and_then(Value::as_bool).unwrap_or(false);
                            (text(one, "name"), text(one, "in"), required, text(one, "description"))
                        })
                        .collect(),
                    responses: responses
                        .map(|(status, one)| (status.clone(), text(one, "description")))
                        .collect(),
                });
            }
        }
        view
    }
}

#[derive(Template)]
#[template(path = "pages/api_docs.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    codes: &'static [Code],
}

/// The page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, codes: Code::ALL }.render()
}
