//! Which requests share a connection.

use std::collections::HashSet;

use octo_auth_blocking::{ApiClient, Body, Client, Profile, Scopes, TokenManager, TokenSpec, UreqTransport};

use crate::server::keeping;

/// Returns an API client for a server.
fn client(url: &str, transport: UreqTransport) -> ApiClient {
    let profile = Profile::rfc6749(&format!("{url}/token")).expect("a sound address");
    let profile = profile.with_api_host(url).expect("a sound address");
    let client = Client::new(profile, "client-1", "secret-1").expect("a sound client");
    let manager = TokenManager::builder(client).transport(transport).build().expect("a registration");
    let tokens = manager.tokens(TokenSpec::client_credentials(&Scopes::none())).expect("a handle");
    ApiClient::new(tokens)
}

/// Makes these calls, and returns the connections of API calls and of token requests.
fn connections(transport: UreqTransport, paths: &[&str]) -> (Vec<usize>, Vec<usize>) {
    let (url, requests) = keeping();
    let client = client(&url, transport);
    for path in paths {
        let request = http::Request::get(format!("{url}{path}")).body(Body::empty()).expect("a request");
        assert_eq!(client.call(&request).expect("an answer").value.status(), 200);
    }
    let requests = requests.lock().expect("nothing panics under this lock").clone();
    let of = |is_token: bool| {
        let own = requests.iter().filter(|(path, _)| (path == "/token") == is_token);
        own.map(|(_, number)| *number).collect()
    };
    (of(false), of(true))
}

fn transport() -> UreqTransport {
    UreqTransport::new().expect("a transport")
}

#[test]
fn each_request_has_a_connection_of_its_own_by_default() {
    let (calls, tokens) = connections(transport(), &["/a", "/b", "/last"]);
    assert_eq!((calls.len(), tokens.len()), (4, 2));
    assert_eq!([calls, tokens].concat().into_iter().collect::<HashSet<_>>().len(), 6);
}

#[test]
fn api_calls_share_a_connection_if_configured_and_token_requests_never_do() {
    let (calls, tokens) = connections(transport().with_api_connections(), &["/a", "/b", "/c", "/last"]);
    assert_eq!(calls, [calls[0]; 5], "the repetition too");
    assert!(tokens[0] != tokens[1] && !tokens.contains(&calls[0]), "{calls:?} {tokens:?}");
}

#[test]
fn a_connection_that_the_server_ends_is_not_used_again() {
    let (calls, _) = connections(transport().with_api_connections(), &["/a", "/closed", "/b", "/c"]);
    assert!(calls[0] == calls[1] && calls[1] != calls[2] && calls[2] == calls[3], "{calls:?}");
}

#[test]
fn bytes_after_an_answer_are_not_the_answer_to_the_next_call() {
    for total in [0, 4096, 8192, 8_100, 24_500, 32_768, 100_000] {
        let (url, _) = keeping();
        let client = client(&url, transport().with_api_connections());
        let call = |path: &str| {
            let request = http::Request::get(format!("{url}{path}")).body(Body::empty()).expect("a request");
            client.call(&request).expect("an answer").value.body().to_vec()
        };
        assert_eq!(call(&format!("/behind/{total}")).len(), total);
        assert_eq!(call("/next"), b"{}", "behind {total} bytes");
    }
}
