//! A vendor's special rules as data: members to keep, names for Bearer, a Basic header without encoding, another
//! header for the token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use octo_auth_core::profile::{
    ClientAuthentication, Document, KeptMember, Parameter, Profile, ProfileError, PublicClient, Template,
};
use octo_auth_core::{Authorizer, Body, Client, Deviation, RequestError, Scopes, Secret, TokenSet};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel};
use octo_auth_testkit::registration::property_token;
use octo_auth_testkit::response::{json, read};

const API: &str = "https://api.example.com";

fn standard() -> Profile {
    Profile::rfc6749("https://login.example.com/token")
        .and_then(|profile| profile.with_api_host(API))
        .unwrap()
}

fn edited(change: impl FnOnce(&mut Document)) -> Result<Profile, ProfileError> {
    standard().edit(change)
}

fn client(change: impl FnOnce(&mut Document)) -> Client {
    Client::new(edited(change).unwrap(), "my app", "p:%").unwrap()
}

fn keeping(document: &mut Document) {
    let member = |name: &'static str, secret| KeptMember { name: name.into(), secret };
    document.token_answer.keep =
        vec![member("instance_url", false), member("id_token", true), member("team", false)].into();
}

/// Returns what the client reads from a token answer with these additional members.
fn granted(client: &Client, members: &str) -> (TokenSet, Vec<Deviation>) {
    let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","expires_in":60{members}}}"#);
    let answer = read(client.client_credentials(&Scopes::none()).unwrap(), &json(200, &body)).unwrap();
    (answer.value, answer.deviations)
}

