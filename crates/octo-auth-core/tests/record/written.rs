//! Names and contents of stored records as text. They must not change between releases.

use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{Client, Freshness, RecordName, Scopes, Storage, TokenSpec};

use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel};
use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, octorate, octotable, officernd, sound, standard, standard_profile,
};

/// Returns the names of records at each provider and at a standard server. One line describes the record, the next
/// one is the name.
#[must_use]
pub fn names() -> String {
    let mut text = String::new();
    let mut line = |of: String, name: &RecordName| text.push_str(&format!("{of}\n  {name}\n"));
    for (provider, client, keys) in registrations() {
        line(format!("{provider}, request log"), &RecordName::requests(&client));
        for key in keys {
            line(format!("{provider}, {key}"), &RecordName::new(&client, &key));
        }
    }
    text
}

fn registrations() -> [(&'static str, Client, Vec<TokenSpec>); 6] {
    let long = "x".repeat(60);
    let account = TokenSpec::account;
    [
        ("octorate", octorate(), vec![TokenSpec::api_login(), account("16997"), account("16998")]),
        ("octotable", octotable(), vec![scoped(""), account("La Pergola, Zürich")]),
        ("officernd", officernd(), vec![scoped("flex.read"), scoped("flex.write flex.read")]),
        (
            "rfc6749",
            standard(),
            vec![
                scoped(""),
                account(""),
                account("hotel"),
                account("Hotel"),
                account(&long),
                account("hotel").with_parameter("resource", "https://api.example.com/"),
                scoped("a").with_parameter("audience", "b"),
            ],
        ),
        ("rfc6749 with an audience", sound(standard().with_parameter("audience", "b")), vec![scoped("a")]),
        ("rfc6749 with another client", another_client(), vec![account("hotel")]),
    ]
}

fn scoped(scopes: &str) -> TokenSpec {
    TokenSpec::client_credentials(&sound(Scopes::parse(scopes)))
}

fn another_client() -> Client {
    sound(Client::new(
        standard_profile(ClientAuthentication::Body),
        format!("{CLIENT_ID} (test)"),
        CLIENT_SECRET,
    ))
}

/// Returns the stored content of an account at each step of its life, and the request log. One line describes the
/// step, the next one is the content.
#[must_use]
pub fn contents() -> String {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let mut text = step(&world, "signed in");
    world.endpoint.then(ServerReply::json(200, FULL));
    world.got(&hotel());
    text.push_str(&step(&world, "with a token"));
    world.age(&hotel(), Freshness::Expired);
    world.endpoint.then(ServerReply::page(502, &[]));
    world.got(&hotel());
    text.push_str(&step(&world, "with a renewal that was lost"));
    world.pass_seconds(120);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.got(&hotel());
    text.push_str(&step(&world, "dead"));
    world.sign_out(&hotel());
    text.push_str(&step(&world, "signed out"));
    text + &request_log()
}

/// An answer with everything that a record keeps.
const FULL: &str = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_in":1800,
    "refresh_token":"RT1","scope":"a b"}"#;

fn request_log() -> String {
    let mut world = Machine::with_store(officernd(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    for scopes in ["flex.a.read", "flex.b.read"] {
        world.got(&scoped(scopes));
        world.pass_seconds(1);
    }
    shown(&world, "request log of two requests", &RecordName::requests(world.manager.client()))
}

fn step(world: &Machine, name: &str) -> String {
    shown(world, name, &world.name(&hotel()))
}

fn shown(world: &Machine, name: &str, record: &RecordName) -> String {
    let content = world.store.content(record);
    let content = content.as_ref().map(|content| String::from_utf8_lossy(content.as_ref()));
    format!("{name}\n  {}\n", content.as_deref().unwrap_or("nothing"))
}
