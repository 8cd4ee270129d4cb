//! The requests of a flow as the providers see them: each once, in order, with these parameters and headers.
//!
//! `octo-auth demo` shows that every flow has the right result. Here the emulator's log and a bare socket show what was
//! sent.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use http::Request;
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{
    AdminToken, Body, Client, Exchange, PendingAuthorization, Profile, Reply, RequestError, Scopes, Secret,
    TokenSet, TokenTypeHint,
};
use octo_auth_emulator::{Browser, Emulator, Entry, generic, octorate, octotable, officernd};
use octo_auth_tests::adapter::{self, Adapter};
use octo_auth_tests::moment;
use octo_auth_tests::registration::{admin_token, entropy, property_token, sound, standard_profile};
use octo_auth_tests::socket::Socket;

/// Returns the emulator's requests, one per line.
fn seen(emulator: &Emulator) -> Vec<String> {
    emulator.log().iter().map(ToString::to_string).collect()
}

/// Returns the `authorization` header of each logged request with a form.
fn authorizations(emulator: &Emulator) -> Vec<Option<String>> {
    let of = |entry: &Entry| entry.header("authorization").map(str::to_owned);
    emulator.log().iter().map(of).collect()
}

fn value<T: Reply>(adapter: &Adapter, exchange: Result<Exchange<T>, RequestError>) -> T {
    sound(adapter.run(sound(exchange))).value
}

/// Runs from the page to the tokens, with a person who grants.
fn signed_in(adapter: &Adapter, client: &Client, redirect_uri: &str, scopes: &Scopes) -> TokenSet {
    let (page, pending) = sound(client.authorize(redirect_uri, scopes, entropy(), adapter.now()));
    let callback = sound(Browser::new().open(&page).and_then(|page| page.grant()));
    let code = sound(pending.receive(&callback, adapter.now()));
    sound(adapter.run(sound(code.exchange(client, adapter.now())))).value
}

/// Returns the `state` that results from the fixed entropy.
fn state(client: &Client, redirect_uri: &str) -> String {
    let (_, pending): (String, PendingAuthorization) =
        sound(client.authorize(redirect_uri, &Scopes::none(), entropy(), moment::start()));
    pending.state().expose().to_owned()
}

fn get(
    adapter: &Adapter,
    client: &Client,
    tokens: &TokenSet,
    host: &str,
    path: &str,
    property: Option<&str>,
) {
    let url = client.profile().host(host).expect("a host of the profile").join(path);
    let request = property.into_iter().fold(Request::get(url), |request, id| request.header("Property", id));
    let request = request.body(Body::empty()).expect("a request");
    let status = value(adapter, client.api_call(tokens, request)).status();
    assert_eq!(status, 200, "{}", adapter.name());
}

#[test]
fn octorate_sees_a_sign_in_and_a_renewal_as_five_requests() {
    adapter::each(|adapter| {
        let emulator = sound(Emulator::start());
        let profile = sound(Profile::octorate().via_gateway(&emulator.url()));
        let client = sound(Client::new(profile, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET));
        let tokens = signed_in(adapter, &client, octorate::DEMO_REDIRECT_URI, &Scopes::none());
        let path = "/connect/rest/v1/accommodation";
        get(adapter, &client, &tokens, "api", path, None);
        value(adapter, client.refresh(tokens.refresh_token().expect("a refresh token")));

        let (id, state) = (octorate::DEMO_CLIENT_ID, state(&client, octorate::DEMO_REDIRECT_URI));
        let page = "admin.octorate.com/octobook/identity/oauth.xhtml";
        let asked = format!("?client_id={id}&redirect_uri=https://localhost&state={state}");
        let api = "api.octorate.com/connect/rest/v1";
        assert_eq!(
            seen(&emulator),
            [
                format!("GET {page}{asked} -> 200"),
                format!("POST {page}{asked} decision=grant -> 302"),
                format!(
                    "POST {api}/identity/token client_secret=***&client_id={id}&redirect_uri=https://localhost\
                     &grant_type=code&code=*** -> 200"
                ),
                format!("GET {api}/accommodation -> 200"),
                format!(
                    "POST {api}/identity/refresh client_id={id}&client_secret=***&refresh_token=*** -> 200"
                ),
            ],
            "{}",
            adapter.name()
        );
        let bearer = Some("Bearer ***".to_owned());
        assert_eq!(authorizations(&emulator), [None, None, None, bearer, None]);
    });
}

