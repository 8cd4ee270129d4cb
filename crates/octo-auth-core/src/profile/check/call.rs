//! What a call needs before a request can be built from it.

use super::field::{Checked, Faults, fault, filled, header_name, known_host};
use crate::profile::base_url::has_dot_segment;
use crate::profile::{
    Call, ClientAuthentication, Document, Encoding, Method, Pkce, Placeholder, ProfileProblem, ScopeRule,
};

pub(super) fn check(document: &Document, name: &str, call: &Call, faults: &mut Faults) {
    let field = format!("calls.{name}");
    faults.note(known_host(document, format!("{field}.host"), &call.host));
    faults.note(path(&format!("{field}.path"), &call.path));
    faults.note(query(&format!("{field}.query"), call));
    faults.note(encoding(&field, name, call));
    faults.note(parameters(&field, call));
    faults.note(headers(&field, call));
    for role in required(document, name).into_iter().filter(|role| !call.carries(*role)) {
        faults.note(fault(&*field, ProfileProblem::MissingRole(role)));
    }
    if needs_token_header(name)
        && !call.headers.iter().any(|header| header.value.role() == Some(Placeholder::AccessToken))
    {
        faults.note(fault(format!("{field}.headers"), ProfileProblem::MissingRole(Placeholder::AccessToken)));
    }
}

fn path(field: &str, path: &str) -> Checked {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#');
    if path.starts_with('/') && plain && !has_dot_segment(path) {
        return Ok(());
    }
    fault(field, ProfileProblem::Path(path.to_owned()))
}

fn query(field: &str, call: &Call) -> Checked {
    let Some(query) = &call.query else { return Ok(()) };
    filled(field, query)?;
    let plain = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') && !query.starts_with('?');
    if plain && call.encoding != Encoding::Query {
        return Ok(());
    }
    fault(field, ProfileProblem::Query(query.to_string()))
}

fn encoding(field: &str, name: &str, call: &Call) -> Checked {
    let right = match name {
        "authorization" => call.encoding == Encoding::Query,
        "create_property" => call.encoding == Encoding::CallerJson,
        _ => call.encoding != Encoding::CallerJson,
    };
    if !right {
        return fault(format!("{field}.encoding"), ProfileProblem::CallEncoding);
    }
    let fits = match call.encoding {
        Encoding::Query => call.method == Method::Get,
        Encoding::Form | Encoding::Json | Encoding::JsonArray => call.method != Method::Get,
        Encoding::CallerJson => call.method != Method::Get && call.parameters.is_empty(),
        Encoding::None => call.parameters.is_empty(),
    };
    if fits { Ok(()) } else { fault(format!("{field}.encoding"), ProfileProblem::Encoding) }
}

fn parameters(field: &str, call: &Call) -> Checked {
    let nests = matches!(call.encoding, Encoding::Json | Encoding::JsonArray);
    for (index, parameter) in call.parameters.iter().enumerate() {
        let field = format!("{field}.parameters[{index}]");
        let secret = parameter.value.role().filter(|role| role.is_secret());
        if let Some(role) = secret.filter(|_| call.encoding == Encoding::Query) {
            return fault(format!("{field}.value"), ProfileProblem::SecretInUrl(role));
        }
        let field = format!("{field}.name");
        filled(&field, &parameter.name)?;
        if nests && parameter.name.split('.').any(str::is_empty) {
            return fault(field, ProfileProblem::Empty);
        }
        let earlier = call.parameters[..index].iter().map(|earlier| &*earlier.name);
        for earlier in earlier {
            if collide(earlier, &parameter.name, nests) {
                return fault(field, ProfileProblem::Duplicate(earlier.to_owned()));
            }
        }
    }
    Ok(())
}

/// Returns whether two names cannot occur in one request: in JSON, `a` conflicts with `a.b`.
fn collide(one: &str, other: &str, nests: bool) -> bool {
    let within =
        |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    one == other || nests && (within(one, other) || within(other, one))
}

fn headers(field: &str, call: &Call) -> Checked {
    for (index, header) in call.headers.iter().enumerate() {
        let field = format!("{field}.headers[{index}].name");
        header_name(field.as_str(), &header.name)?;
        if call.headers[..index].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&header.name)) {
            return fault(field, ProfileProblem::Duplicate(header.name.to_string()));
        }
    }
    Ok(())
}

/// Returns the roles that a call of that name requires.
fn required(document: &Document, name: &str) -> Vec<Placeholder> {
    let s256 = document.authorization.as_ref().is_some_and(|rules| rules.pkce == Pkce::S256);
    let in_body = document.client_authentication == ClientAuthentication::Body;
    let scoped = document.scopes == ScopeRule::Required;
    let mut roles = match name {
        "authorization" => vec![Placeholder::ClientId, Placeholder::RedirectUri, Placeholder::State],
        "code" => vec![Placeholder::Code, Placeholder::RedirectUri],
        "refresh" => vec![Placeholder::RefreshToken],
        "migrate" => vec![Placeholder::ApiKey, Placeholder::Property],
        "replace_redirect_uris" => vec![Placeholder::RedirectUris],
        "create_client" => {
            vec![
                Placeholder::SandboxName,
                Placeholder::Email,
                Placeholder::Username,
                Placeholder::Password,
                Placeholder::RedirectUri,
            ]
        }
        "revocation" | "introspection" => vec![Placeholder::Token],
        _ => Vec::new(),
    };
    match name {
        "code" if s256 => roles.push(Placeholder::CodeVerifier),
        "authorization" if s256 => roles.push(Placeholder::CodeChallenge),
        "client_credentials" if scoped => roles.push(Placeholder::Scope),
        _ => {}
    }
    if in_body && matches!(name, "client_credentials" | "code" | "refresh" | "api_login") {
        roles.extend([Placeholder::ClientId, Placeholder::ClientSecret]);
    }
    roles
}

/// Returns whether a call goes to the provider's API and so carries an access token in a header.
fn needs_token_header(name: &str) -> bool {
    matches!(name, "api_configuration" | "replace_redirect_uris" | "create_property")
}
