//! Profiles: the description of a provider is read, checked, and changed without losing the checks.

use std::collections::BTreeSet;

use octo_auth_core::profile::{
    BaseUrl, BaseUrlError, Call, ClientAuthentication, Document, Encoding, Host, LifetimeUnit, Method,
    Parameter, Placeholder, Profile, ProfileError, ProfileProblem, ScopeRule, Template, TemplateError,
};

const OCTORATE: &str = include_str!("../../crates/octo-auth-core/profiles/octorate.toml");
const OCTOTABLE: &str = include_str!("../../crates/octo-auth-core/profiles/octotable.toml");
const OFFICERND: &str = include_str!("../../crates/octo-auth-core/profiles/officernd.toml");

/// A small, correct profile of a user.
const OWN: &str = r#"name = "acme"
title = "Acme"
client_authentication = "body"
scopes = "optional"
sources = [{ key = "DOC", title = "Acme's developer pages" }]

[[hosts]]
name = "login"
url = "https://login.acme.example"
source = "DOC hosts"

[calls.client_credentials]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [
  { name = "grant_type", value = "client_credentials" },
  { name = "client_id", value = "{client_id}" },
  { name = "client_secret", value = "{client_secret}" },
]
source = "DOC token"

[token_answer]
access_token = ["access_token"]
token_type = ["token_type"]
token_type_absent = "error"
expires_in = ["expires_in"]
expires_in_unit = "seconds"
source = "DOC token"
"#;

/// Reads the user's profile with one text replaced, which must be refused.
fn refused(from: &str, to: &str) -> ProfileError {
    assert!(OWN.contains(from), "the profile holds {from:?}");
    match Profile::from_toml(&OWN.replacen(from, to, 1)) {
        Err(error) => error,
        Ok(_) => panic!("a profile with {to:?} was accepted"),
    }
}

/// Returns the number of the line that contains a text.
fn line_of(text: &str, part: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(part)).map(|index| index + 1)
}

#[test]
fn the_built_in_profiles_equal_their_texts_when_read_again() {
    for (name, text) in Profile::BUILTIN.into_iter().zip([OCTORATE, OCTOTABLE, OFFICERND]) {
        let read = Profile::from_toml(text).unwrap();
        assert_eq!(read.name(), name);
        assert_eq!(Some(read), Profile::builtin(name));
    }
    assert_eq!(Profile::builtin("unknown"), None);
}

#[test]
fn the_built_in_documents_pass_the_checks_a_users_document_passes() {
    for name in Profile::BUILTIN {
        let document = Profile::builtin(name).unwrap().document().clone();
        assert_eq!(Profile::new(document).unwrap().name(), name);
    }
}

#[test]
fn every_listed_source_is_used_and_every_used_source_is_listed() {
    for text in [OCTORATE, OCTOTABLE, OFFICERND] {
        let profile = Profile::from_toml(text).unwrap();
        let listed: BTreeSet<&str> = profile.document().sources.iter().map(|source| &*source.key).collect();
        let said = text.lines().filter_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"'));
        let used: BTreeSet<&str> = said
            .flat_map(|said| said.split(';'))
            .filter_map(|clause| clause.split_whitespace().next())
            .collect();
        assert_eq!(listed, used, "{}", profile.name());
    }
}

#[test]
fn a_misspelt_field_is_reported_with_its_line_column_and_name() {
    let error = refused("encoding = \"form\"", "encodign = \"form\"");
    assert_eq!(error.code(), "profile_syntax");
    assert_eq!(error.field(), "calls.client_credentials.encodign");
    assert_eq!((error.line(), error.column()), (line_of(OWN, "encoding ="), Some(1)));
    assert!(error.to_string().contains("unknown field `encodign`"), "{error}");
}

#[test]
fn a_value_of_the_wrong_type_is_reported_with_its_line_and_field() {
    let error = refused("path = \"/token\"", "path = 7");
    assert_eq!(error.field(), "calls.client_credentials.path");
    assert_eq!((error.line(), error.column()), (line_of(OWN, "path ="), Some(8)));
}

#[test]
fn an_unknown_word_is_reported_with_its_line_and_field() {
    let error = refused("expires_in_unit = \"seconds\"", "expires_in_unit = \"hours\"");
    assert_eq!(error.field(), "token_answer.expires_in_unit");
    assert_eq!(error.line(), line_of(OWN, "expires_in_unit"));
    assert!(error.to_string().contains("`minutes`"), "{error}");
}

