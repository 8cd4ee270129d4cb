//! Names that users choose are shown in full, and cannot hide, move or forge a line of a terminal or a log.

use octo_auth_core::profile::{Profile, ProfileProblem, Template};
use octo_auth_core::{RecordName, Scopes, Storage, TokenSpec};
use octo_auth_tests::canary::{shown, shown_by_error};
use octo_auth_tests::machine::{InMemoryStore, Machine, ServerReply};
use octo_auth_tests::registration::{standard, with};

/// Line ends, an escape sequence, a change of direction, a null byte and a zero-width space.
const HOSTILE: &str = "a\r\nb\u{1b}[2J\u{202e}c\0\u{200b}\u{2028}";

/// A name that must be shown unchanged.
const FOREIGN: &str = "H\u{f4}tel \u{939}\u{94b}\u{91f}\u{932}";

fn is_harmless(text: &str) -> bool {
    let hostile = |letter: char| letter != '\n' && HOSTILE.contains(letter) && !letter.is_ascii_graphic();
    !text.contains(hostile) && !text.contains("a\nb")
}

#[test]
fn a_key_and_all_that_tells_of_it_show_its_names_escaped() {
    let keys = [
        TokenSpec::account(HOSTILE),
        TokenSpec::client_credentials(&Scopes::none()).with_parameter(HOSTILE, "x"),
        TokenSpec::account("inn").with_parameter(HOSTILE, "x"),
    ];
    for key in keys {
        let mut text = key.to_string() + &shown(&key);
        for storage in [Storage::None, Storage::MultiProcess] {
            let mut world = Machine::with_store(standard(), storage, &InMemoryStore::default(), 1);
            world.endpoint.always(|_| ServerReply::error(400, "invalid_grant"));
            text += &shown_by_error(&world.get(&key).unwrap_err());
            text += &world.manager.explain(&key, world.now);
            text += &world.events(&key).iter().map(shown).collect::<String>();
        }
        text += RecordName::new(&standard(), &key).as_str();
        assert!(is_harmless(&text), "{text:?}");
        assert!(text.contains("a\\r\\nb\\u{1b}[2J\\u{202e}c"), "{text}");
    }
    assert_eq!(TokenSpec::account(FOREIGN).to_string(), format!("account {FOREIGN:?}"));
    let named = TokenSpec::api_login().with_parameter(FOREIGN, "x");
    assert_eq!(named.to_string(), format!("ApiLogin, {FOREIGN}"));
}

#[test]
fn a_profile_has_no_name_with_characters_that_cannot_be_seen() {
    let titled = |title: &str| {
        let title = title.to_owned();
        standard().profile().clone().edit(|document| document.title = title.into())
    };
    let error = titled(HOSTILE).unwrap_err();
    assert_eq!(error.field(), "title");
    assert!(matches!(error.problem(), ProfileProblem::Invisible(letter) if letter == "\\u{d}"), "{error}");
    assert!(is_harmless(&shown_by_error(&error)));
    let mut world = Machine::new(with(titled(FOREIGN).unwrap()));
    let key = TokenSpec::client_credentials(&Scopes::none());
    world.endpoint.then(ServerReply::error(400, "invalid_scope"));
    assert!(world.get(&key).is_err());
    assert!(world.manager.explain(&key, world.now).contains(FOREIGN));
}

#[test]
fn an_error_about_a_profile_shows_what_stands_there_escaped() {
    let toml = r#"name = "own\r\n\u001b[2J\u202E"
        title = "Own""#;
    let texts = [
        Profile::from_toml(toml).map(drop).unwrap_err().to_string(),
        Profile::from_toml("\"n\\u001b[2J\" = 1").map(drop).unwrap_err().to_string(),
        Profile::from_toml("n\u{1b}[2J = 1").map(drop).unwrap_err().to_string(),
        standard()
            .profile()
            .clone()
            .with_base(HOSTILE, "https://a.example")
            .map(drop)
            .unwrap_err()
            .to_string(),
        Template::new(format!("{{{HOSTILE}}}")).map(drop).unwrap_err().to_string(),
    ];
    for text in texts {
        assert!(is_harmless(&text) && !text.contains('\n'), "{text:?}");
    }
}

#[test]
fn a_member_that_stands_twice_in_a_record_is_named_escaped() {
    let store = InMemoryStore::default();
    let key = TokenSpec::account("inn");
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    world.sign_in(&key, "RT0");
    let name = world.name(&key);
    let content = String::from_utf8(store.content(&name).unwrap().as_ref().to_vec()).unwrap();
    let twice = r#"{"a\u001b[2J\u202e":1,"a\u001b[2J\u202e":1,"#;
    store.put(&name, content.replacen('{', twice, 1).into_bytes().into());
    let mut next = Machine::with_store(standard(), Storage::SingleProcess, &store, 2);
    let text = shown_by_error(&next.get(&key).unwrap_err()) + &next.manager.explain(&key, next.now);
    assert!(text.contains("a\\u{1b}[2J\\u{202e}") && is_harmless(&text), "{text:?}");
}
