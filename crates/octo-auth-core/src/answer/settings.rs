//! Octorate's API configuration: the authorization pages and the redirect URIs.

use std::borrow::Cow;

use super::created::close;
use super::members::{Members, Value};
use super::{Opened, accept_status, errors, open};
use crate::error::{ErrorKind, ExchangeError};
use crate::exchange::sealed::Read;
use crate::exchange::{Answer, Received};
use crate::profile::ApiConfigurationAnswer;
use crate::reading::Reading;

/// The configuration of an application at Octorate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiConfiguration {
    /// The environment, `SANDBOX` or `PRODUCTION`.
    pub environment: Option<String>,
    /// The registered redirect URIs, byte for byte as they must be sent.
    pub redirect_uris: Vec<String>,
    /// The provider's pages that a user can be sent to.
    pub authorization_pages: Vec<AuthorizationPage>,
}

/// A page of the provider that a user can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationPage {
    /// The provider's description; may be empty.
    pub description: String,
    /// Its URL.
    pub url: String,
    /// Whether it is the page that asks for consent: its path is that of the authorization call.
    pub asks_for_grant: bool,
}

/// The value of a successful answer without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

impl ApiConfiguration {
    /// Returns the page that asks a user for consent.
    #[must_use]
    pub fn identity_page(&self) -> Option<&AuthorizationPage> {
        self.authorization_pages.iter().find(|page| page.asks_for_grant)
    }
}

impl Read for ApiConfiguration {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        let opened = open(reading, received)?;
        let document = reading.profile.document();
        let path = document.calls.authorization.as_ref().map(|call| &*call.path);
        let rules = document.api_configuration.as_ref();
        let read =
            rules.ok_or(ErrorKind::ProviderError).and_then(|rules| configuration(&opened, rules, path));
        close(reading, received, opened.deviations, read)
    }
}

impl Read for Done {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        accept_status(reading, received)?;
        errors::refuse_coded_body(reading, received, &errors::body_text(received), &[])?;
        Ok(Answer::new(Self, Vec::new()))
    }
}

fn configuration(
    opened: &Opened<'_>,
    rules: &ApiConfigurationAnswer,
    path: Option<&str>,
) -> Result<ApiConfiguration, ErrorKind> {
    let members = opened.members(&[&rules.environment, &rules.redirect_uris, &rules.authorization_pages])?;
    let pages = members.value(2).map(|value| pages(value, path)).unwrap_or_default();
    Ok(ApiConfiguration {
        environment: members.value(0).and_then(Value::text),
        redirect_uris: members.value(1).map(texts).unwrap_or_default(),
        authorization_pages: pages,
    })
}

/// Returns the strings of an array, or a single string.
fn texts(value: Value<'_>) -> Vec<String> {
    let texts = value.borrowed_text().map(|text| vec![text]).or_else(|| value.texts()).unwrap_or_default();
    texts.into_iter().map(Cow::into_owned).collect()
}

/// Returns the pages. The provider does not publish their exact format. They are strings, or objects with a
/// URL in one of their members, and occur alone, in an array, or as the members of an object.
fn pages(value: Value<'_>, path: Option<&str>) -> Vec<AuthorizationPage> {
    let elements = match value {
        Value::Object(raw) => Members::all(raw),
        Value::String(raw) => vec![(Cow::default(), raw)],
        other => other.elements().into_iter().map(|raw| (Cow::default(), raw)).collect(),
    };
    elements.into_iter().filter_map(|(name, raw)| page(name, Value::of(raw), path)).collect()
}

fn page(name: Cow<'_, str>, value: Value<'_>, path: Option<&str>) -> Option<AuthorizationPage> {
    let texts = match value {
        Value::Object(raw) => {
            Members::all(raw).into_iter().filter_map(|(_, raw)| Value::of(raw).text()).collect()
        }
        other => vec![other.text()?],
    };
    let (mut urls, others): (Vec<String>, Vec<String>) = texts.into_iter().partition(|text| is_url(text));
    if urls.is_empty() {
        return None;
    }
    let url = urls.remove(0);
    let description = if name.is_empty() { others.join(": ") } else { name.into_owned() };
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let asks_for_grant = path.is_some_and(|path| bare.ends_with(path));
    Some(AuthorizationPage { description, url, asks_for_grant })
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