#[test]
fn an_absent_field_is_reported_at_the_table_that_lacks_it() {
    let error = refused("encoding = \"form\"\n", "");
    assert_eq!(error.field(), "calls.client_credentials");
    assert_eq!(error.line(), line_of(OWN, "[calls.client_credentials]"));
    assert!(error.to_string().contains("missing field `encoding`"), "{error}");
}

#[test]
fn text_that_is_no_toml_is_reported_with_its_line_and_field() {
    let error = refused("host = \"login\"", "host = login");
    assert_eq!((error.code(), error.field()), ("profile_syntax", "calls.client_credentials.host"));
    assert_eq!(error.line(), line_of(OWN, "host = \"login\""));
}

#[test]
fn a_fault_found_by_the_checks_is_reported_with_its_line() {
    let error = refused("value = \"{client_id}\"", "value = \"mine\"");
    assert_eq!(error.problem(), &ProfileProblem::MissingRole(Placeholder::ClientId));
    assert_eq!(error.field(), "calls.client_credentials");
    assert_eq!(error.line(), line_of(OWN, "[calls.client_credentials]"));
    let error = refused("{ name = \"client_id\"", "{ name = \"grant_type\"");
    assert_eq!(error.field(), "calls.client_credentials.parameters[1].name");
    assert_eq!(error.line(), line_of(OWN, "name = \"client_id\""));
}

#[test]
fn plain_http_to_another_machine_is_refused_and_the_message_names_the_rule() {
    let error = refused("https://login.acme.example", "http://login.acme.example");
    assert_eq!((error.field(), error.line()), ("hosts[0].url", line_of(OWN, "url =")));
    assert!(error.to_string().contains("loopback"), "{error}");
    let foreign = "http://login.acme.example/token";
    assert_eq!(Profile::rfc6749(foreign).unwrap_err().code(), "profile_url");
    assert_eq!(Profile::octorate().via_gateway("http://10.0.0.1").unwrap_err().code(), "profile_url");
    assert_eq!(Profile::octorate().with_base("api", "http://10.0.0.1").unwrap_err().field(), "hosts[0].url");
}

#[test]
fn plain_http_is_taken_to_loopback_addresses_only() {
    for url in ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:1", "http://LocalHost/v1"] {
        assert_eq!(BaseUrl::new(url).unwrap().as_str(), url);
    }
    for url in
        ["http://128.0.0.1", "http://[::2]", "http://localhost.example", "http://127.1", "http://2130706433"]
    {
        assert!(matches!(BaseUrl::new(url), Err(BaseUrlError::Unencrypted(_))), "{url}");
    }
}

#[test]
fn a_base_url_holds_scheme_host_and_path_and_nothing_else() {
    let wrong = [
        ("https://user:password@host.example", BaseUrlError::UserInfo),
        ("https://host.example/?a=b", BaseUrlError::Query),
        ("https://host.example/#top", BaseUrlError::Fragment),
        ("https://host.example/ a", BaseUrlError::Character),
        ("https://hôst.example", BaseUrlError::Character),
        ("ftp://host.example", BaseUrlError::Scheme("ftp".to_owned())),
        ("file:///usr/bin/calc", BaseUrlError::Scheme("file".to_owned())),
        ("javascript:alert(1)", BaseUrlError::Scheme("javascript".to_owned())),
        ("host.example:8080/path", BaseUrlError::NotAbsolute),
        ("--remote-debugging-port=1", BaseUrlError::NotAbsolute),
        ("host.example/path", BaseUrlError::NotAbsolute),
        ("/path", BaseUrlError::NotAbsolute),
        ("", BaseUrlError::NotAbsolute),
        ("https://host.example:0", BaseUrlError::Port),
        ("https://host.example:65536", BaseUrlError::Port),
        ("https://host.example:", BaseUrlError::Port),
        ("https://ho!st.example", BaseUrlError::Host("ho!st.example".to_owned())),
        ("https://host.example/a/../b", BaseUrlError::DotSegment),
        ("https://host.example/a/%2E%2e/b", BaseUrlError::DotSegment),
    ];
    for (url, problem) in wrong {
        assert_eq!(BaseUrl::new(url), Err(problem), "{url}");
    }
}

#[test]
fn a_base_url_keeps_its_text_and_gives_its_origin_in_lower_case() {
    let base = BaseUrl::new("HTTPS://Api.Example.com:443/V1//").unwrap();
    assert_eq!(base.as_str(), "HTTPS://Api.Example.com:443/V1");
    assert_eq!(base.join("/token"), "HTTPS://Api.Example.com:443/V1/token");
    assert_eq!(base.origin(), "https://api.example.com");
    assert_eq!(
        BaseUrl::new("https://api.example.com:8443").unwrap().origin(),
        "https://api.example.com:8443"
    );
    assert_eq!(BaseUrl::new("http://127.0.0.1:443/x").unwrap().origin(), "http://127.0.0.1:443");
}

