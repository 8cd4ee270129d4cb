//! Rules of profiles: no secret in a URL, a valid form for each call, and added hosts.

use octo_auth_core::profile::{
    BaseUrlError, Call, Calls, ClientAuthentication, Document, Encoding, Method, Parameter, Placeholder,
    Profile, ProfileError, ProfileProblem, Template,
};
use octo_auth_core::{Client, Scopes};
use octo_auth_testkit::moment;
use octo_auth_testkit::registration::entropy;

/// Returns a standard server with an authorization page.
fn standard() -> Profile {
    Profile::rfc6749("https://login.example.com/token")
        .and_then(|profile| profile.with_authorization_url("https://login.example.com/authorize"))
        .unwrap()
}

/// Changes one call of a profile. The result must be refused.
fn refused(
    profile: Profile,
    call: fn(&mut Calls) -> &mut Option<Call>,
    change: impl FnOnce(&mut Call),
) -> ProfileError {
    let change = |document: &mut Document| call(&mut document.calls).as_mut().map_or((), change);
    profile.edit(change).unwrap_err()
}

#[test]
fn no_secret_travels_in_a_url() {
    let secrets: Vec<_> = Placeholder::ALL.iter().filter(|role| role.is_secret()).collect();
    assert_eq!(secrets.len(), 8);
    for role in secrets {
        let parameter = Parameter { name: "x".into(), value: Template::new(format!("{{{role}}}")).unwrap() };
        let page = refused(
            standard(),
            |calls| &mut calls.authorization,
            |page| {
                page.parameters.to_mut().insert(1, parameter.clone());
            },
        );
        let wanted = ("calls.authorization.parameters[1].value", "profile_secret_in_url");
        assert_eq!((page.field(), page.code()), wanted, "{page}");
        let call = refused(
            standard(),
            |calls| &mut calls.refresh,
            |call| {
                (call.method, call.encoding) = (Method::Get, Encoding::Query);
                call.parameters = vec![parameter].into();
            },
        );
        assert_eq!(call.problem(), &ProfileProblem::SecretInUrl(*role));
    }
}

#[test]
fn the_authorization_page_is_a_url_with_a_query() {
    let error = refused(
        standard(),
        |calls| &mut calls.authorization,
        |page| {
            (page.method, page.encoding) = (Method::Post, Encoding::Form);
        },
    );
    assert_eq!((error.field(), error.code()), ("calls.authorization.encoding", "profile_call_encoding"));
}

#[test]
fn json_of_the_callers_own_creates_a_property_and_nothing_else() {
    let property = refused(
        Profile::octorate(),
        |calls| &mut calls.create_property,
        |call| {
            call.encoding = Encoding::Json;
        },
    );
    assert_eq!(
        (property.field(), property.code()),
        ("calls.create_property.encoding", "profile_call_encoding")
    );
    let other = refused(
        Profile::octorate(),
        |calls| &mut calls.migrate,
        |call| {
            call.encoding = Encoding::CallerJson;
            call.parameters = vec![].into();
        },
    );
    assert_eq!((other.field(), other.code()), ("calls.migrate.encoding", "profile_call_encoding"));
}

#[test]
fn the_query_of_an_endpoint_is_url_text_and_must_be_the_only_one() {
    for query in ["a b", "a#b", "?a", "\u{e9}"] {
        let error = refused(standard(), |calls| &mut calls.code, |call| call.query = Some(query.into()));
        assert_eq!((error.field(), error.code()), ("calls.code.query", "profile_query"), "{query}");
    }
    let empty = refused(standard(), |calls| &mut calls.code, |call| call.query = Some("".into()));
    assert_eq!(empty.code(), "profile_empty");
    let page = refused(standard(), |calls| &mut calls.authorization, |call| call.query = Some("a=b".into()));
    assert_eq!((page.field(), page.code()), ("calls.authorization.query", "profile_query"));
}

