//! Tokens that the provider must still revoke. They are kept in the store until that is done.

use octo_auth_core::{RecordBytes, RecordName, Saved, Secret, Store, Version};
use octo_auth_store_file::FileStore;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::record::unreadable;
use crate::stored::Stored;

/// The word in the name of such a record, in place of the grant.
const KIND: &str = "revocation";

/// The tokens of one token spec that must be revoked.
pub(crate) struct Revocations<'s> {
    store: &'s FileStore,
    name: RecordName,
}

impl<'s> Revocations<'s> {
    /// Creates the value for the token spec with this record.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if the name of the record cannot be built.
    pub(crate) fn of(stored: &'s Stored, record: &RecordName) -> Result<Self, Failure> {
        Ok(Self { store: &stored.store, name: Self::name(record)? })
    }

    /// Returns the name of the record.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if the name cannot be built.
    pub(crate) fn name(record: &RecordName) -> Result<RecordName, Failure> {
        let unnamed =
            || Failure::new(Exit::Configuration, "the name of the account is too long for a record");
        let parts: Vec<&str> = record.as_str().rsplitn(4, '.').collect();
        let [digest, readable, _, registration] = parts[..] else { return Err(unnamed()) };
        RecordName::parse(&format!("{registration}.{KIND}.{readable}.{digest}")).map_err(|_| unnamed())
    }

    /// Adds a token, unless it is already there.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if it cannot be stored.
    pub(crate) fn add(&self, token: &Secret) -> Result<(), Failure> {
        self.change(|tokens| {
            if !tokens.contains(token) {
                tokens.push(token.clone());
            }
        })
    }

    /// Revokes each token at the provider. Returns the count.
    ///
    /// # Errors
    ///
    /// Returns the [`Failure`] of the first token that was not revoked. That token and the later ones stay stored.
    pub(crate) fn carry_out(
        &self,
        mut revoke: impl FnMut(&Secret) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        let (_, tokens) = self.load()?;
        for token in &tokens {
            revoke(token)?;
            self.change(|tokens| tokens.retain(|own| own != token))?;
        }
        Ok(tokens.len())
    }

    /// Changes the tokens. Repeats the change if another process changed them meanwhile.
    fn change(&self, change: impl Fn(&mut Vec<Secret>)) -> Result<(), Failure> {
        loop {
            let (version, mut tokens) = self.load()?;
            let before = tokens.clone();
            change(&mut tokens);
            if tokens == before {
                return Ok(());
            }
            let saved = self.store.compare_and_swap(&self.name, version, &encode(&tokens));
            if let Saved::Done(_) = saved.map_err(|error| unreadable(&error))? {
                return Ok(());
            }
        }
    }

    fn load(&self) -> Result<(Option<Version>, Vec<Secret>), Failure> {
        let stored = self.store.load(&self.name).map_err(|error| unreadable(&error))?;
        Ok(stored.map_or((None, Vec::new()), |stored| (Some(stored.version), decode(&stored.content))))
    }
}

/// Whether a record holds tokens to revoke, not tokens to serve.
pub(crate) fn is_one(name: &RecordName) -> bool {
    name.as_str().rsplit('.').nth(2) == Some(KIND)
}

/// Returns the count of tokens in such a record.
pub(crate) fn count(content: &RecordBytes) -> usize {
    decode(content).len()
}

fn encode(tokens: &[Secret]) -> RecordBytes {
    let tokens: Vec<&str> = tokens.iter().map(Secret::expose).collect();
    RecordBytes::from(json!({"v": 1, "tokens": tokens}).to_string().into_bytes())
}

fn decode(content: &RecordBytes) -> Vec<Secret> {
    let read: Option<Value> = serde_json::from_slice(content.as_ref()).ok();
    let tokens = read.as_ref().and_then(|read| read.get("tokens")?.as_array());
    let text = |token: &Value| token.as_str().map(|text| Secret::from(&**Zeroizing::new(text.to_owned())));
    tokens.into_iter().flatten().filter_map(text).collect()
}