#[test]
fn octorate_sees_administration_with_the_token_of_one_api_login() {
    adapter::each(|adapter| {
        let emulator = sound(Emulator::start());
        let profile = sound(Profile::octorate().via_gateway(&emulator.url()));
        let client = sound(Client::new(profile, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET));
        let admin: AdminToken = value(adapter, client.api_login());
        value(adapter, client.api_configuration(&admin));
        value(adapter, client.replace_redirect_uris(&admin, None));
        value(adapter, client.create_property(&admin, r#"{"name":"A","email":"a@b.example"}"#));
        value(adapter, client.migrate(&Secret::new(octorate::DEMO_API_KEY), octorate::DEMO_PROPERTY));

        let api = "api.octorate.com/connect/rest";
        let id = octorate::DEMO_CLIENT_ID;
        assert_eq!(
            seen(&emulator),
            [
                format!("POST {api}/v1/identity/apilogin client_id={id}&client_secret=*** -> 200"),
                format!("GET {api}/v1/api/configuration -> 200"),
                format!("PATCH {api}/v1/api/configuration {{\"redirectUri\":null}} -> 200"),
                format!("POST {api}/v2/accommodation {{\"email\":\"a@b.example\",\"name\":\"A\"}} -> 200"),
                format!("POST {api}/v1/identity/migrate accommodation=100001 -> 200"),
            ],
            "{}",
            adapter.name()
        );
        let bearer = Some("Bearer ***".to_owned());
        assert_eq!(authorizations(&emulator), [None, bearer.clone(), bearer.clone(), bearer, None]);
        assert_eq!(emulator.log()[4].header("key"), Some("***"));
    });
}

#[test]
fn octotable_sees_a_form_without_authorization_and_a_call_with_its_property() {
    adapter::each(|adapter| {
        let emulator = sound(Emulator::start());
        let profile = sound(Profile::octotable().via_gateway(&emulator.url()));
        let client = sound(Client::new(profile, octotable::DEMO_CLIENT_ID, octotable::DEMO_CLIENT_SECRET));
        let tokens = value(adapter, client.client_credentials(&Scopes::none()));
        let property = octotable::DEMO_PROPERTY.to_string();
        get(adapter, &client, &tokens, "api", "/octotable-pms/api/v2/services", Some(&property));

        let id = octotable::DEMO_CLIENT_ID;
        assert_eq!(
            seen(&emulator),
            [
                format!(
                    "POST api.octotable.com/octotable-auth/api/v2/oauth2/token \
                     grant_type=client_credentials&client_id={id}&client_secret=*** -> 200"
                ),
                "GET api.octotable.com/octotable-pms/api/v2/services -> 200".to_owned(),
            ],
            "{}",
            adapter.name()
        );
        let log = emulator.log();
        assert_eq!(log[0].header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(log[0].header("accept"), Some("application/json"));
        assert_eq!(log[1].header("property"), Some(property.as_str()));
        assert_eq!(authorizations(&emulator), [None, Some("Bearer ***".to_owned())]);
    });
}

#[test]
fn officernd_sees_scopes_joined_by_one_space_and_each_code_once() {
    adapter::each(|adapter| {
        let emulator = sound(Emulator::start());
        let profile = sound(Profile::officernd().via_gateway(&emulator.url()));
        let client = sound(Client::new(profile, officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET));
        let scopes = sound(Scopes::parse(" officernd.api.read\tofficernd.api.write"));
        value(adapter, client.client_credentials(&scopes));
        let scope = sound(Scopes::parse("officernd.api.read"));
        signed_in(adapter, &client, officernd::DEMO_REDIRECT_URI, &scope);

        let log = emulator.log();
        let tokens: Vec<&Entry> = log.iter().filter(|entry| entry.path == "/oauth/token").collect();
        let grants: Vec<_> = tokens.iter().map(|entry| entry.form_value("grant_type")).collect();
        assert_eq!(grants, [Some("client_credentials"), Some("authorization_code")], "{}", adapter.name());
        assert_eq!(tokens[0].form_value("scope"), Some("officernd.api.read officernd.api.write"));
        assert_eq!(log.iter().filter(|entry| entry.form_value("code").is_some()).count(), 1);
        assert_eq!(log.len(), 4);
    });
}

#[test]
fn a_standard_server_sees_credentials_in_one_place_and_a_verifier_with_the_code() {
    adapter::each(|adapter| {
        let emulator = sound(Emulator::start());
        let base = emulator.base("auth.example");
        let profile = sound(
            Profile::rfc6749(&format!("{base}/token"))
                .and_then(|profile| profile.with_authorization_url(&format!("{base}/authorize")))
                .and_then(|profile| profile.with_revocation_url(&format!("{base}/revoke")))
                .and_then(|profile| profile.with_client_authentication(ClientAuthentication::Basic)),
        );
        let client =
            sound(Client::new(profile.clone(), generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET));
        let client = sound(client.with_parameter("resource", "https://one.example"));
        let client = sound(client.with_parameter("resource", "https://two.example"));
        let exchange = client.client_credentials(&Scopes::none());
        // The emulated server refuses repeated parameters, which RFC 8707 permits for this one.
        let refused = adapter.run(sound(exchange)).expect_err("a refusal");
        assert_eq!(refused.code(), "oauth:invalid_request");
        let public = sound(Client::public(profile, generic::PUBLIC_CLIENT_ID));
        let tokens = signed_in(adapter, &public, generic::DEMO_REDIRECT_URI, &Scopes::none());
        let refresh_token = tokens.refresh_token().expect("a refresh token");
        value(adapter, public.revoke(refresh_token, TokenTypeHint::RefreshToken));

        let seen = seen(&emulator);
        assert_eq!(
            seen[0],
            "POST auth.example/token grant_type=client_credentials&resource=https://one.example\
             &resource=https://two.example -> 400"
        );
        assert_eq!(
            seen[3..],
            [
                "POST auth.example/token grant_type=authorization_code&code=***\
                 &redirect_uri=https://client.example/callback&code_verifier=***\
                 &client_id=public-demo-client -> 200",
                "POST auth.example/revoke token=***&token_type_hint=refresh_token\
                 &client_id=public-demo-client -> 200",
            ],
            "{}",
            adapter.name()
        );
        assert_eq!(authorizations(&emulator), [Some("Basic ***".to_owned()), None, None, None, None]);
    });
}

#[test]
fn a_token_goes_to_no_other_host_and_not_even_to_another_port() {
    let (provider, stranger) =
        (Socket::responding("200 OK", &[], b""), Socket::responding("200 OK", &[], b""));
    let base = format!("http://{}", provider.address());
    let profile = sound(Profile::octorate().with_base("api", &base));
    let client = sound(Client::new(profile, "id", "secret"));
    let elsewhere = format!("http://{}", stranger.address());
    let of_the_admin_pages = client.profile().host("admin").expect("a host").join("/x");
    let spelt_to_deceive = base.replace("http://", "http://api.octorate.com@");
    for (url, code) in [
        (elsewhere.as_str(), "foreign_host"),
        ("https://api.octorate.com.example", "foreign_host"),
        (&of_the_admin_pages, "foreign_host"),
        (&spelt_to_deceive, "url"),
    ] {
        let request = Request::get(url).body(Body::empty()).expect("a request");
        let refused =
            client.api_call(&property_token(client.profile(), "token-1"), request).expect_err("a refusal");
        assert_eq!(refused.code(), code, "{url}");
    }
    adapter::each(|adapter| {
        let request = Request::get(format!("{base}/x")).body(Body::empty()).expect("a request");
        value(adapter, client.api_call(&property_token(client.profile(), "token-1"), request));
    });
    assert_eq!(provider.requests().len(), 2);
    assert!(stranger.requests().is_empty());
}

/// Runs one exchange of each kind and ignores its answer. Returns the count.
fn every_exchange(adapter: &Adapter, base: &str) -> usize {
    let octorate = sound(Profile::octorate().with_base("api", base));
    let octorate = sound(Client::new(octorate, "id", "secret"));
    let admin = admin_token(octorate.profile(), "token-1");
    let standard = sound(standard_profile(ClientAuthentication::Basic).edit(|document| {
        for host in document.hosts.to_mut() {
            host.url = sound(base.parse());
        }
    }));
    let standard = sound(Client::new(standard, "id", "secret"));
    let mut sent = 0;
    let mut lose = |outcome: Result<(), String>| {
        outcome.expect_err("no answer that can be read");
        sent += 1;
    };
    lose(outcome(adapter, octorate.api_login()));
    lose(outcome(adapter, octorate.refresh(&Secret::new("refresh-1"))));
    lose(outcome(adapter, octorate.migrate(&Secret::new("key-1"), "1")));
    lose(outcome(adapter, octorate.api_configuration(&admin)));
    lose(outcome(adapter, octorate.replace_redirect_uris(&admin, None)));
    lose(outcome(adapter, octorate.create_property(&admin, "{}")));
    lose(outcome(adapter, standard.client_credentials(&Scopes::none())));
    lose(outcome(adapter, standard.revoke(&Secret::new("token-1"), TokenTypeHint::AccessToken)));
    lose(outcome(adapter, standard.introspect(&Secret::new("token-1"))));
    sent
}

fn outcome<T: Reply>(adapter: &Adapter, exchange: Result<Exchange<T>, RequestError>) -> Result<(), String> {
    adapter.run(sound(exchange)).map(drop).map_err(|error| error.to_string())
}

#[test]
fn each_exchange_is_one_request_that_asks_for_an_uncompressed_answer() {
    adapter::each(|adapter| {
        let server =
            Socket::responding("503 Service Unavailable", &["Retry-After: 1", "Set-Cookie: a=b"], b"");
        let sent = every_exchange(adapter, &format!("http://{}", server.address()));
        let requests = server.requests();
        assert_eq!(requests.len(), sent, "{}", adapter.name());
        for request in requests {
            let head = request.to_ascii_lowercase();
            assert_eq!(head.matches("\r\naccept-encoding: identity\r\n").count(), 1, "{request}");
            assert_eq!(head.matches("\r\naccept: application/json\r\n").count(), 1, "{request}");
            for absent in ["\r\ncookie:", "\r\nreferer:", "\r\nexpect:"] {
                assert!(!head.contains(absent), "{request}");
            }
        }
    });
}

#[test]
fn an_exchange_whose_answer_is_lost_is_not_repeated() {
    adapter::each(|adapter| {
        let server = Socket::answering("");
        let sent = every_exchange(adapter, &format!("http://{}", server.address()));
        assert_eq!(server.requests().len(), sent, "{}", adapter.name());
    });
}