#[test]
fn an_api_host_is_added_to_those_of_the_profile() {
    let origins = |profile: &Profile| profile.api_origins().collect::<Vec<_>>();
    assert!(origins(&standard()).is_empty());
    let one = standard().with_api_host("https://api.example.com/v1").unwrap();
    assert_eq!(origins(&one), ["https://api.example.com"]);
    // The token server's own host may be added too. Each host is listed once.
    let both = one
        .with_api_host("https://login.example.com/")
        .and_then(|profile| profile.with_api_host("https://api.example.com/v1"))
        .unwrap();
    assert_eq!(origins(&both), ["https://api.example.com", "https://login.example.com"]);
    assert_eq!(both.document().hosts.len(), 2);
    let region = Profile::officernd().with_api_host("https://region.example").unwrap();
    let listed = ["https://app.officernd.com", "https://hybrid.officernd.com", "https://region.example"];
    assert_eq!(origins(&region), listed);
    let behind = region.via_gateway("http://127.0.0.1:4000").unwrap();
    assert!(origins(&behind).iter().all(|origin| origin == "http://127.0.0.1:4000"));
}

#[test]
fn an_api_host_is_a_base_url_with_https_or_on_loopback() {
    for (url, problem) in [
        ("http://api.example.com", BaseUrlError::Unencrypted("api.example.com".to_owned())),
        ("https://user@api.example.com", BaseUrlError::UserInfo),
        ("https://api.example.com/?a=b", BaseUrlError::Query),
        ("api.example.com", BaseUrlError::NotAbsolute),
    ] {
        let error = standard().with_api_host(url).unwrap_err();
        assert_eq!((error.field(), error.problem()), ("api.hosts", &ProfileProblem::Url(problem)), "{url}");
    }
}

#[test]
fn a_standard_server_has_a_name_of_its_own_in_messages() {
    let profile = standard().with_name("Acme Login").unwrap();
    assert_eq!((profile.title(), profile.name()), ("Acme Login", "acme-login"));
    let client = Client::new(profile, "my-app", "secret").unwrap();
    let error = client.client_credentials(&Scopes::none()).unwrap().read(
        &http::Response::builder().status(401).body(r#"{"error":"invalid_client"}"#).unwrap(),
        moment::start(),
        moment::start(),
    );
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("Acme Login: the client credentials request was refused: "), "{text}");
    for (name, code) in [("", "profile_empty"), (" ", "profile_empty"), ("a\nb", "profile_invisible")] {
        assert_eq!(standard().with_name(name).unwrap_err().code(), code, "{name:?}");
    }
}

#[test]
fn an_unknown_client_error_says_how_the_credentials_were_sent() {
    for (way, expected) in [
        (
            ClientAuthentication::Body,
            "were sent in the body (`client_authentication` of the profile can be `basic`)",
        ),
        (
            ClientAuthentication::Basic,
            "were sent by HTTP Basic (`client_authentication` of the profile can be `body`)",
        ),
    ] {
        let profile = standard().with_client_authentication(way).unwrap();
        let client = Client::new(profile, "my-app", "secret").unwrap();
        let read = |body: &'static str| {
            let response = http::Response::builder().status(401).body(body).unwrap();
            let exchange = client.client_credentials(&Scopes::none()).unwrap();
            exchange.read(&response, moment::start(), moment::start()).unwrap_err().to_string()
        };
        let text = read(r#"{"error":"invalid_client"}"#);
        assert!(text.ends_with(expected), "{text}");
        assert!(!read(r#"{"error":"invalid_scope"}"#).contains("client_authentication"));
    }
}

#[test]
fn parameters_of_the_page_are_not_in_token_requests() {
    let client = Client::public(standard(), "my-app").unwrap();
    let client = client.with_authorization_parameter("prompt", "consent").unwrap();
    let client = client.with_parameter("audience", "api").unwrap();
    let (page, pending) =
        client.authorize("https://app.example/cb", &Scopes::none(), entropy(), moment::start()).unwrap();
    assert!(page.ends_with("&prompt=consent") && !page.contains("audience"), "{page}");
    let callback = format!("https://app.example/cb?code=c&state={}", pending.state().expose());
    let exchange =
        pending.receive(&callback, moment::start()).unwrap().exchange(&client, moment::start()).unwrap();
    let sent = octo_auth_testkit::wire::sent(&exchange);
    assert!(sent.contains("&audience=api") && !sent.contains("prompt"), "{sent}");
    for (name, value, code) in
        [("state", "x", "reserved_parameter"), ("", "x", "value_malformed"), ("x", "a\nb", "value_malformed")]
    {
        let refused = client.clone().with_authorization_parameter(name, value).unwrap_err();
        assert_eq!(refused.code(), code);
    }
    // Parameters of the authorization page may also be used in a token request, and the other way round.
    assert!(client.clone().with_parameter("prompt", "x").is_ok());
    assert!(client.with_authorization_parameter("grant_type", "x").is_ok());
}
