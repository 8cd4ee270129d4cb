//! The document of a standard server: RFC 6749 with PKCE (RFC 7636), revocation (RFC 7009) and introspection
//! (RFC 7662).
//!
//! It contains only what the standards say. A vendor's deviations are set on the profile.

use super::answer::CLOCK_SKEW_SECONDS;
use super::endpoint::Endpoint;
use super::{
    AbsentTokenType, Api, Authorization, BaseUrl, Call, Calls, ClientAuthentication, DEAD_CODES, Document,
    Encoding, Host, LifetimeUnit, List, Method, Parameter, Pkce, Placeholder, PublicClient, RedirectRule,
    Refresh, Replay, ScopeRule, Source, Template, Text, TokenAnswer,
};

const HOST: Text = Text::Borrowed("server");
const GIVEN: &str = "URL: as given by the user";
const CREDENTIALS: [Placeholder; 2] = [Placeholder::ClientId, Placeholder::ClientSecret];

/// A parameter of a standard request.
enum Part {
    Fixed(&'static str, &'static str),
    Filled(Placeholder),
}

pub(super) fn document(token: &Endpoint) -> Document {
    Document {
        name: Text::Borrowed("rfc6749"),
        title: Text::Borrowed("RFC 6749 server"),
        sources: List::Borrowed(&SOURCES),
        hosts: vec![host(HOST, &token.base)].into(),
        client_authentication: ClientAuthentication::Body,
        public_client: PublicClient::Body,
        token_header: None,
        scopes: ScopeRule::Optional,
        calls: token_calls(token),
        authorization: Some(code_flow()),
        refresh: Some(Refresh {
            // A server that rotates may treat a repetition as theft (section 10.4). But without it the lost
            // answer has ended the grant anyway.
            replay: Replay::Once,
            dead_codes: DEAD_CODES,
            empty_refusal_is_dead: false,
            source: Text::Borrowed("RFC6749 section 10.4"),
        }),
        token_answer: token_answer(),
        created_client: None,
        created_property: None,
        api_configuration: None,
        error_shapes: List::Borrowed(&[]),
        refusals: List::Borrowed(&[]),
        token_limit: None,
        account_limit: None,
        api: None,
    }
}

static SOURCES: [Source; 5] = [
    source("URL", "The address given by the user of the profile"),
    source("RFC6749", "RFC 6749, The OAuth 2.0 Authorization Framework (October 2012)"),
    source("RFC7636", "RFC 7636, Proof Key for Code Exchange (September 2015)"),
    source("RFC7009", "RFC 7009, OAuth 2.0 Token Revocation (August 2013)"),
    source("RFC7662", "RFC 7662, OAuth 2.0 Token Introspection (October 2015)"),
];

const fn source(key: &'static str, title: &'static str) -> Source {
    Source { key: Text::Borrowed(key), title: Text::Borrowed(title) }
}

fn token_calls(token: &Endpoint) -> Calls {
    let scope = Part::Filled(Placeholder::Scope);
    let code = [
        Part::Fixed("grant_type", "authorization_code"),
        Part::Filled(Placeholder::Code),
        Part::Filled(Placeholder::RedirectUri),
        Part::Filled(Placeholder::CodeVerifier),
    ];
    let refresh = [
        Part::Fixed("grant_type", "refresh_token"),
        Part::Filled(Placeholder::RefreshToken),
        Part::Filled(Placeholder::Scope),
    ];
    let client_credentials = [Part::Fixed("grant_type", "client_credentials"), scope];
    Calls {
        client_credentials: Some(post(HOST, token, &client_credentials, "RFC6749 section 4.4.2")),
        code: Some(post(HOST, token, &code, "RFC6749 section 4.1.3; RFC7636 section 4.5")),
        refresh: Some(post(HOST, token, &refresh, "RFC6749 section 6")),
        ..Calls::default()
    }
}

/// Returns a form request that ends with the client's credentials.
fn post(host: Text, endpoint: &Endpoint, parts: &[Part], source: &'static str) -> Call {
    let credentials = CREDENTIALS.map(Part::Filled);
    Call {
        method: Method::Post,
        host,
        path: endpoint.path.clone(),
        query: endpoint.query.clone(),
        encoding: Encoding::Form,
        parameters: parts.iter().chain(&credentials).map(parameter).collect::<Vec<_>>().into(),
        headers: List::Borrowed(&[]),
        source: Text::Borrowed(source),
    }
}

fn parameter(part: &Part) -> Parameter {
    match part {
        Part::Fixed(name, value) => Parameter { name: Text::Borrowed(name), value: Template::known(value) },
        Part::Filled(role) => Parameter { name: Text::Borrowed(role.name()), value: Template::of(*role) },
    }
}

fn code_flow() -> Authorization {
    Authorization {
        // Section 4.1.2 recommends at most ten minutes. The server may expire a code earlier.
        code_lifetime_seconds: 600,
        redirect_uri: RedirectRule::NativeApps,
        pkce: Pkce::S256,
        issuer: None,
        issuer_optional: false,
        source: Text::Borrowed("RFC6749 section 4.1; RFC7636 section 4"),
    }
}