#[test]
fn a_template_holds_one_known_role_at_most() {
    assert_eq!(
        Template::new("Bearer {access_token}").unwrap().parts(),
        ("Bearer ", Some(Placeholder::AccessToken), "")
    );
    assert_eq!(Template::new("code").unwrap().parts(), ("code", None, ""));
    assert_eq!(Template::new("{client_id}-{state}"), Err(TemplateError::SecondGap));
    assert_eq!(Template::new("{client_id"), Err(TemplateError::Unbalanced));
    assert_eq!(Template::new("client_id}"), Err(TemplateError::Unbalanced));
    assert_eq!(Template::new("a\nb"), Err(TemplateError::ControlCharacter));
    let unknown = Template::new("{clientid}").unwrap_err();
    assert!(unknown.to_string().contains("client_id, client_secret"), "{unknown}");
    for role in Placeholder::ALL {
        assert_eq!(Template::new(format!("{{{role}}}")).unwrap().role(), Some(*role));
    }
}

#[test]
fn a_call_that_lacks_a_value_it_cannot_do_without_is_refused() {
    for (profile, call, role) in [
        (Profile::octorate(), "code", Placeholder::Code),
        (Profile::octorate(), "code", Placeholder::RedirectUri),
        (Profile::octorate(), "refresh", Placeholder::RefreshToken),
        (Profile::octorate(), "api_login", Placeholder::ClientSecret),
        (Profile::octorate(), "authorization", Placeholder::State),
        (Profile::octorate(), "migrate", Placeholder::ApiKey),
        (Profile::octorate(), "migrate", Placeholder::Property),
        (Profile::octorate(), "api_configuration", Placeholder::AccessToken),
        (Profile::octorate(), "create_property", Placeholder::AccessToken),
        (Profile::octorate(), "replace_redirect_uris", Placeholder::RedirectUris),
        (Profile::octotable(), "create_client", Placeholder::Password),
        (Profile::officernd(), "client_credentials", Placeholder::Scope),
    ] {
        let error = profile.edit(|document| drop_role(document, call, role)).unwrap_err();
        assert_eq!(error.problem(), &ProfileProblem::MissingRole(role), "{call}");
        assert!(error.field().starts_with(&format!("calls.{call}")), "{error}");
    }
}

/// Removes every parameter and header with that role from one call.
fn drop_role(document: &mut Document, name: &str, role: Placeholder) {
    let calls = &mut document.calls;
    let call = match name {
        "client_credentials" => &mut calls.client_credentials,
        "authorization" => &mut calls.authorization,
        "code" => &mut calls.code,
        "refresh" => &mut calls.refresh,
        "api_login" => &mut calls.api_login,
        "migrate" => &mut calls.migrate,
        "api_configuration" => &mut calls.api_configuration,
        "replace_redirect_uris" => &mut calls.replace_redirect_uris,
        "create_property" => &mut calls.create_property,
        _ => &mut calls.create_client,
    };
    if let Some(call) = call {
        call.parameters.to_mut().retain(|parameter| parameter.value.role() != Some(role));
        call.headers.to_mut().retain(|header| header.value.role() != Some(role));
    }
}

#[test]
fn with_pkce_the_code_exchange_must_carry_the_verifier() {
    let profile = Profile::rfc6749("https://login.example.com/token").unwrap();
    let error = profile.edit(|document| drop_role(document, "code", Placeholder::CodeVerifier)).unwrap_err();
    assert_eq!(error.problem(), &ProfileProblem::MissingRole(Placeholder::CodeVerifier));
}

#[test]
fn each_other_fault_is_refused_at_its_field() {
    let faults = [
        ("name = \"acme\"", "name = \"Acme Inc\"", "name", "profile_name"),
        ("title = \"Acme\"", "title = \" \"", "title", "profile_empty"),
        ("host = \"login\"", "host = \"api\"", "calls.client_credentials.host", "profile_unknown_host"),
        ("path = \"/token\"", "path = \"token\"", "calls.client_credentials.path", "profile_path"),
        ("path = \"/token\"", "path = \"/token?a=b\"", "calls.client_credentials.path", "profile_path"),
        ("path = \"/token\"", "path = \"/a/../token\"", "calls.client_credentials.path", "profile_path"),
        ("\"form\"", "\"query\"", "calls.client_credentials.encoding", "profile_encoding"),
        ("\"form\"", "\"none\"", "calls.client_credentials.encoding", "profile_encoding"),
        ("\"DOC token\"", "\"DOC a; WIKI\"", "calls.client_credentials.source", "profile_unknown_source"),
        ("[\"access_token\"]", "[]", "token_answer.access_token", "profile_empty"),
        ("[\"token_type\"]", "[\"access_token\"]", "token_answer.token_type[0]", "profile_duplicate"),
    ];
    for (from, to, field, code) in faults {
        let error = refused(from, to);
        assert_eq!((error.field(), error.code()), (field, code), "{error}");
        assert!(error.line().is_some(), "{error}");
    }
}

