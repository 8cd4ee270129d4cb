//! The tokens of one account, kept by either adapter.

use octo_auth_core::{Adopted, Client, Failure, Freshness, Generation, Key, RequestError, Status, Token};
use tokio::runtime::Runtime;

use super::Simulated;
use crate::demo::stopped::Stopped;

/// The tokens of one account.
pub(crate) enum Life<'a> {
    Async { runtime: &'a Runtime, tokens: octo_auth_async::Tokens, changes: octo_auth_async::Changes },
    Blocking { tokens: octo_auth_blocking::Tokens, changes: octo_auth_blocking::Changes },
}

impl<'a> Life<'a> {
    pub(crate) fn asynchronous(
        runtime: &'a Runtime,
        client: Client,
        clock: Simulated,
    ) -> Result<Self, Stopped> {
        let accounts = octo_auth_async::Accounts::builder(client).clock(clock).build()?;
        let tokens = accounts.tokens(Key::account("17"))?;
        Ok(Self::Async { runtime, tokens, changes: accounts.changes() })
    }

    pub(crate) fn blocking(client: Client, clock: Simulated) -> Result<Self, Stopped> {
        let accounts = octo_auth_blocking::Accounts::builder(client).clock(clock).build()?;
        let tokens = accounts.tokens(Key::account("17"))?;
        Ok(Self::Blocking { tokens, changes: accounts.changes() })
    }

    pub(super) fn get(&self) -> Result<Token, Failure> {
        match self {
            Self::Async { runtime, tokens, .. } => runtime.block_on(tokens.get()),
            Self::Blocking { tokens, .. } => tokens.get(),
        }
    }

    pub(super) fn adopt(&self, adopted: Adopted) -> Result<(), RequestError> {
        match self {
            Self::Async { runtime, tokens, .. } => runtime.block_on(tokens.adopt(adopted)),
            Self::Blocking { tokens, .. } => tokens.adopt(adopted),
        }
    }

    pub(super) fn refused(&self, generation: Generation) {
        match self {
            Self::Async { tokens, .. } => tokens.refused(generation),
            Self::Blocking { tokens, .. } => tokens.refused(generation),
        }
    }

    pub(super) fn sign_out(&self) {
        match self {
            Self::Async { runtime, tokens, .. } => runtime.block_on(tokens.sign_out()),
            Self::Blocking { tokens, .. } => tokens.sign_out(),
        }
    }

    pub(super) fn generation(&self) -> Option<Generation> {
        self.status()?.token.map(|token| token.generation())
    }

    pub(super) fn is_due(&self) -> bool {
        self.status().is_some_and(|status| status.freshness == Freshness::Stale)
    }

    /// Lets a renewal that goes on beside its callers end: each tells how it ended.
    pub(super) fn settle(&mut self) {
        while self.status().is_some_and(|status| status.in_flight) {
            let told = match self {
                Self::Async { runtime, changes, .. } => runtime.block_on(changes.next()),
                Self::Blocking { changes, .. } => changes.next(),
            };
            if told.is_none() {
                return;
            }
        }
    }

    fn status(&self) -> Option<Status> {
        match self {
            Self::Async { tokens, .. } => tokens.status(),
            Self::Blocking { tokens, .. } => tokens.status(),
        }
    }
}
