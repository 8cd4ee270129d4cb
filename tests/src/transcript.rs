//! All effects of a profile as one text: each request that it offers, and what it reads in the sample answers of the
//! documents.
//!
//! The samples are those of the providers and never derived from the profile, so a profile with one changed byte yields
//! another text.

mod answers;
mod requests;
mod samples;

use std::fmt::Display;

use octo_auth_core::{Client, Exchange, Profile, Reply, Scopes, Secret, TokenSet};

use crate::registration;

/// Builds the transcript of a profile.
#[must_use]
pub fn transcript(profile: &Profile) -> String {
    let client = registration::with(profile.clone());
    let mut script = Script::default();
    script.section("profile");
    script.line(format!("{} / {}", profile.name(), profile.title()));
    script.line(rules(profile));
    requests::write(&client, &mut script);
    answers::write(&client, &mut script);
    script.0
}

/// Returns the rules that need not show in a request or an answer: pauses, repetitions, refusals, error bodies.
fn rules(profile: &Profile) -> String {
    let document = profile.document();
    let limit = document.token_limit.as_ref();
    let limit = limit.map(|limit| (limit.requests, limit.per_seconds, limit.after_failure_seconds));
    let replay = document.refresh.as_ref().map(|refresh| refresh.replay);
    let mut text = format!("token limit {limit:?}, replay {replay:?}, scopes {:?}", document.scopes);
    for refusal in document.refusals.iter() {
        let code = refusal.code.as_deref().unwrap_or("any");
        text.push_str(&format!("\nrefusal {} {code} means {:?}", refusal.status, refusal.meaning));
    }
    for shape in document.error_shapes.iter() {
        let code = shape.code.as_deref().unwrap_or("none");
        text.push_str(&format!("\nerror body: code {code}, message {}", shape.message));
    }
    text
}

/// The text so far.
#[derive(Default)]
struct Script(String);

impl Script {
    fn section(&mut self, title: &str) {
        self.0.push_str(&format!("\n== {title}\n"));
    }

    fn line(&mut self, text: impl Display) {
        let text = text.to_string();
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    /// Writes the request of an exchange, or why it cannot be built.
    fn request<T: Reply, E: Display>(&mut self, title: &str, exchange: Result<Exchange<T>, E>) {
        self.section(title);
        match exchange {
            Ok(exchange) => self.line(crate::wire::sent(&exchange)),
            Err(error) => self.line(format!("no request: {error}")),
        }
    }
}

/// Returns client credentials, with the scopes `a b` if the provider requires scopes.
fn client_credentials(client: &Client) -> Option<Exchange<TokenSet>> {
    let scopes = Scopes::parse("a b").unwrap_or_default();
    client.client_credentials(&Scopes::none()).or_else(|_| client.client_credentials(&scopes)).ok()
}

/// Returns a refresh, if the provider has one.
fn refresh(client: &Client) -> Option<Exchange<TokenSet>> {
    client.refresh(&Secret::from("refresh-token-1")).ok()
}
