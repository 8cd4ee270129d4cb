//! Secrets are never shown: every value, every error and every cause is searched for marked ones.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::fmt::Debug;

use http::Response;
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{
    AccessToken, Body, Client, Exchange, Freshness, Job, NewClient, PendingAuthorization, Profile,
    RecordName, Reply, Saved, Scopes, Secret, Storage, Stored, TokenSpec, TokenTypeHint, TransportError,
    Version,
};
use octo_auth_testkit::StoredRecord;
use octo_auth_tests::canary::{MARK, hits, marked, shown, shown_by_error};
use octo_auth_tests::machine::{InMemoryStore, Machine, ServerReply, hotel};
use octo_auth_tests::registration::{
    CLIENT_ID, admin_token, entropy, octotable, property_token, standard_profile,
};
use octo_auth_tests::reply::{json, read, with};
use octo_auth_tests::{moment, wire};

/// The `state` and the code verifier of every sign-in here, and the beginning of the mark in base64 after the client
/// id, as in HTTP Basic.
const DERIVED: [&str; 3] = [
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
    "Y2xpZW50LTE6Y0FuQXJZ",
];

/// Returns the lines that contain a secret.
fn leaks(text: &str) -> Vec<&str> {
    let derived = text.lines().filter(|line| DERIVED.iter().any(|secret| line.contains(secret)));
    derived.chain(hits(text)).collect()
}

fn client(profile: Profile) -> Client {
    let client = Client::new(profile, CLIENT_ID, marked("client-secret")).unwrap();
    if client.profile().name() == "rfc6749" {
        return client.with_parameter("assertion", marked("parameter")).unwrap();
    }
    client
}

fn standard(authentication: ClientAuthentication) -> Client {
    client(standard_profile(authentication))
}

fn secret(kind: &str) -> Secret {
    Secret::from(marked(kind))
}

fn pending(client: &Client) -> PendingAuthorization {
    client.authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap().1
}

fn callback(code: &str) -> String {
    format!("?code={code}&state={}", DERIVED[0])
}

fn new_client() -> NewClient {
    NewClient {
        redirect_uri: "https://localhost".to_owned(),
        name: "n".to_owned(),
        username: "u".to_owned(),
        password: secret("password"),
        email: "e".to_owned(),
        description: None,
        website: None,
        phone: None,
        position: None,
    }
}

/// An operation on every exchange with secrets in flight.
trait Visit {
    /// Visits an exchange that contains these secrets.
    fn exchange<T: Reply + Debug>(&mut self, exchange: Exchange<T>, secrets: &[String]);
}

/// Visits every kind of exchange, with a marked secret in each place that can contain one.
fn visit_every_exchange(visitor: &mut impl Visit) {
    let client_secret = marked("client-secret");
    let own = std::slice::from_ref(&client_secret);
    let with = |kind: &str| [marked(kind), client_secret.clone()];
    let (octorate, officernd) = (client(Profile::octorate()), client(Profile::officernd()));
    visitor.exchange(client(Profile::octotable()).client_credentials(&Scopes::none()).unwrap(), own);
    visitor.exchange(officernd.client_credentials(&Scopes::parse("a").unwrap()).unwrap(), own);
    visitor.exchange(octorate.api_login().unwrap(), own);
    visitor.exchange(octorate.migrate(&secret("api-key"), "1").unwrap(), &[marked("api-key")]);
    visitor.exchange(octorate.refresh(&secret("refresh-token")).unwrap(), &with("refresh-token"));
    for client in
        [octorate.clone(), standard(ClientAuthentication::Body), standard(ClientAuthentication::Basic)]
    {
        let code = pending(&client).receive(&callback(&marked("code")), moment::start()).unwrap();
        let of_standard = [DERIVED[1].to_owned(), marked("parameter")];
        let of_standard = of_standard.into_iter().filter(|_| client.profile().name() == "rfc6749");
        let secrets: Vec<String> = with("code").into_iter().chain(of_standard).collect();
        visitor.exchange(code.exchange(&client, moment::start()).unwrap(), &secrets);
    }
    let admin = admin_token(octorate.profile(), &marked("admin-token"));
    let token = [marked("admin-token")];
    visitor.exchange(octorate.api_configuration(&admin).unwrap(), &token);
    visitor.exchange(octorate.replace_redirect_uris(&admin, None).unwrap(), &token);
    visitor.exchange(octorate.create_property(&admin, "{}").unwrap(), &token);
    visitor.exchange(new_client().exchange(&Profile::octotable()).unwrap(), &[marked("password")]);
    let server = standard(ClientAuthentication::Basic);
    let hint = TokenTypeHint::RefreshToken;
    visitor.exchange(server.revoke(&secret("token"), hint).unwrap(), &with("token"));
    visitor.exchange(server.introspect(&secret("token")).unwrap(), &with("token"));
    let request = http::Request::get("https://api.octorate.com/").body(Body::empty()).unwrap();
    let call =
        octorate.api_call(&property_token(octorate.profile(), &marked("access-token")), request).unwrap();
    visitor.exchange(call, &[marked("access-token")]);
}