fn token_answer() -> TokenAnswer {
    TokenAnswer {
        access_token: List::Borrowed(&[Text::Borrowed("access_token")]),
        refresh_token: List::Borrowed(&[Text::Borrowed("refresh_token")]),
        token_type: List::Borrowed(&[Text::Borrowed("token_type")]),
        token_type_absent: AbsentTokenType::Error,
        expires_in: List::Borrowed(&[Text::Borrowed("expires_in")]),
        expires_in_unit: LifetimeUnit::Seconds,
        expires_at: List::Borrowed(&[]),
        clock_skew_seconds: CLOCK_SKEW_SECONDS,
        assume_utc: false,
        refresh_in: List::Borrowed(&[Text::Borrowed("refresh_in")]),
        scope: List::Borrowed(&[Text::Borrowed("scope")]),
        bearer_names: List::Borrowed(&[]),
        keep: List::Borrowed(&[]),
        form: false,
        source: Text::Borrowed("RFC6749 section 5.1"),
    }
}

/// Sets the authorization endpoint, with the parameters of its own query.
pub(super) fn authorization(document: &mut Document, endpoint: &Endpoint, fixed: &[Parameter]) {
    let host = place(document, "authorization", &endpoint.base);
    if let Some(call) = &mut document.calls.authorization {
        call.host = host;
        call.path = endpoint.path.clone();
        call.parameters = with_fixed(fixed, call.parameters.iter().cloned());
        return;
    }
    if document.authorization.is_none() {
        document.authorization = Some(code_flow());
        cite(document, &["RFC6749", "RFC7636"]);
    }
    let standard = [
        Part::Fixed("response_type", "code"),
        Part::Filled(Placeholder::ClientId),
        Part::Filled(Placeholder::RedirectUri),
        Part::Filled(Placeholder::Scope),
        Part::Filled(Placeholder::State),
        Part::Filled(Placeholder::CodeChallenge),
        Part::Fixed("code_challenge_method", "S256"),
    ];
    cite(document, &["RFC6749", "RFC7636"]);
    document.calls.authorization = Some(Call {
        method: Method::Get,
        host,
        path: endpoint.path.clone(),
        query: None,
        encoding: Encoding::Query,
        parameters: with_fixed(fixed, standard.iter().map(parameter)),
        headers: List::Borrowed(&[]),
        source: Text::Borrowed("RFC6749 section 4.1.1; RFC7636 section 4.3"),
    });
}

/// Puts the endpoint's own parameters before the others. They replace parameters of the same name.
///
/// Parameters that each sign-in fills in are kept, so that the document's check reports the duplicate name.
fn with_fixed(fixed: &[Parameter], others: impl Iterator<Item = Parameter>) -> List<Parameter> {
    let is_filled = |other: &Parameter| {
        let role = other.value.role();
        matches!(
            role,
            Some(
                Placeholder::ClientId
                    | Placeholder::RedirectUri
                    | Placeholder::State
                    | Placeholder::CodeChallenge
            )
        )
    };
    let others = others.filter(|other| is_filled(other) || fixed.iter().all(|own| own.name != other.name));
    fixed.iter().cloned().chain(others).collect()
}

pub(super) fn revocation(document: &mut Document, endpoint: &Endpoint) {
    let host = place(document, "revocation", &endpoint.base);
    cite(document, &["RFC7009"]);
    document.calls.revocation = Some(about_token(host, endpoint, "RFC7009 section 2.1"));
}

pub(super) fn introspection(document: &mut Document, endpoint: &Endpoint) {
    let host = place(document, "introspection", &endpoint.base);
    cite(document, &["RFC7662"]);
    document.calls.introspection = Some(about_token(host, endpoint, "RFC7662 section 2.1"));
}

fn about_token(host: Text, endpoint: &Endpoint, source: &'static str) -> Call {
    post(
        host,
        endpoint,
        &[Part::Filled(Placeholder::Token), Part::Filled(Placeholder::TokenTypeHint)],
        source,
    )
}

/// Lists a host that tokens may be sent to, unless it is listed already.
pub(super) fn api_host(document: &mut Document, base: &BaseUrl) {
    let name = place(document, "api", base);
    match &mut document.api {
        Some(api) if api.hosts.contains(&name) => {}
        Some(api) => api.hosts.to_mut().push(name),
        None => {
            document.api = Some(Api {
                hosts: vec![name].into(),
                required_headers: List::Borrowed(&[]),
                remaining_header: None,
                source: Text::Borrowed(GIVEN),
            });
            cite(document, &["URL"]);
        }
    }
}

/// Lists a host under an unused name, unless it is listed already.
fn place(document: &mut Document, name: &str, base: &BaseUrl) -> Text {
    if let Some(host) = document.hosts.iter().find(|host| host.url == *base) {
        return host.name.clone();
    }
    let mut free = name.to_owned();
    while document.hosts.iter().any(|host| host.name == free) {
        free.push_str("-new");
    }
    let name = Text::Owned(free);
    cite(document, &["URL"]);
    document.hosts.to_mut().push(host(name.clone(), base));
    name
}

fn host(name: Text, base: &BaseUrl) -> Host {
    Host { name, url: base.clone(), source: Text::Borrowed(GIVEN) }
}

/// Adds the sources of these keys, unless they are listed already.
fn cite(document: &mut Document, keys: &[&str]) {
    for source in SOURCES.iter().filter(|source| keys.contains(&&*source.key)) {
        if document.sources.iter().all(|listed| listed.key != source.key) {
            document.sources.to_mut().push(source.clone());
        }
    }
}
