//! Which requests share a connection.

use std::collections::HashSet;

use octo_auth_async::{ApiClient, Body, Client, Profile, ReqwestTransport, Scopes, TokenManager, TokenSpec};

use crate::server::keeping;

/// Makes nine calls, and one whose token is refused. Returns the connections of API calls and of token requests.
async fn connections(transport: ReqwestTransport) -> (Vec<usize>, Vec<usize>) {
    let (url, requests) = keeping();
    let profile = Profile::rfc6749(&format!("{url}/token")).expect("a sound address");
    let profile = profile.with_api_host(&url).expect("a sound address");
    let client = Client::new(profile, "client-1", "secret-1").expect("a sound client");
    let manager = TokenManager::builder(client).transport(transport).build().expect("a registration");
    let tokens = manager.tokens(TokenSpec::client_credentials(&Scopes::none())).expect("a handle");
    let client = ApiClient::new(tokens);
    for path in ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/last"] {
        let request = http::Request::get(format!("{url}{path}")).body(Body::empty()).expect("a request");
        assert_eq!(client.call(&request).await.expect("an answer").value.status(), 200);
    }
    let requests = requests.lock().expect("nothing panics under this lock").clone();
    let of = |is_token: bool| {
        let own = requests.iter().filter(|(path, _)| (path == "/token") == is_token);
        own.map(|(_, number)| *number).collect()
    };
    (of(false), of(true))
}

fn distinct(numbers: &[usize]) -> usize {
    numbers.iter().collect::<HashSet<_>>().len()
}

#[tokio::test]
async fn each_request_has_a_connection_of_its_own_by_default() {
    let (calls, tokens) = connections(ReqwestTransport::new().expect("a transport")).await;
    assert_eq!((calls.len(), tokens.len()), (11, 2));
    assert_eq!(distinct(&[calls, tokens].concat()), 13);
}

#[tokio::test]
async fn api_calls_share_connections_if_configured_and_token_requests_never_do() {
    let builder = ReqwestTransport::builder().expect("a builder").no_proxy();
    let transport = ReqwestTransport::new().expect("a transport").with_api_connections(builder);
    let (calls, tokens) = connections(transport.expect("a transport")).await;
    assert_eq!((calls.len(), tokens.len()), (11, 2));
    // Usually one. A call that comes before the connection is back in the pool opens another.
    assert!(distinct(&calls) < calls.len(), "{calls:?}");
    assert_eq!(distinct(&tokens), 2);
    assert!(tokens.iter().all(|token| !calls.contains(token)), "{calls:?} {tokens:?}");
}