/// Checks an exchange before it is sent.
#[derive(Default)]
struct Unsent {
    seen: usize,
    shown: String,
}

impl Visit for Unsent {
    fn exchange<T: Reply + Debug>(&mut self, exchange: Exchange<T>, secrets: &[String]) {
        let sent = wire::sent(&exchange);
        let basic = sent.contains(DERIVED[2]);
        let carried = secrets.iter().filter(|secret| sent.contains(*secret)).count() + usize::from(basic);
        assert!(carried >= secrets.len(), "{exchange:?} does not carry what is looked for");
        self.shown += &(shown(&exchange) + &shown(exchange.request()) + &shown(exchange.request().body()));
        self.seen += 1;
    }
}

#[test]
fn no_exchange_shows_what_it_carries() {
    let mut unsent = Unsent::default();
    visit_every_exchange(&mut unsent);
    assert_eq!(unsent.seen, 15);
    assert_eq!(leaks(&unsent.shown), [""; 0]);
}

/// Fails an exchange in each way in which a transport can.
#[derive(Default)]
struct Lost(String);

impl Visit for Lost {
    fn exchange<T: Reply + Debug>(&mut self, exchange: Exchange<T>, _: &[String]) {
        self.0 += &shown_by_error(
            &exchange.failed(TransportError::unknown("connection reset").with_source("reset by peer")),
        );
    }
}

#[test]
fn no_lost_exchange_shows_what_it_carried() {
    let mut lost = Lost::default();
    visit_every_exchange(&mut lost);
    assert!(lost.0.contains("reset by peer"), "{}", lost.0);
    assert_eq!(leaks(&lost.0), [""; 0]);
}

