//! Adding a sign-in to a store and removing it, while other replicas do the same.

use super::waiting::WaitingSignIns;
use crate::client::Client;
use crate::grant::PendingAuthorization;
use crate::secret::Secret;
use crate::store::{RecordBytes, RecordName, StoreError, Stored, Version};
use crate::time::Now;

/// How often to write a record again after conflicts with other replicas.
const ATTEMPTS: usize = 16;

/// A change of the record that contains a waiting sign-in.
///
/// The caller loads the record of [`Change::name`] and writes the result of [`Change::write`] by
/// compare-and-swap. After a conflict it calls `write` again with the content stored now. The change is done
/// when the content was stored.
#[derive(Debug)]
pub struct Change {
    client: Client,
    state: Secret,
    name: RecordName,
    added: Option<(PendingAuthorization, Now)>,
    taken: Option<PendingAuthorization>,
    attempts: usize,
}

impl Change {
    /// Adds a sign-in.
    #[must_use]
    pub fn add(client: &Client, pending: PendingAuthorization, now: Now) -> Self {
        let state = pending.state().clone();
        Self { added: Some((pending, now)), ..Self::take(client, state) }
    }

    /// Removes the sign-in with this `state`.
    #[must_use]
    pub fn take(client: &Client, state: Secret) -> Self {
        let name = WaitingSignIns::record_name(client, &state);
        Self { client: client.clone(), state, name, added: None, taken: None, attempts: 0 }
    }

    /// Returns the name of the record to load.
    #[must_use]
    pub fn name(&self) -> &RecordName {
        &self.name
    }

    /// Returns the version to replace and the content to write; `None` if there is no such sign-in to remove.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the record cannot be used, and after 16 conflicts.
    pub fn write(
        &mut self,
        stored: Option<&Stored>,
    ) -> Result<Option<(Option<Version>, RecordBytes)>, StoreError> {
        if self.attempts == ATTEMPTS {
            return Err(StoreError::new("the record of the sign-ins is changed all the time; try again"));
        }
        self.attempts += 1;
        let mut sign_ins = WaitingSignIns::read(&self.client, &self.state, stored)?;
        match &self.added {
            Some((pending, now)) => sign_ins.add(pending, *now),
            None => {
                self.taken = sign_ins.take(&self.state);
                if self.taken.is_none() {
                    return Ok(None);
                }
            }
        }
        Ok(Some((sign_ins.version(), sign_ins.content())))
    }

    /// Returns the removed sign-in. Call it after the content was stored.
    #[must_use]
    pub fn taken(self) -> Option<PendingAuthorization> {
        self.taken
    }
}
