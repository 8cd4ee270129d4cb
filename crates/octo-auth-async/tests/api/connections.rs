//! Which requests of the API client share a connection.

use std::collections::HashSet;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use octo_auth_async::{Accounts, ApiClient, Body, Client, Key, Profile, ReqwestTransport, Scopes};

use crate::server::read;

/// The path of each request and the number of the connection it came over, in order.
type Requests = Arc<Mutex<Vec<(String, usize)>>>;

/// A server that keeps connections open. It refuses the token that it gives out first.
fn keeping() -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Requests::default();
    let seen = requests.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let seen = seen.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                while let Some(call) = read(&mut reader) {
                    let mut seen = seen.lock().expect("nothing panics under this lock");
                    seen.push((call.path.clone(), number));
                    let tokens = seen.iter().filter(|(path, _)| path == "/token").count();
                    let token = format!(
                        r#"{{"access_token":"at-{tokens}","token_type":"Bearer","expires_in":3600}}"#
                    );
                    let (status, body) = match (&*call.path, call.authorization.as_deref()) {
                        ("/token", _) => (200, token),
                        ("/last", Some("Bearer at-1")) => (401, String::new()),
                        _ => (200, "{}".to_owned()),
                    };
                    let length = body.len();
                    let head = "content-type: application/json\r\ncontent-length";
                    // A client that went away is the test's business.
                    let _ = write!(&stream, "HTTP/1.1 {status} Some\r\n{head}: {length}\r\n\r\n{body}");
                }
            });
        }
    });
    (url, requests)
}

/// Makes nine calls and one whose token is refused, and returns the connections of API calls and of token requests.
async fn connections(transport: ReqwestTransport) -> (Vec<usize>, Vec<usize>) {
    let (url, requests) = keeping();
    let profile = Profile::rfc6749(&format!("{url}/token")).expect("a sound address");
    let profile = profile.with_api_host(&url).expect("a sound address");
    let client = Client::new(profile, "client-1", "secret-1").expect("a sound client");
    let accounts = Accounts::builder(client).transport(transport).build().expect("a registration");
    let tokens = accounts.tokens(Key::client_credentials(&Scopes::none())).expect("a handle");
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
async fn api_calls_share_connections_where_that_is_set_and_token_requests_never_do() {
    let builder = ReqwestTransport::builder().expect("a builder").no_proxy();
    let transport = ReqwestTransport::new().expect("a transport").with_api_connections(builder);
    let (calls, tokens) = connections(transport.expect("a transport")).await;
    assert_eq!((calls.len(), tokens.len()), (11, 2));
    // One as a rule; a call that comes before the connection is back in the pool opens another.
    assert!(distinct(&calls) < calls.len(), "{calls:?}");
    assert_eq!(distinct(&tokens), 2);
    assert!(tokens.iter().all(|token| !calls.contains(token)), "{calls:?} {tokens:?}");
}
