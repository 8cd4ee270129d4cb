//! Sign-ins that wait for their callbacks, as a store keeps them.

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

/// A record of a store with some of the sign-ins of one client that wait for their callbacks.
///
/// Records of a store are never removed, so each client has 256 of these and no more: the `state` says in which one a
/// sign-in is kept. One holds 32 sign-ins; a further one takes the place of the oldest, which then cannot end. What is
/// read is changed and written back by compare-and-swap; after a conflict it is read again.
pub struct WaitingSignIns {
    identity: Identity,
    version: Option<Version>,
    sign_ins: Vec<PendingAuthorization>,
    unknown: Unknown,
}

impl WaitingSignIns {
    /// The most sign-ins of one record.
    pub const MOST: usize = 32;

    /// Returns the name of the record of the sign-in with this `state`.
    #[must_use]
    pub fn record_name(client: &Client, state: &Secret) -> RecordName {
        let place = format!("{:02x}", Sha256::digest(state.expose())[0]);
        let lists: [&[&str]; 1] = [&[&place]];
        RecordName::assembled(client.profile().issuer(), client.client_id(), "sign-ins", &place, &lists)
    }

    /// Reads the record of the sign-in with this `state`; `None` is an empty one.
    ///
    /// # Errors
    ///
    /// A [`RecordError`] for a record of another client or of a newer release, and for one that is damaged.
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

    /// Returns the version that was read, which the new content replaces.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Adds a sign-in. Those that are too old go.
    pub fn add(&mut self, pending: &PendingAuthorization, now: Now) {
        self.sign_ins.retain(|own| own.age(now) < PendingAuthorization::LONGEST_AGE);
        if self.sign_ins.len() >= Self::MOST {
            self.sign_ins.remove(0);
        }
        self.sign_ins.push(pending.copy());
    }

    /// Takes a sign-in out; `None` if it is not there, or not any more. It may be used only when the new content was stored.
    pub fn take(&mut self, state: &Secret) -> Option<PendingAuthorization> {
        let is_meant = |own: &PendingAuthorization| same_secret(own.state().expose(), state.expose());
        let place = self.sign_ins.iter().position(is_meant)?;
        Some(self.sign_ins.remove(place))
    }

    /// Returns the content to store.
    #[must_use]
    pub fn content(&self) -> RecordBytes {
        // JSON has no line break of its own.
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

/// How many sign-ins there are, and nothing of them.
impl std::fmt::Debug for WaitingSignIns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.sign_ins.len();
        f.debug_struct("WaitingSignIns")
            .field("name", &self.identity.name)
            .field("count", &count)
            .finish_non_exhaustive()
    }
}
