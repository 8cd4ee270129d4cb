//! Names of records: canonical, injective, short, readable, free of secrets, and the same in every release.

use std::collections::BTreeSet;

use octo_auth_core::{Client, Profile, RecordName, Scopes, TokenSpec};
use octo_auth_testkit::machine::hotel;
use octo_auth_testkit::registration::{CLIENT_SECRET, octorate, standard};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::written;

/// The components of a record name. Two specs have the same record if all components are equal, in any order of
/// scopes and parameters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Spec {
    issuer: String,
    client_id: String,
    of_client: Vec<(String, String)>,
    grant: Grant,
    of_key: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Grant {
    Client(Vec<String>),
    ApiLogin,
    Account(String),
}

impl Spec {
    fn client(&self) -> Client {
        let profile = Profile::rfc6749(&self.issuer).expect("a sound URL");
        let client = Client::new(profile, &*self.client_id, CLIENT_SECRET).expect("a sound client id");
        self.of_client.iter().fold(client, |client, (name, value)| {
            client.with_parameter(name, value.as_str()).expect("a sound parameter")
        })
    }

    fn key(&self) -> TokenSpec {
        let key = match &self.grant {
            Grant::Client(scopes) => {
                TokenSpec::client_credentials(&Scopes::from_list(scopes).expect("sound scopes"))
            }
            Grant::ApiLogin => TokenSpec::api_login(),
            Grant::Account(name) => TokenSpec::account(name),
        };
        self.of_key.iter().fold(key, |key, (name, value)| key.with_parameter(name, value))
    }

    fn name(&self) -> RecordName {
        RecordName::new(&self.client(), &self.key())
    }

    /// Returns the canonical form of all specs with the same record.
    fn normal(mut self) -> Self {
        self.of_key.append(&mut self.of_client);
        self.of_key.sort();
        if let Grant::Client(scopes) = &mut self.grant {
            let distinct: BTreeSet<String> = scopes.drain(..).collect();
            scopes.extend(distinct);
        }
        self
    }

    /// Returns a spec of the same record, with its components in reverse order.
    fn reversed(mut self) -> Self {
        self.of_client.reverse();
        self.of_key.reverse();
        if let Grant::Client(scopes) = &mut self.grant {
            scopes.reverse();
        }
        self
    }
}

/// Generates specs of few short texts. Two of them are often equal, or equal except for a boundary.
fn close_specs() -> impl Strategy<Value = Spec> {
    let issuers = select(vec!["https://a.example/t", "https://a.example/tt", "https://b.example/t"]);
    specs(issuers.prop_map(str::to_owned), "[ab]{1,3}", "[ab]{1,2}", "[ab]{0,3}")
}

/// Generates two close specs that differ in some of their parts, or in none.
fn pairs() -> impl Strategy<Value = (Spec, Spec)> {
    (close_specs(), close_specs(), any::<[bool; 5]>()).prop_map(|(one, mut other, same)| {
        let Spec { issuer, client_id, of_client, grant, of_key } = one.clone();
        same[0].then(|| other.issuer = issuer);
        same[1].then(|| other.client_id = client_id);
        same[2].then(|| other.of_client = of_client);
        same[3].then(|| other.grant = grant);
        same[4].then(|| other.of_key = of_key);
        (one, other)
    })
}

/// Generates specs of any texts that a client and a `TokenSpec` can have.
fn all_specs() -> impl Strategy<Value = Spec> {
    specs(
        "https://[a-z0-9.-]{1,60}[a-z0-9]/[a-z/]{0,80}",
        "\\PC{1,300}",
        "[!#-\\[\\]-~]{1,90}",
        "\\PC{0,300}",
    )
    .prop_filter("the URL has a host", |spec| Profile::rfc6749(&spec.issuer).is_ok())
}

