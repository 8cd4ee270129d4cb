//! The crate without its feature `reqwest`, as used by a store, or by a program with its own HTTP client.

#![cfg(not(feature = "reqwest"))]

use std::time::Duration;

use http::{Request, Response};
use octo_auth_async::{
    Body, Client, Profile, Runner, Scopes, TokenManager, TokenSpec, Transport, TransportError,
};

/// Answers every request with a token.
struct Answering;

#[async_trait::async_trait]
impl Transport for Answering {
    async fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Ok(Response::new(Body::from(r#"{"access_token":"token-1","token_type":"Bearer","expires_in":3600}"#)))
    }
}

fn client() -> Client {
    let profile = Profile::rfc6749("https://auth.example/token").expect("a sound address");
    Client::new(profile, "client-1", "secret-1").expect("a sound client")
}

#[test]
fn a_manager_or_a_runner_without_a_transport_is_an_error_that_says_what_to_do() {
    let errors = [TokenManager::new(client()).map(drop), Runner::new().map(drop)];
    for error in errors.map(Result::unwrap_err) {
        let text = error.to_string();
        assert!(text.contains("the feature `reqwest`") && text.contains("`Builder::transport`"), "{text}");
    }
}

#[tokio::test]
async fn a_manager_with_its_own_transport_has_tokens() {
    let manager = TokenManager::builder(client()).transport(Answering).build().expect("a registration");
    let tokens = manager.tokens(TokenSpec::client_credentials(&Scopes::none())).expect("a handle");
    assert_eq!(tokens.get().await.expect("a token").access_token().expose(), "token-1");
    manager.shutdown().await;
}
