//! The registration of a client, stored beside its records.

use std::collections::BTreeMap;

use octo_auth_core::RecordBytes;
use octo_auth_store_kit::SecretSource;
use zeroize::Zeroizing;

/// The settings with which a client was registered. A restarted program reads them and refreshes with the same client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The issuer, or the token endpoint.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The source of the client secret; `None` for a public client.
    pub secret: Option<SecretSource>,
    /// Further settings by name, such as the profile: all that the program needs to build the same client again. A name
    /// must not contain a space.
    pub settings: BTreeMap<String, String>,
}

impl Registration {
    /// Returns the stored form: one line each for the issuer, the client id, the kind of the secret's source, the
    /// source, and each setting. Returns `None` if a text has more than one line, or if the name of a setting contains
    /// a space.
    pub(crate) fn encode(&self) -> Option<RecordBytes> {
        let (kind, value) = match &self.secret {
            None => ("none", ""),
            Some(source) => source.kind_and_value()?,
        };
        if self.settings.keys().any(|name| name.contains(' ')) {
            return None;
        }
        let settings: Vec<String> =
            self.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let registered = [self.issuer.as_str(), &self.client_id, kind, value];
        let lines: Vec<&str> = registered.into_iter().chain(settings.iter().map(String::as_str)).collect();
        if lines.iter().any(|line| line.contains('\n')) {
            return None;
        }
        let length: usize = lines.iter().map(|line| line.len() + 1).sum();
        let mut text = Zeroizing::new(String::with_capacity(length));
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        Some(RecordBytes::from(text.as_bytes()))
    }

    pub(crate) fn decode(content: &RecordBytes) -> Option<Self> {
        let text = std::str::from_utf8(content.as_ref()).ok()?.strip_suffix('\n')?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [issuer, client_id, kind, value, ref settings @ ..] = lines[..] else { return None };
        let setting =
            |line: &&str| line.split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = settings.iter().map(setting).collect::<Option<_>>()?;
        let secret = if kind == "none" { None } else { Some(SecretSource::of_kind(kind, value)?) };
        Some(Self { issuer: issuer.to_owned(), client_id: client_id.to_owned(), secret, settings })
    }
}