#[test]
fn limits_and_lifetimes_of_zero_are_refused() {
    let zero = |change: fn(&mut Document)| Profile::officernd().edit(change).unwrap_err();
    let limit =
        |document: &mut Document| document.token_limit.iter_mut().for_each(|limit| limit.requests = 0);
    assert_eq!(zero(limit).field(), "token_limit.requests");
    let code = |document: &mut Document| {
        document.authorization.iter_mut().for_each(|rules| rules.code_lifetime_seconds = 0);
    };
    assert_eq!(zero(code).field(), "authorization.code_lifetime_seconds");
}

#[test]
fn a_header_that_http_does_not_allow_is_refused() {
    let error = Profile::octorate()
        .edit(|document| {
            if let Some(call) = &mut document.calls.migrate {
                call.headers.to_mut()[0].name = "api key".into();
            }
        })
        .unwrap_err();
    assert_eq!((error.field(), error.code()), ("calls.migrate.headers[0].name", "profile_header_name"));
}

#[test]
fn in_json_no_name_may_hide_another() {
    let error = Profile::octotable()
        .edit(|document| {
            if let Some(call) = &mut document.calls.create_client {
                call.parameters.to_mut()[1].name = "redirect_uri.text".into();
            }
        })
        .unwrap_err();
    assert_eq!(error.problem(), &ProfileProblem::Duplicate("redirect_uri".to_owned()));
}

#[test]
fn behind_a_gateway_every_host_moves_and_keeps_its_name_and_path() {
    let gateway = "http://127.0.0.1:4000";
    for name in Profile::BUILTIN {
        let before = Profile::builtin(name).unwrap();
        let after = before.clone().via_gateway("http://127.0.0.1:4000/").unwrap();
        for (old, new) in before.document().hosts.iter().zip(&*after.document().hosts) {
            let moved = old.url.as_str().replace("https://", "http://127.0.0.1:4000/");
            assert_eq!((&*new.name, new.url.as_str()), (&*old.name, moved.as_str()));
        }
        for (call, entry) in after.document().calls.iter() {
            assert!(after.call_url(entry).starts_with(gateway), "{name} {call}");
        }
        assert!(after.api_origins().all(|origin| origin == gateway), "{name}");
    }
}

#[test]
fn one_host_is_replaced_by_name() {
    let profile = Profile::officernd().with_base("identity", "https://identity-eu.example/base").unwrap();
    let call = profile.document().calls.client_credentials.clone().unwrap();
    assert_eq!(profile.call_url(&call), "https://identity-eu.example/base/oauth/token");
    assert_eq!(profile.host("app"), Profile::officernd().host("app"));
    let error = Profile::officernd().with_base("identiy", "https://a.example").unwrap_err();
    assert_eq!(error.problem(), &ProfileProblem::UnknownHost("identiy".to_owned()));
}

#[test]
fn tokens_may_go_to_the_listed_api_hosts_only() {
    let origins = |profile: &Profile| profile.api_origins().collect::<Vec<_>>();
    assert_eq!(origins(&Profile::octorate()), ["https://api.octorate.com"]);
    assert_eq!(origins(&Profile::octotable()), ["https://api.octotable.com"]);
    assert_eq!(origins(&Profile::officernd()), ["https://app.officernd.com", "https://hybrid.officernd.com"]);
}

#[test]
fn a_call_of_another_profile_has_no_address_here() {
    let call = Profile::officernd().document().calls.client_credentials.clone().unwrap();
    assert_eq!(Profile::octorate().call_url(&call), "/oauth/token");
}