fn specs(
    issuers: impl Strategy<Value = String>,
    client_ids: &'static str,
    words: &'static str,
    texts: &'static str,
) -> impl Strategy<Value = Spec> {
    let parameters =
        move || vec((select(vec!["p".to_owned(), "pa".to_owned(), "q".to_owned()]), texts), 0..3);
    let grants = prop_oneof![
        3 => vec(words, 0..4).prop_map(Grant::Client),
        1 => Just(Grant::ApiLogin),
        3 => texts.prop_map(Grant::Account),
    ];
    (issuers, client_ids, parameters(), grants, parameters()).prop_map(
        |(issuer, client_id, of_client, grant, of_key)| Spec { issuer, client_id, of_client, grant, of_key },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn two_records_have_one_name_if_and_only_if_they_are_the_same((one, other) in pairs()) {
        prop_assert_eq!(one.name() == other.name(), one.normal() == other.normal());
    }

    #[test]
    fn the_order_of_scopes_and_parameters_does_not_matter(spec in prop_oneof![close_specs(), all_specs()]) {
        prop_assert_eq!(spec.clone().reversed().name(), spec.name());
    }

    #[test]
    fn a_name_is_short_printable_and_read_again(spec in all_specs()) {
        let name = spec.name();
        let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        prop_assert!(name.as_str().len() <= 200, "{}", name);
        prop_assert!(name.as_str().bytes().all(is_kept), "{}", name);
        prop_assert_eq!(RecordName::parse(name.as_str()), Ok(name.clone()));
        prop_assert_eq!(name.to_string(), name.as_str());
    }

    #[test]
    fn records_share_the_beginning_of_their_names_if_and_only_if_they_share_the_registration(
        (one, other) in pairs()
    ) {
        let is_shared = (&one.issuer, &one.client_id) == (&other.issuer, &other.client_id);
        let (name, log) = (one.name(), RecordName::requests(&one.client()));
        prop_assert!(name.as_str().starts_with(name.registration()));
        prop_assert_eq!(log.registration(), name.registration());
        prop_assert_eq!(other.name().as_str().starts_with(name.registration()), is_shared);
        prop_assert_ne!(name, log);
    }
}

fn spec(issuer: &str, client_id: &str, grant: Grant, of_key: &[(&str, &str)]) -> Spec {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let (issuer, client_id) = (issuer.to_owned(), client_id.to_owned());
    Spec { issuer, client_id, of_client: Vec::new(), grant, of_key: of_key.iter().map(owned).collect() }
}

#[test]
fn moving_a_letter_from_one_field_to_the_next_changes_the_name() {
    let url = "https://a.example/t";
    let scopes = |scopes: &[&str]| Grant::Client(scopes.iter().map(|scope| (*scope).to_owned()).collect());
    let account = |name: &str| Grant::Account(name.to_owned());
    let all = [
        spec(url, "a", account("bc"), &[]),
        spec(url, "ab", account("c"), &[]),
        spec("https://a.example/ta", "b", account("c"), &[]),
        spec(url, "a", account("b"), &[("c", "")]),
        spec(url, "a", account(""), &[("b", "c")]),
        spec(url, "a", account(""), &[("bc", "")]),
        spec(url, "a", account(""), &[("b", ""), ("c", "")]),
        spec(url, "a", scopes(&["bc"]), &[]),
        spec(url, "a", scopes(&["b", "c"]), &[]),
        spec(url, "a", scopes(&["b"]), &[("c", "")]),
        spec(url, "a", scopes(&[]), &[("b", "c")]),
        spec(url, "a", Grant::ApiLogin, &[("b", "c")]),
        spec(url, "a", scopes(&["account"]), &[]),
        spec(url, "a", account("client"), &[]),
        spec(url, "a", account("a.b"), &[]),
        spec(url, "a", account("a-b"), &[]),
        spec(url, "a", account("a b"), &[]),
        spec(url, "a", account("A b"), &[]),
        spec(url, "a", account(&"x".repeat(41)), &[]),
        spec(url, "a", account(&"x".repeat(42)), &[]),
    ];
    let names: BTreeSet<RecordName> = all.iter().map(Spec::name).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn no_name_holds_a_secret_or_the_value_of_a_parameter() {
    let client = standard().with_parameter("resource", "kQ7-value-1").expect("a sound parameter");
    for key in [hotel(), TokenSpec::client_credentials(&Scopes::none()), TokenSpec::api_login()] {
        let name = RecordName::new(&client, &key.with_parameter("audience", "kQ7-value-2"));
        let is_shown = |text: &str| name.as_str().contains(text);
        assert!(!is_shown("kQ7") && !is_shown(CLIENT_SECRET), "{name}");
    }
}

#[test]
fn another_secret_leaves_the_name_as_it_is() {
    let rotated = Client::new(standard().profile().clone(), standard().client_id(), "another-secret");
    let rotated = rotated.expect("a sound secret");
    assert_eq!(RecordName::new(&rotated, &hotel()), RecordName::new(&standard(), &hotel()));
    assert_ne!(RecordName::new(&octorate(), &hotel()), RecordName::new(&standard(), &hotel()));
}

#[test]
fn an_invalid_record_name_is_refused() {
    let name = RecordName::new(&standard(), &hotel());
    let (beginning, digest) = name.as_str().rsplit_once('.').expect("a digest");
    let refused = [
        String::new(),
        beginning.to_owned(),
        format!("{name}0"),
        format!("{beginning}.{}", &digest[1..]),
        format!("{beginning}.{}g", &digest[1..]),
        format!("../{name}"),
        format!("a b.{name}"),
        format!("é.{name}"),
        format!("a\0.{name}"),
        format!("{}.{name}", "x".repeat(200)),
    ];
    for text in refused {
        let error = RecordName::parse(&text).expect_err(&text);
        assert!(error.to_string().contains("1 to 200 characters"), "{error}");
    }
}

#[test]
fn names_are_the_same_in_every_release() {
    assert_eq!(written::names(), include_str!("names.txt"));
}

#[test]
fn a_name_of_200_characters_is_read_and_a_longer_one_is_rejected() {
    let name = |length: usize| format!("{}.{}", "a".repeat(length - 33), "0".repeat(32));
    assert!(RecordName::parse(&name(200)).is_ok());
    assert!(RecordName::parse(&name(201)).is_err());
}
