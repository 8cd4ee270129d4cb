//! Answers of creating calls: OctoTable's clients and Octorate's properties.

use std::fmt;

use super::members::{Members, Value};
use super::{Deviation, Opened, errors, open};
use crate::error::{ErrorKind, ExchangeError};
use crate::exchange::sealed::Read;
use crate::exchange::{Answer, Received};
use crate::profile::{CreatedClientAnswer, CreatedPropertyAnswer};
use crate::reading::Reading;
use crate::secret::Secret;

/// A client that OctoTable has created ("How to create clients"), with its sandbox property.
///
/// The provider sends the client secret and the password in plain text. `Debug` shows neither.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreatedClient {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
    /// The provider's number of the client.
    pub id: Option<String>,
    /// The user name.
    pub username: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// The redirect URI as the provider stored it. It may differ from the one sent.
    pub redirect_uri: Option<String>,
    /// The properties that were created with the client.
    pub properties: Vec<SandboxProperty>,
}

/// A property that was created with a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxProperty {
    /// The id to send in the `Property` header.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether it is for testing only; `None` if the provider did not say.
    pub sandbox: Option<bool>,
}

/// A property that Octorate has created, and the refresh token of the grant that now includes the property.
///
/// The answer has no access token: [`Client::refresh`](crate::Client::refresh) obtains one. In a network the
/// refresh token can be one that you have already. It then covers the new property too.
#[derive(Clone)]
#[non_exhaustive]
pub struct CreatedProperty {
    /// The provider's id of the property.
    pub id: String,
    /// The status word, in either spelling (`CREATED_ACCOMMODATION`, `created`).
    pub status: String,
    /// The refresh token that covers the property.
    pub refresh_token: Secret,
    /// All properties that the refresh token covers, if the provider lists them.
    pub properties: Vec<String>,
}

impl fmt::Debug for CreatedProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedProperty")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

impl Read for CreatedClient {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        let opened = open(reading, received)?;
        let rules = reading.profile.document().created_client.as_ref();
        let read = rules.ok_or(ErrorKind::ProviderError).and_then(|rules| created_client(&opened, rules));
        close(reading, received, opened.deviations, read)
    }
}

impl Read for CreatedProperty {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        let rules = reading.profile.document().created_property.as_ref();
        if let Some(kind) = rules.and_then(|rules| already_there(received, rules)) {
            return Err(reading.unusable(kind, received, Vec::new()));
        }
        let opened = open(reading, received)?;
        let read = rules.ok_or(ErrorKind::ProviderError).and_then(|rules| created_property(&opened, rules));
        close(reading, received, opened.deviations, read)
    }
}

/// Returns an answer with the value, or its failure.
pub(super) fn close<T>(
    reading: &Reading,
    received: &Received<'_>,
    deviations: Vec<Deviation>,
    read: Result<T, ErrorKind>,
) -> Result<Answer<T>, ExchangeError> {
    match read {
        Ok(value) => Ok(Answer::new(value, deviations)),
        Err(kind) => Err(reading.unusable(kind, received, deviations)),
    }
}

fn created_client(opened: &Opened<'_>, rules: &CreatedClientAnswer) -> Result<CreatedClient, ErrorKind> {
    let list = opened.members(&[&rules.list])?;
    let missing = |name: &str| ErrorKind::MemberMissing(name.to_owned().into());
    let client = list.value(0).and_then(Value::first_element).ok_or_else(|| missing(&rules.list))?;
    let names = [
        &*rules.client_id,
        &rules.client_secret,
        &rules.id,
        &rules.username,
        &rules.password,
        &rules.redirect_uri,
        &rules.properties,
    ];
    let members = Members::read(client, &names)?;
    let text = |place: usize| members.value(place).and_then(Value::text).filter(|text| !text.is_empty());
    Ok(CreatedClient {
        client_id: text(0).ok_or_else(|| missing(&rules.client_id))?,
        client_secret: text(1).map(Secret::new).ok_or_else(|| missing(&rules.client_secret))?,
        id: members.value(2).and_then(Value::id),
        username: text(3),
        password: text(4).map(Secret::new),
        redirect_uri: text(5),
        properties: members.value(6).map(|list| properties(list, rules)).unwrap_or_default(),
    })
}

/// Returns the properties that have an id. A property without one is useless to a caller.
fn properties(list: Value<'_>, rules: &CreatedClientAnswer) -> Vec<SandboxProperty> {
    let names = [&*rules.property_id, &rules.property_name, &rules.property_sandbox];
    let property = |raw: &str| {
        let members = Members::read(raw, &names).ok()?;
        Some(SandboxProperty {
            id: members.value(0)?.id()?,
            name: members.value(1).and_then(Value::text),
            sandbox: match members.value(2) {
                Some(Value::Bool(sandbox)) => Some(sandbox),
                _ => None,
            },
        })
    };
    list.elements().into_iter().filter_map(property).collect()
}

fn created_property(
    opened: &Opened<'_>,
    rules: &CreatedPropertyAnswer,
) -> Result<CreatedProperty, ErrorKind> {
    let names = [&*rules.status, &rules.id, &rules.refresh_token, &rules.properties];
    let members = opened.members(&names)?;
    let missing = |name: &str| ErrorKind::MemberMissing(name.to_owned().into());
    let text = |place: usize| members.value(place).and_then(Value::text).filter(|text| !text.is_empty());
    let status = text(0).filter(|status| rules.created.iter().any(|word| word == status));
    let properties = members.value(3).map(Value::elements).unwrap_or_default();
    Ok(CreatedProperty {
        refresh_token: text(2).map(Secret::new).ok_or_else(|| missing(&rules.refresh_token))?,
        id: members.value(1).and_then(Value::id).ok_or_else(|| missing(&rules.id))?,
        status: status.ok_or_else(|| missing(&rules.status))?,
        properties: properties.into_iter().filter_map(|raw| Value::of(raw).id()).collect(),
    })
}

/// Returns the refusal that the property already exists. It contains the property's id and no token.
fn already_there(received: &Received<'_>, rules: &CreatedPropertyAnswer) -> Option<ErrorKind> {
    if received.status.as_u16() != rules.existing_status {
        return None;
    }
    let text = errors::body_text(received);
    let members = Members::read(&text, &[&rules.status, &rules.id]).ok()?;
    let exists = members.value(0).and_then(Value::text).is_some_and(|status| status == rules.existing);
    let id = members.value(1).and_then(Value::id);
    exists.then_some(ErrorKind::PropertyExists { id: id.filter(|id| id.len() <= 64 && is_plain(id)) })
}

fn is_plain(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
