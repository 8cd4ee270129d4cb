//! The registration of a client, as it is stored beside its records.

use octo_auth_core::{RecordBytes, Secret};
use zeroize::Zeroizing;

use crate::secret_source::SecretSource;

/// With what a client was registered, so that a program which is started again refreshes with the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The issuer, or the token endpoint.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// Where the client secret is kept; `None` for a public client.
    pub secret: Option<SecretSource>,
}

impl Registration {
    /// Returns the stored form: a line each for issuer and client id, and one for the kind of the secret's source before it.
    /// `None` if a text in it has more than one line.
    pub(crate) fn encode(&self) -> Option<RecordBytes> {
        let (kind, value) = match &self.secret {
            None => ("none", ""),
            Some(SecretSource::Stored(secret)) => ("stored", secret.expose()),
            Some(SecretSource::Environment(variable)) => ("environment", variable.as_str()),
            Some(SecretSource::File(path)) => ("file", path.to_str()?),
        };
        let lines = [self.issuer.as_str(), &self.client_id, kind, value];
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
        let [issuer, client_id, kind, value] = lines[..] else { return None };
        let secret = match kind {
            "none" => None,
            "stored" => Some(SecretSource::Stored(Secret::from(value))),
            "environment" => Some(SecretSource::Environment(value.to_owned())),
            "file" => Some(SecretSource::File(value.into())),
            _ => return None,
        };
        Some(Self { issuer: issuer.to_owned(), client_id: client_id.to_owned(), secret })
    }
}