#[test]
fn a_standard_server_is_described_by_its_addresses() {
    let profile = Profile::rfc6749("https://login.example.com:8443/realm/token")
        .and_then(|profile| profile.with_authorization_url("https://www.example.com/authorize?policy=a%20b"))
        .and_then(|profile| profile.with_revocation_url("https://login.example.com:8443/realm/revoke"))
        .and_then(|profile| profile.with_introspection_url("https://inspect.example.com"))
        .and_then(|profile| profile.with_issuer("https://login.example.com"))
        .and_then(|profile| profile.with_client_authentication(ClientAuthentication::Basic))
        .and_then(|profile| profile.with_lifetime_unit(LifetimeUnit::Minutes))
        .unwrap();
    let urls: Vec<_> = profile
        .document()
        .calls
        .iter()
        .map(|(name, call)| format!("{name} {}", profile.call_url(call)))
        .collect();
    assert_eq!(
        urls,
        [
            "client_credentials https://login.example.com:8443/realm/token",
            "authorization https://www.example.com/authorize",
            "code https://login.example.com:8443/realm/token",
            "refresh https://login.example.com:8443/realm/token",
            "revocation https://login.example.com:8443/realm/revoke",
            "introspection https://inspect.example.com/",
        ]
    );
    let rules = profile.document().authorization.clone().unwrap();
    assert_eq!(
        (rules.code_lifetime_seconds, rules.issuer.as_deref()),
        (600, Some("https://login.example.com"))
    );
    let page = profile.document().calls.authorization.clone().unwrap();
    let query: Vec<_> =
        page.parameters.iter().map(|entry| format!("{}={}", entry.name, entry.value)).collect();
    assert_eq!(query[..2], ["policy=a b", "response_type=code"]);
    assert_eq!(
        query[5..],
        ["state={state}", "code_challenge={code_challenge}", "code_challenge_method=S256"]
    );
}

/// The request would contain the parameter twice, which RFC 6749 section 3.1 forbids.
#[test]
fn a_parameter_of_each_sign_in_does_not_stand_in_the_authorization_url() {
    let server = || Profile::rfc6749("https://login.example.com/token").unwrap();
    for name in ["state", "client_id", "redirect_uri", "code_challenge"] {
        let url = format!("https://login.example.com/authorize?{name}=fixed");
        let error = server().with_authorization_url(&url).unwrap_err();
        assert_eq!(error.problem(), &ProfileProblem::Duplicate(name.to_owned()), "{name}");
    }
    for query in ["tenant=a", "response_type=code", "scope=a"] {
        let url = format!("https://login.example.com/authorize?{query}");
        assert!(server().with_authorization_url(&url).is_ok(), "{query}");
    }
}

#[test]
fn what_does_not_fit_a_profile_is_refused() {
    let fragment = Profile::rfc6749("https://login.example.com/token?tenant=a#b").unwrap_err();
    assert_eq!(fragment.problem(), &ProfileProblem::Url(BaseUrlError::Fragment));
    let issuer = Profile::octotable().with_issuer("https://issuer.example").unwrap_err();
    assert_eq!(issuer.problem(), &ProfileProblem::MissingPart("authorization"));
    let page =
        Profile::octotable().with_authorization_url("https://login.example.com/authorize").unwrap_err();
    assert_eq!(page.problem(), &ProfileProblem::MissingPart("calls.code"));
}

#[test]
fn a_page_that_moves_keeps_the_providers_own_parameters() {
    let profile = Profile::octorate().with_authorization_url("https://moved.example/consent").unwrap();
    let page = profile.document().calls.authorization.clone().unwrap();
    assert_eq!(profile.call_url(&page), "https://moved.example/consent");
    assert_eq!(
        page.parameters,
        Profile::octorate().document().calls.authorization.clone().unwrap().parameters
    );
}

#[test]
fn a_document_built_in_code_is_checked_and_works() {
    let mut document = Profile::rfc6749("https://login.example.com/token").unwrap().document().clone();
    document.name = "acme".into();
    document.scopes = ScopeRule::None;
    document.hosts.to_mut().push(Host {
        name: "old".into(),
        url: BaseUrl::new("https://old.example.com/v1").unwrap(),
        source: "URL of the migration page".into(),
    });
    document.calls.migrate = Some(Call {
        method: Method::Post,
        host: "old".into(),
        path: "/migrate".into(),
        query: None,
        encoding: Encoding::Form,
        parameters: vec![Parameter { name: "shop".into(), value: Template::new("{property}").unwrap() }]
            .into(),
        headers: vec![Parameter { name: "key".into(), value: Template::new("{api_key}").unwrap() }].into(),
        source: "URL of the migration page".into(),
    });
    let profile = Profile::new(document).unwrap();
    let call = profile.document().calls.migrate.clone().unwrap();
    assert_eq!(profile.call_url(&call), "https://old.example.com/v1/migrate");
    assert!(call.carries(Placeholder::ApiKey) && !call.carries(Placeholder::ClientId));
}