fn id_token(claims: &str) -> String {
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn kept_members_are_returned_and_secrets_are_marked() {
    let client = client(keeping);
    let id_token = id_token(r#"{"nonce":"n-1","sub":"ann","aud":["a"]}"#);
    let members = format!(
        r#","instance_url":"https://eu7.example.com","id_token":"{id_token}","team":{{"id":7}},"other":1"#
    );
    let (tokens, deviations) = granted(&client, &members);
    assert_eq!(tokens.member("instance_url"), Some("https://eu7.example.com"));
    assert_eq!(tokens.member("team"), Some(r#"{"id":7}"#));
    assert_eq!(tokens.secret_member("id_token").map(Secret::expose), Some(id_token.as_str()));
    assert_eq!(
        (tokens.member("id_token"), tokens.secret_member("team"), tokens.member("other")),
        (None, None, None)
    );
    assert_eq!(tokens.id_token_claim("nonce").as_deref(), Some("n-1"));
    assert_eq!((tokens.id_token_claim("aud"), tokens.id_token_claim("iss")), (None, None));
    assert!(!format!("{tokens:?}").contains(&id_token));
    assert_eq!(deviations, []);
}

#[test]
fn a_member_that_cannot_be_kept_never_costs_the_token() {
    let client = client(keeping);
    for (members, kept, deviations) in [
        ("".to_owned(), None, &[][..]),
        (r#","team":null"#.to_owned(), None, &[]),
        (r#","team":true"#.to_owned(), Some("true"), &[]),
        (r#","team":17.50"#.to_owned(), Some("17.50"), &[]),
        (format!(r#","team":"{}""#, "x".repeat(16_385)), None, &[Deviation::MemberNotKept]),
    ] {
        let (tokens, found) = granted(&client, &members);
        assert_eq!((tokens.member("team"), &*found), (kept, deviations), "{members:.40}");
        assert_eq!(tokens.access_token().expose(), "AT");
    }
    for broken in ["", "x", "x.y", "x.###.z", "x.e30.z", "x.bm90IGpzb24.z"] {
        let (tokens, _) = granted(&client, &format!(r#","id_token":"{broken}""#));
        assert_eq!(tokens.id_token_claim("nonce"), None, "{broken}");
    }
}

#[test]
fn kept_members_outlive_renewals_and_restarts() {
    let store = InMemoryStore::default();
    let start = || Machine::with_store(client(keeping), octo_auth_core::Storage::SingleProcess, &store, 1);
    let mut world = start();
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::json(
        200,
        r#"{"access_token":"AT1","token_type":"Bearer","expires_in":60,"instance_url":"https://eu7.example.com","id_token":"a.e30.c"}"#,
    ));
    assert_eq!(world.got(&hotel()), "AT1");
    // A renewal replaces the members that it contains and keeps the others.
    world.pass_seconds(60);
    world.endpoint.then(ServerReply::json(
        200,
        r#"{"access_token":"AT2","token_type":"Bearer","expires_in":60,"instance_url":"https://eu8.example.com"}"#,
    ));
    let known = |tokens: &TokenSet| {
        let member = tokens.member("instance_url").map(str::to_owned);
        (tokens.access_token().expose().to_owned(), member, tokens.secret_member("id_token").cloned())
    };
    let expected =
        ("AT2".to_owned(), Some("https://eu8.example.com".to_owned()), Some(Secret::new("a.e30.c")));
    assert_eq!(known(world.get(&hotel()).unwrap().tokens()), expected);
    let mut next = start();
    next.now = world.now;
    assert_eq!(known(next.get(&hotel()).unwrap().tokens()), expected);
    // Another sign-in begins without them.
    next.sign_out(&hotel());
    next.sign_in(&hotel(), "RT9");
    next.endpoint
        .then(ServerReply::json(200, r#"{"access_token":"AT3","token_type":"Bearer","expires_in":60}"#));
    assert_eq!(known(next.get(&hotel()).unwrap().tokens()), ("AT3".to_owned(), None, None));
}

#[test]
fn a_token_type_may_have_further_names() {
    let named = client(|document| document.token_answer.bearer_names = vec!["BearerToken".into()].into());
    let asked = |client: &Client, name: &str| {
        let body = format!(r#"{{"access_token":"AT","token_type":"{name}"}}"#);
        read(client.client_credentials(&Scopes::none()).unwrap(), &json(200, &body))
            .map(|answer| answer.deviations)
    };
    for name in ["BearerToken", "bearertoken", "Bearer"] {
        assert_eq!(asked(&named, name).unwrap(), [], "{name}");
    }
    assert_eq!(asked(&named, "mac").unwrap_err().code(), "token_type_unsupported");
    assert_eq!(asked(&client(|_| ()), "BearerToken").unwrap_err().code(), "token_type_unsupported");
    let inert =
        edited(|document| document.token_answer.bearer_names = vec!["BEARER".into()].into()).unwrap_err();
    assert_eq!((inert.field(), inert.code()), ("token_answer.bearer_names[0]", "profile_inert"));
    let kept_twice = edited(|document| {
        document.token_answer.keep = vec![KeptMember { name: "scope".into(), secret: false }].into();
    });
    let kept_twice = kept_twice.unwrap_err();
    assert_eq!((kept_twice.field(), kept_twice.code()), ("token_answer.keep[0].name", "profile_duplicate"));
}

/// Returns the credentials in the header of a refresh, and its body.
fn refreshed(client: &Client) -> (Option<String>, String) {
    let exchange = client.refresh(&Secret::new("RT")).unwrap();
    let request = exchange.request();
    let header = request.headers().get("authorization").map(|value| {
        let encoded = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    });
    (header, String::from_utf8(request.body().as_ref().to_vec()).unwrap())
}

#[test]
fn basic_credentials_may_be_sent_as_they_are() {
    let refresh = "grant_type=refresh_token&refresh_token=RT".to_owned();
    let by = |way| client(|document| document.client_authentication = way);
    let raw = by(ClientAuthentication::BasicRaw);
    assert_eq!(refreshed(&raw), (Some("my app:p:%".to_owned()), refresh.clone()));
    let encoded = by(ClientAuthentication::Basic);
    assert_eq!(refreshed(&encoded), (Some("my+app:p%3A%25".to_owned()), refresh));
}

#[test]
fn a_public_client_may_name_itself_in_the_header_only() {
    let public = |way| {
        let profile = edited(|document| document.public_client = way).unwrap();
        refreshed(&Client::public(profile, "my-app").unwrap())
    };
    for (authentication, expected) in
        [(ClientAuthentication::Body, "a%3Ab:"), (ClientAuthentication::BasicRaw, "a:b:")]
    {
        let change = |document: &mut Document| {
            (document.public_client, document.client_authentication) = (PublicClient::Basic, authentication);
        };
        let client = Client::public(edited(change).unwrap(), "a:b").unwrap();
        assert_eq!(refreshed(&client).0.as_deref(), Some(expected));
    }
    let refresh = "grant_type=refresh_token&refresh_token=RT";
    assert_eq!(public(PublicClient::Basic), (Some("my-app:".to_owned()), refresh.to_owned()));
    assert_eq!(public(PublicClient::Body), (None, format!("{refresh}&client_id=my-app")));
}

#[test]
fn a_header_of_the_vendors_own_names_the_client_beside_basic() {
    let client = client(|document| {
        document.client_authentication = ClientAuthentication::Basic;
        let header = Parameter { name: "X-Client-Id".into(), value: Template::new("{client_id}").unwrap() };
        if let Some(refresh) = &mut document.calls.refresh {
            refresh.headers.to_mut().push(header);
        }
    });
    let exchange = client.refresh(&Secret::new("RT")).unwrap();
    assert_eq!(exchange.request().headers()["x-client-id"], "my app");
    assert_eq!(refreshed(&client).1, "grant_type=refresh_token&refresh_token=RT");
}

#[test]
fn a_token_may_travel_in_another_header_or_by_another_scheme() {
    for (name, value, expected) in [
        ("X-Access-Token", "{access_token}", "AT"),
        ("Authorization", "Zoho-oauthtoken {access_token}", "Zoho-oauthtoken AT"),
    ] {
        let header = Parameter { name: name.into(), value: Template::new(value).unwrap() };
        let client = client(|document| document.token_header = Some(header));
        let request = || http::Request::get(format!("{API}/orders")).body(Body::empty()).unwrap();
        let exchange = client.api_call(&property_token(client.profile(), "AT"), request()).unwrap();
        let headers = exchange.request().headers();
        assert_eq!((headers[name].to_str().unwrap(), headers[name].is_sensitive()), (expected, true));
        assert_eq!(headers.contains_key("authorization"), name == "Authorization");

        let mut world = Machine::new(client.clone());
        world.sign_in(&hotel(), "RT0");
        world
            .endpoint
            .then(ServerReply::json(200, r#"{"access_token":"AT","token_type":"Bearer","expires_in":60}"#));
        let token = world.get(&hotel()).unwrap();
        assert_eq!(token.authorization().to_str().unwrap(), expected);
        let authorizer = Authorizer::from(&client);
        let mut call = authorizer.call(request().uri(), request().headers()).unwrap();
        let mut headers = http::HeaderMap::new();
        call.authorize(&token, &mut headers).unwrap();
        assert_eq!((headers.len(), headers[name].to_str().unwrap()), (1, expected));
        let taken = authorizer.with_header(name, "x").unwrap_err();
        assert!(matches!(taken, RequestError::Value { .. }), "{taken}");
    }
    for (name, value, field) in
        [("a b", "{access_token}", "token_header.name"), ("x", "fixed", "token_header.value")]
    {
        let header = Parameter { name: name.into(), value: Template::new(value).unwrap() };
        assert_eq!(edited(|document| document.token_header = Some(header)).unwrap_err().field(), field);
    }
}
