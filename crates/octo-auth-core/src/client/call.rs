//! Builds an HTTP request from a call of the profile and the values of this request.

use std::borrow::Cow;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method as HttpMethod, Request};
use zeroize::Zeroizing;

use super::json;
use crate::error::RequestError;
use crate::exchange::Body;
use crate::extra_parameter::ExtraParameter;
use crate::profile::{Call, Encoding, Method, Parameter, Placeholder, Profile, Template};
use crate::secret::Secret;
use crate::token::sensitive_header;

/// The values for the roles in a call's templates.
#[derive(Default)]
pub(crate) struct TemplateValues<'a> {
    given: Vec<(Placeholder, TemplateValue<'a>)>,
    /// A role that is filled in only in headers, not in parameters.
    only_in_headers: Option<Placeholder>,
}

/// The value of a role.
#[derive(Clone)]
pub(crate) enum TemplateValue<'a> {
    Text(&'a str),
    Secret(&'a Secret),
    /// JSON to be written unchanged; only for parameters of JSON calls.
    Json(Cow<'a, str>),
}

impl<'a> TemplateValues<'a> {
    pub(crate) fn set(&mut self, role: Placeholder, value: TemplateValue<'a>) {
        self.unset(role);
        self.given.push((role, value));
    }

    /// Sets a text that may be `None`.
    pub(crate) fn set_some(&mut self, role: Placeholder, text: Option<&'a str>) {
        if let Some(text) = text {
            self.set(role, TemplateValue::Text(text));
        }
    }

    fn unset(&mut self, role: Placeholder) {
        self.given.retain(|(own, _)| *own != role);
    }

    /// Omits the parameters with this role.
    pub(crate) fn keep_in_headers(&mut self, role: Placeholder) {
        self.only_in_headers = Some(role);
    }

    /// Returns the secrets among the values.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let secrets = self.given.iter().filter_map(|(_, value)| match value {
            TemplateValue::Secret(secret) => Some((*secret).clone()),
            TemplateValue::Text(_) | TemplateValue::Json(_) => None,
        });
        secrets.collect()
    }

    fn get(&self, role: Placeholder) -> Option<&TemplateValue<'a>> {
        self.given.iter().find(|(own, _)| *own == role).map(|(_, value)| value)
    }

    /// Returns the value of a parameter as text; `None` if its role has no value, or is for headers
    /// only.
    fn parameter<'t>(&'t self, template: &'t Template) -> Option<Cow<'t, str>> {
        let is_hidden = self.only_in_headers.is_some() && template.role() == self.only_in_headers;
        self.filled(template).filter(|_| !is_hidden)
    }

    /// Returns a filled-in template as text; `None` if its role has no value.
    fn filled<'t>(&'t self, template: &'t Template) -> Option<Cow<'t, str>> {
        let (before, role, after) = template.parts();
        let Some(role) = role else { return Some(Cow::Borrowed(before)) };
        let value = match self.get(role)? {
            TemplateValue::Text(text) => *text,
            TemplateValue::Secret(secret) => secret.expose(),
            TemplateValue::Json(json) => json,
        };
        Some(if before.is_empty() && after.is_empty() {
            Cow::Borrowed(value)
        } else {
            Cow::Owned([before, value, after].concat())
        })
    }
}

/// Builds the request of a call, with its parameters and headers filled in.
pub(crate) fn request(
    profile: &Profile,
    call: &Call,
    values: &TemplateValues<'_>,
    extra: &[ExtraParameter],
) -> Result<Request<Body>, RequestError> {
    let (content_type, body) = match call.encoding {
        Encoding::Form => (Some("application/x-www-form-urlencoded"), form(call, values, extra)),
        Encoding::Json => (Some("application/json"), json::object(&members(call, values))),
        Encoding::JsonArray => {
            (Some("application/json"), [b"[", &*json::object(&members(call, values)), b"]"].concat())
        }
        Encoding::CallerJson => (Some("application/json"), Vec::new()),
        Encoding::Query | Encoding::None => (None, Vec::new()),
    };
    let mut request = Request::new(Body::new(body));
    *request.method_mut() = match call.method {
        Method::Get => HttpMethod::GET,
        Method::Post => HttpMethod::POST,
        Method::Patch => HttpMethod::PATCH,
    };
    let url = if call.encoding == Encoding::Query {
        url(profile, call, values, extra)
    } else {
        profile.call_url(call)
    };
    *request.uri_mut() = url.parse().map_err(|_| RequestError::Url)?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for parameter in call.headers.iter() {
        if let Some(text) = values.filled(&parameter.value) {
            let text = Zeroizing::new(text.into_owned());
            let value = sensitive_header(&text).ok_or(RequestError::Secret { what: "value of a header" })?;
            let name = HeaderName::try_from(&*parameter.name).map_err(|_| RequestError::Url)?;
            headers.insert(name, value);
        }
    }
    Ok(request)
}

/// Returns the URL of a call whose parameters are in the query.
pub(crate) fn url(
    profile: &Profile,
    call: &Call,
    values: &TemplateValues<'_>,
    extra: &[ExtraParameter],
) -> String {
    let query = form_encoded(call.parameters.iter(), values, extra);
    [profile.call_url(call).as_str(), "?", &query].concat()
}

fn form(call: &Call, values: &TemplateValues<'_>, extra: &[ExtraParameter]) -> Vec<u8> {
    form_encoded(call.parameters.iter(), values, extra).into_bytes()
}

/// Encodes parameters as `application/x-www-form-urlencoded`, without those that have no value.
fn form_encoded<'p>(
    parameters: impl Iterator<Item = &'p Parameter>,
    values: &TemplateValues<'_>,
    extra: &[ExtraParameter],
) -> String {
    let pairs: Vec<(&str, Cow<'_, str>)> = parameters
        .filter_map(|parameter| Some((&*parameter.name, values.parameter(&parameter.value)?)))
        .chain(extra.iter().map(ExtraParameter::texts).map(|(name, value)| (name, Cow::Borrowed(value))))
        .collect();
    // Reserve room for the worst case, so that growing leaves no partial copy of a secret behind.
    let room = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut serializer = form_urlencoded::Serializer::new(String::with_capacity(room));
    serializer.extend_pairs(pairs);
    serializer.finish()
}

/// Returns the parameters of a JSON call, without those that have no value.
fn members<'v>(call: &'v Call, values: &'v TemplateValues<'_>) -> Vec<json::Member<'v>> {
    let member = |parameter: &'v Parameter| {
        let raw = parameter.value.role().and_then(|role| match values.get(role) {
            Some(TemplateValue::Json(json)) => Some(&**json),
            _ => None,
        });
        let value = match raw {
            Some(raw) => json::Written::Raw(raw),
            None => json::Written::Text(values.parameter(&parameter.value)?),
        };
        Some(json::Member { path: &parameter.name, value })
    };
    call.parameters.iter().filter_map(member).collect()
}
