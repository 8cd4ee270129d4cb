//! A plain HTTP client, and the instant at which the frozen clocks start.

use octo_auth_emulator::Emulator;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request};

/// 2023-11-14T22:13:20Z.
pub(crate) const START: i64 = 1_700_000_000_000;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// Returns a member of the JSON body, which must be text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no text {name} in {}", self.body)).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Starts an emulator whose clock is frozen at [`START`].
pub(crate) fn frozen() -> Emulator {
    Emulator::builder().frozen_at(START).start().expect("a free port")
}

pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    send(&Method::GET, url, headers, "")
}

pub(crate) fn post_form(url: &str, fields: &[(&str, &str)]) -> Answer {
    post_form_with(url, fields, &[])
}

pub(crate) fn post_form_with(url: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let form = ("content-type", "application/x-www-form-urlencoded");
    send(&Method::POST, url, &[headers, &[form]].concat(), &body)
}

pub(crate) fn send_json(method: &Method, url: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let json = ("content-type", "application/json");
    send(method, url, &[headers, &[json]].concat(), &body.to_string())
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Returns a decoded parameter of an address's query.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns a URL with a query.
pub(crate) fn with_query(url: &str, fields: &[(&str, &str)]) -> String {
    format!("{url}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}

pub(crate) fn send(method: &Method, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let agent: Agent =
        Agent::config_builder().max_redirects(0).http_status_as_error(false).proxy(None).build().into();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_owned()).expect("a request");
    let agent_for_any_body = agent.configure_request(request).allow_non_standard_methods(true).build();
    let response = if body.is_empty() && *method == Method::GET {
        agent.run(agent_for_any_body.map(|_| ())).expect("an answer")
    } else {
        agent.run(agent_for_any_body).expect("an answer")
    };
    let (head, mut body) = response.into_parts();
    let body = body.read_to_string().expect("text");
    Answer { status: head.status.as_u16(), body, headers: head.headers }
}
