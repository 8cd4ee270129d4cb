//! Sign-ins that wait for their callbacks, as stored in a store.

use std::mem;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::client::Client;
use crate::grant::PendingAuthorization;
use crate::secret::{Secret, same_secret};
use crate::store::{
    Identity, Reader, RecordBytes, RecordError, RecordName, Stored, Unknown, Version, Writer,
};
use crate::time::Now;

/// A record with some of a client's sign-ins that wait for their callbacks.
///
/// A store never deletes records, so each client has exactly 256 of these: the `state` determines in which
/// one a sign-in is kept. A record holds 32 sign-ins. A further one replaces the oldest, which then cannot
/// complete. To change a record, read it, change it, and write it back by compare-and-swap. After a conflict,
/// read it again.
pub struct WaitingSignIns {
    identity: Identity,
    version: Option<Version>,
    sign_ins: Vec<PendingAuthorization>,
    unknown: Unknown,
}

impl WaitingSignIns {
    /// The maximum number of sign-ins in one record.
    pub const MOST: usize = 32;

    /// Returns the name of the record of the sign-in with this `state`.
    #[must_use]
    pub fn record_name(client: &Client, state: &Secret) -> RecordName {
        let place = format!("{:02x}", Sha256::digest(state.expose())[0]);
        let lists: [&[&str]; 1] = [&[&place]];
        RecordName::assembled(client.profile().issuer(), client.client_id(), "sign-ins", &place, &lists)
    }

    /// Decodes the record of the sign-in with this `state`. `None` is an empty record.
    ///
    /// # Errors
    ///
    /// A [`RecordError`] if the record belongs to another client, was written by a newer release, or is
    /// damaged.
    pub fn read(client: &Client, state: &Secret, stored: Option<&Stored>) -> Result<Self, RecordError> {
        let identity = Identity {
            name: Self::record_name(client, state),
            issuer: client.profile().issuer().clone(),
            client_id: client.client_id().into(),
        };
        let mut read = Self { identity, version: None, sign_ins: Vec::new(), unknown: Unknown::default() };
        if let Some(stored) = stored {
            let mut from = Reader::new(&stored.content, &read.identity)?;
            let lines = from.text("sign_ins")?.unwrap_or_default();
            let sign_ins = lines.lines().map(PendingAuthorization::from_json).collect::<Option<Vec<_>>>();
            read.sign_ins = sign_ins.ok_or(RecordError::Malformed("sign_ins"))?;
            read.unknown = from.rest();
            read.version = Some(stored.version);
        }
        Ok(read)
    }

    /// Returns the name of the record.
    #[must_use]
    pub fn name(&self) -> &RecordName {
        &self.identity.name
    }

    /// Returns the version that was read, which the new content must replace.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Adds a sign-in, and removes those that are too old.
    pub fn add(&mut self, pending: &PendingAuthorization, now: Now) {
        self.sign_ins.retain(|own| own.age(now) < PendingAuthorization::LONGEST_AGE);
        if self.sign_ins.len() >= Self::MOST {
            self.sign_ins.remove(0);
        }
        self.sign_ins.push(pending.copy());
    }

    /// Removes a sign-in and returns it; `None` if it is not in the record. Use it only after the new content
    /// was stored.
    pub fn take(&mut self, state: &Secret) -> Option<PendingAuthorization> {
        let is_meant = |own: &PendingAuthorization| same_secret(own.state().expose(), state.expose());
        let place = self.sign_ins.iter().position(is_meant)?;
        Some(self.sign_ins.remove(place))
    }

    /// Returns the content to store.
    #[must_use]
    pub fn content(&self) -> RecordBytes {
        // JSON itself contains no line break here.
        let mut lines = Zeroizing::new(String::new());
        for sign_in in &self.sign_ins {
            let line = sign_in.to_json();
            let mut longer = Zeroizing::new(String::with_capacity(lines.len() + line.expose().len() + 1));
            longer.push_str(&lines);
            longer.push_str(line.expose());
            longer.push('\n');
            drop(mem::replace(&mut lines, longer));
        }
        let mut to = Writer::new(&self.identity);
        to.text("sign_ins", &lines);
        to.finish(&self.unknown)
    }
}

/// Shows only the number of sign-ins.
impl std::fmt::Debug for WaitingSignIns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.sign_ins.len();
        f.debug_struct("WaitingSignIns")
            .field("name", &self.identity.name)
            .field("count", &count)
            .finish_non_exhaustive()
    }
}