/// Returns responses that repeat the secrets of the request in every place that a server can fill.
fn echoes(echo: &str) -> Vec<Response<Vec<u8>>> {
    let mut responses = Vec::new();
    for status in [200, 201, 400, 401, 403, 412, 429, 500, 503] {
        for body in [
            format!(
                r#"{{"error":"{echo}","error_description":"{echo}","error_uri":"https://a.example/{echo}"}}"#
            ),
            format!(r#"{{"error":"invalid_grant","error_description":"bad: {echo}"}}"#),
            format!(r#"{{"error":{{"code":"{echo}","message":"{echo}"}}}}"#),
            format!(r#"{{"error":["{echo}"]}}"#),
            format!(r#"{{"type":"{echo}","message":"{echo}"}}"#),
            format!(r#"{{"message":"Request: {echo} {echo}"}}"#),
            format!(r#"{{"status":"existing","message":"{echo}"}}"#),
            format!(r#"{{"access_token":"{echo}","refresh_token":"{echo}","token_type":"Bearer"}}"#),
            format!(r#"{{"access_token":"a b {echo}","refresh_token":"{echo}"}}"#),
            format!(r#"{{"access_token":"a","token_type":"{echo}","expires_in":"{echo}"}}"#),
            format!(r#"{{"status":"created","id":"1","refresh_token":"{echo}"}}"#),
            format!(r#"{{"data":[{{"client_id":"c","client_secret":"{echo}","password":"{echo}"}}]}}"#),
            format!("<html>{echo}</html>"),
            echo.to_owned(),
        ] {
            responses.push(json(status, &body));
        }
    }
    let location = format!("https://other.example/{echo}?a={echo}#{echo}");
    responses.push(with(302, &[("location", &location)], echo));
    responses.push(with(200, &[("content-type", &format!("text/{echo}"))], echo));
    responses.push(with(401, &[("www-authenticate", &format!("Bearer error=\"{echo}\""))], echo));
    responses.push(with(429, &[("retry-after", echo)], echo));
    responses
}

/// Reads every echo and records what the answer or the error shows.
#[derive(Default)]
struct Echoed {
    /// The responses to one exchange; each exchange builds them again.
    place: usize,
    read: usize,
    shown: String,
}

impl Visit for Echoed {
    fn exchange<T: Reply + Debug>(&mut self, exchange: Exchange<T>, secrets: &[String]) {
        let Some(response) = echoes(&secrets.join("-")).into_iter().nth(self.place) else { return };
        self.read += 1;
        self.shown += &match read(exchange, &response) {
            Ok(answer) => shown(&answer),
            Err(error) => {
                shown_by_error(&error) + &shown(&error.error_uri()) + &shown(&error.provider_text())
            }
        };
    }
}

#[test]
fn no_answer_and_no_error_shows_a_secret_the_server_wrote_back() {
    let count = echoes("x").len();
    let mut echoed = Echoed::default();
    for place in 0..count {
        echoed.place = place;
        visit_every_exchange(&mut echoed);
    }
    assert_eq!(echoed.read, 15 * count);
    assert!(echoed.shown.contains("bad: ***"), "no provider's text was shown at all");
    assert_eq!(leaks(&echoed.shown), [""; 0]);
}

#[test]
fn no_value_that_holds_a_secret_shows_it() {
    let server = standard(ClientAuthentication::Body);
    let body = format!(
        r#"{{"access_token":"{}","token_type":"Bearer","refresh_token":"{}"}}"#,
        marked("access-token"),
        marked("refresh-token")
    );
    let granted = read(server.refresh(&secret("old")).unwrap(), &json(200, &body)).unwrap();
    assert_eq!(granted.value.refresh_token().map(Secret::expose), Some(&*marked("refresh-token")));
    let code = pending(&server).receive(&callback(&marked("code")), moment::start()).unwrap();
    let values: [&dyn Debug; 12] = [
        &secret("secret"),
        &AccessToken::new(marked("access-token")).unwrap(),
        &granted,
        &granted.value.authorization(),
        &admin_token(server.profile(), &marked("admin-token")),
        &server,
        &entropy(),
        &pending(&server),
        &pending(&server).to_json(),
        &code,
        &new_client(),
        &Body::from(&*marked("body")),
    ];
    let text: String = values.iter().map(|value| shown(*value)).collect();
    assert_eq!(leaks(&text), [""; 0]);
}

#[test]
fn no_refused_request_shows_what_it_was_given() {
    let server = standard(ClientAuthentication::Basic);
    let octorate = client(Profile::octorate());
    let broken = || Secret::from(marked("broken") + "\n");
    let token = property_token(octorate.profile(), &marked("access-token"));
    let foreign = format!("https://user:{}@evil.example/?{MARK}", marked("password"));
    let foreign = http::Request::get(foreign).body(Body::empty()).unwrap();
    let bare = http::Request::get("https://api.octotable.com/").body(Body::empty()).unwrap();
    let refusals = [
        Client::new(Profile::octorate(), CLIENT_ID, broken()).map(drop).unwrap_err(),
        server.clone().with_parameter("grant_type", marked("parameter")).map(drop).unwrap_err(),
        server.clone().with_parameter("assertion", marked("parameter") + "\n").map(drop).unwrap_err(),
        octorate.migrate(&broken(), "1").map(drop).unwrap_err(),
        octorate.revoke(&secret("token"), TokenTypeHint::AccessToken).map(drop).unwrap_err(),
        octorate
            .create_property(&admin_token(octorate.profile(), &marked("admin-token")), MARK)
            .map(drop)
            .unwrap_err(),
        octorate.api_call(&token, foreign).map(drop).unwrap_err(),
        octotable().api_call(&token, bare).map(drop).unwrap_err(),
        NewClient { name: String::new(), ..new_client() }
            .exchange(&Profile::octotable())
            .map(drop)
            .unwrap_err(),
        Scopes::parse(&format!("\"{MARK}\"")).map(drop).unwrap_err(),
    ];
    let text: String = refusals.iter().map(|error| shown_by_error(error)).collect();
    assert_eq!(leaks(&text), [""; 0]);
    let url = format!("https://user:{}@api.example", marked("password"));
    let profile = Profile::octorate().with_base("api", &url).unwrap_err();
    assert_eq!(leaks(&shown_by_error(&profile)), [""; 0]);
}

#[test]
fn no_rejected_callback_shows_its_code_or_its_state() {
    let server = standard(ClientAuthentication::Body);
    let code = marked("code");
    let state = DERIVED[0];
    let mut text = String::new();
    for callback in [
        format!("?code={code}&state=forged"),
        format!("?code={code}"),
        format!("?code={code}&code={code}&state={state}"),
        format!("?code={code}&state={state}&state={state}"),
        format!("https://evil.example/?code={code}&state={state}"),
        format!("?code={code}%00&state={state}"),
        format!("?code={code}%2&state={state}"),
        format!("?state={state}&code={code}&error={code}"),
        format!("?state={state}&code={code}&error=access_denied&error_description=was+{code}+{state}"),
        format!("?state={state}&error={state}"),
        format!("?state={state}#access_token={code}"),
        format!("?state={state}&access_token={code}"),
    ] {
        let rejected = pending(&server).receive(&callback, moment::start()).map(drop).unwrap_err();
        text += &(shown_by_error(&rejected) + &shown(&rejected));
    }
    assert!(text.contains("was *** ***"), "{text}");
    let granted = || pending(&server).receive(&callback(&code), moment::start()).unwrap();
    let late = granted().exchange(&server, moment::after(600)).unwrap_err();
    let other = granted().exchange(&client(Profile::octorate()), moment::start()).unwrap_err();
    text += &(shown_by_error(&late) + &shown_by_error(&other));
    assert_eq!(leaks(&text), [""; 0]);
}

/// Returns a machine with marked tokens on a store; its client has marked secrets.
fn signed_in(store: &InMemoryStore) -> Machine {
    let client = standard(ClientAuthentication::Body);
    let mut world = Machine::with_store(client, Storage::MultiProcess, store, 1);
    world.sign_in(&hotel(), &marked("refresh-token-0"));
    world.endpoint.then(ServerReply::tokens(&marked("access-token"), 3600, &marked("refresh-token-1")));
    assert!(world.get(&hotel()).is_ok());
    world
}

#[test]
fn no_parameter_of_a_key_or_a_client_shows_its_value() {
    let key = TokenSpec::client_credentials(&Scopes::parse("a").unwrap())
        .with_parameter("audience", &marked("audience"));
    assert_eq!(key.to_string(), "client credentials for a, audience");
    let mut text = shown(&key) + &key.to_string();
    for place in 0..echoes("x").len() {
        let echo = [marked("audience"), marked("parameter")].join("-");
        let mut world = Machine::new(standard(ClientAuthentication::Body));
        let says = echoes(&echo).into_iter().nth(place).unwrap();
        world.endpoint.then(ServerReply::Response(says));
        match world.get(&key) {
            Ok(token) => text += &shown(&token),
            Err(failure) => text += &(shown_by_error(&failure) + &shown(&failure.spec())),
        }
        text += &world.manager.explain(&key, world.now);
        text += &world.events(&key).iter().map(shown).collect::<String>();
    }
    let refused =
        Machine::new(client(Profile::octorate())).get(&key.with_parameter("assertion", &marked("\n")));
    text += &shown_by_error(&refused.unwrap_err());
    assert!(text.contains("bad: ***"), "no provider's text was shown at all");
    assert_eq!(leaks(&text), [""; 0]);
}

/// A parameter may be an ordinary word. If the server uses that word, its text must stay readable.
#[test]
fn the_value_of_a_parameter_hides_no_standard_code_and_no_letters_within_words() {
    let said = |value: &str, body: &str| {
        let client = Client::new(standard_profile(ClientAuthentication::Basic), CLIENT_ID, "s3cr3t").unwrap();
        let client = client.with_parameter("audience", value).unwrap();
        let error = read(client.refresh(&secret("old")).unwrap(), &json(400, body)).unwrap_err();
        format!(
            "{} {:?} {:?}",
            error.code(),
            error.provider_text().map(ToString::to_string),
            error.error_uri()
        )
    };
    let body = r#"{"error":"invalid_grant","error_description":"a grant at 1: a","error_uri":"https://a.example/a1"}"#;
    let uri = |seen: &str| format!("Some({seen:?})");
    assert_eq!(
        said("grant", body),
        format!("oauth:invalid_grant Some(\"a *** at 1: a\") {}", uri("https://a.example/a1"))
    );
    assert_eq!(
        said("1", body),
        format!("oauth:invalid_grant Some(\"a grant at ***: a\") {}", uri("https://a.example/a1"))
    );
    assert_eq!(
        said("", body),
        format!("oauth:invalid_grant Some(\"a grant at 1: a\") {}", uri("https://a.example/a1"))
    );
    assert_eq!(said("a.example", body), "oauth:invalid_grant Some(\"a grant at 1: a\") None");
    let own_word = r#"{"error":"hunter22"}"#;
    assert_eq!(said("hunter22", own_word), "oauth_malformed Some(\"***\") None");
}

#[test]
fn nothing_that_is_handed_to_a_store_shows_a_secret() {
    let mut world = signed_in(&InMemoryStore::default());
    world.age(&hotel(), Freshness::Expired);
    world.endpoint.then(ServerReply::tokens(&marked("access-token-2"), 3600, &marked("refresh-token-2")));
    let mut text = world.name(&hotel()).to_string();
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        text.push_str(&shown(&job));
        if let Job::Save(save) = &job {
            let stored = Stored { version: Version(1), content: save.content().clone() };
            text.push_str(&(shown(&stored) + &shown(&Saved::Conflict(Some(stored.clone())))));
        }
        next = world.step(job);
    }
    assert!(text.contains("RecordBytes(") && world.stored(&hotel()).refresh_token().is_some());
    assert_eq!(leaks(&text), [""; 0]);
}

#[test]
fn no_stored_record_that_is_refused_shows_what_is_in_it() {
    let store = InMemoryStore::default();
    let stored = signed_in(&store).stored(&hotel());
    let members: Vec<String> = stored.names().map(str::to_owned).collect();
    let name = RecordName::new(&standard(ClientAuthentication::Body), &hotel());
    let mut text = String::new();
    let mut refused = 0;
    for member in &members {
        for value in [serde_json::json!(marked("value") + "\r\n"), serde_json::json!([marked("value")])] {
            let record: StoredRecord = stored.clone().with(member, value);
            store.put(&name, record.content());
            let mut next =
                Machine::with_store(standard(ClientAuthentication::Body), Storage::SingleProcess, &store, 2);
            if let Err(failure) = next.get(&hotel()) {
                refused += 1;
                text.push_str(&(shown_by_error(&failure) + &next.manager.explain(&hotel(), next.now)));
            }
        }
    }
    assert!(refused > members.len(), "{refused} of {members:?}");
    assert_eq!(leaks(&text), [""; 0]);
}

/// Returns what is shown of a standard server's text when these secrets are sent.
fn provider_text(client_secret: &str, refresh_token: &str, text: &str) -> String {
    let client =
        Client::new(standard_profile(ClientAuthentication::Basic), CLIENT_ID, client_secret).unwrap();
    let body = serde_json::json!({"error": "invalid_request", "error_description": text}).to_string();
    let exchange = client.refresh(&Secret::from(refresh_token)).unwrap();
    let error = read(exchange, &json(400, &body)).unwrap_err();
    error.provider_text().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_providers_text_is_shown_without_secrets_control_characters_and_beyond_256_characters() {
    let text =
        provider_text("s3cr3t", "r3fr3sh", "no: s3cr3t\r\n\u{1b}[31mr3fr3sh\u{202e}\u{200b}s3cr3ts3cr3t\0");
    assert_eq!(text, "no: ***   [31m***  ******");
    assert_eq!(provider_text("s3cr3t", "r3fr3sh", &"\u{e9}".repeat(10_000)), "\u{e9}".repeat(256));
    assert_eq!(provider_text("s3cr3t", "r3fr3sh", " \n\t "), "");
}

#[test]
fn a_secret_is_masked_wherever_a_long_text_is_cut() {
    let long = marked(&"s".repeat(2_000));
    for before in [0, 200, 250, 256, 1_000, 1_020, 1_024, 2_000, 3_000] {
        let text = provider_text(&long, "r3fr3sh", &format!("{}{long}{long}", "p".repeat(before)));
        assert!(text.chars().count() <= 256);
        assert_eq!(hits(&text), [""; 0], "{before}");
    }
}

#[test]
fn a_secret_that_begins_with_another_is_masked_as_a_whole() {
    let (short, long) = (marked("secret"), marked("secret-and-its-end"));
    for (client_secret, refresh_token) in [(&short, &long), (&long, &short)] {
        let text = provider_text(client_secret, refresh_token, &format!("{long} {short}"));
        assert_eq!(text, "*** ***");
    }
}

/// A server that repeats the request repeats its encoding: form-encoded, or as in the header.
#[test]
fn a_secret_is_masked_in_the_encoding_it_was_sent_in() {
    let secret = marked("a+b/c d&e");
    let form = "cAnArY.a%2Bb%2Fc+d%26e";
    assert_eq!(provider_text("s3cr3t", &secret, &format!("refresh_token={form}")), "refresh_token=***");
    assert_eq!(provider_text(&secret, "r3fr3sh", &format!("client_secret={form}")), "client_secret=***");
    // base64 of `client-1:cAnArY.secret`
    let basic = "Y2xpZW50LTE6Y0FuQXJZLnNlY3JldA==";
    let text = provider_text(&marked("secret"), "r3fr3sh", &format!("Authorization: Basic {basic}"));
    assert_eq!(text, "Authorization: Basic ***");
}
