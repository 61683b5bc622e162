//! Every answer of the API that a test of this room gets is held against the document: its status is named, and each
//! member is of the type that the document gives it.

use std::sync::LazyLock;

use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(crate::http::openapi::value()).unwrap());

/// Panics where the answer is not what the document says.
pub(super) fn hold(method: &str, path: &str, status: u16, kind: &str, body: &Value) {
    let path = path.split('?').next().unwrap();
    // What the router refuses is no operation's answer.
    let Some(operation) = operation(method, path).filter(|_| !matches!(status, 404 | 405)) else { return };
    let answer = &operation["responses"][status.to_string()];
    assert!(answer.is_object(), "{method} {path} answers {status}, which the document does not name: {body}");
    let kind = kind.split(';').next().unwrap();
    let schema = &answer["content"][kind]["schema"];
    if kind.ends_with("json") && schema.is_object() {
        let faults = faults(schema, body, "");
        assert!(faults.is_empty(), "{method} {path} {status}: {faults:?} in {body}");
    }
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len()
            && parts.iter().zip(&asked).all(|(part, word)| part == word || part.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let exact = paths.get(path).or_else(|| paths.iter().find(|(name, _)| fits(name)).map(|(_, item)| item));
    exact?.get(method.to_ascii_lowercase())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Where `value` is not what `schema` says (JSON Schema 2020-12, as far as the document uses it).
fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return faults(DOCUMENT.pointer(name.trim_start_matches('#')).unwrap(), value, at);
    }
    let mut found = Vec::new();
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let is = type_of(value);
    let fits = types.is_empty() || types.contains(&is) || (is == "integer" && types.contains(&"number"));
    if !fits {
        return vec![format!("{at} is {is}, not {types:?}")];
    }
    if let Some(named) = schema["enum"].as_array().filter(|named| !named.contains(value)) {
        found.push(format!("{at} is {value}, not one of {named:?}"));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(faults(part, value, at));
    }
    for choice in ["oneOf", "anyOf"] {
        let parts: Vec<_> = schema[choice].as_array().into_iter().flatten().collect();
        if !parts.is_empty() && parts.iter().all(|part| !faults(part, value, at).is_empty()) {
            found.push(format!("{at} is none of {choice}: {value}"));
        }
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                found.push(format!("{at}/{name} is missing"));
            }
        }
        for (name, member) in members {
            let described = &schema["properties"][name];
            if described.is_object() {
                found.extend(faults(described, member, &format!("{at}/{name}")));
            }
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            found.extend(faults(&schema["items"], item, &format!("{at}/{place}")));
        }
    }
    found
}

#[test]
fn an_answer_of_another_type_than_the_document_says_is_found() {
    let schema =
        json!({ "type": "object", "required": ["state"], "properties": { "state": { "type": "object" } } });
    assert_eq!(faults(&schema, &json!({ "state": "climbing" }), ""), ["/state is string, not [\"object\"]"]);
    assert_eq!(faults(&schema, &json!({}), "").len(), 1);
    assert!(faults(&schema, &json!({ "state": {} }), "").is_empty());
    let escalation = json!({ "$ref": "#/components/schemas/EscalationState" });
    for state in [json!("climbing"), json!({ "snoozed": "x" }), json!({ "claimed": "x" }), json!("no_basis")]
    {
        assert!(faults(&escalation, &state, "").is_empty(), "{state}");
    }
    assert!(!faults(&escalation, &json!("sleeping"), "").is_empty());
    assert!(!faults(&escalation, &json!({ "acknowledged": 1 }), "").is_empty());
}
