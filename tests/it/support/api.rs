//! The API as a person's program calls it.

use std::time::Duration;

use serde_json::{Value, json};

/// A caller of one node's API, signed in or not. Paths begin with `/api/v1`.
pub(crate) struct Api {
    base: String,
    agent: ureq::Agent,
    token: Option<String>,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    pub(crate) fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Api {
    /// A caller without a name.
    pub(crate) fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            // A kept connection may be closed by the other side just as it is used again.
            .max_idle_connections(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        Self { base: base.trim_end_matches('/').to_owned(), agent: config.new_agent(), token: None }
    }

    /// The same, signed in.
    pub(crate) fn signed_in(mut self, email: &str, password: &str) -> Self {
        let answer =
            self.post("/api/v1/auth/token", &json!({"email": email, "password": password})).with(200);
        self.token = answer["access_token"].as_str().map(str::to_owned);
        assert!(self.token.is_some(), "an access token in {answer}");
        self
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Self::answer(path, request.call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Self::answer(path, request.send_json(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        let mut request = self.agent.delete(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Self::answer(path, request.call())
    }

    /// The items of every page of a list.
    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (vec![], String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).with(200);
            items.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            let Some(next) = page["next"].as_str() else { return items };
            cursor = format!("{}after={next}", if path.contains('?') { '&' } else { '?' });
        }
    }

    fn answer(path: &str, got: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response = got.unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }
}
