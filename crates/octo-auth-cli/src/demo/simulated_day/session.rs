//! The tokens of one account, managed by either adapter.

use octo_auth_core::{
    Client, Freshness, Generation, Imported, RequestError, Status, Token, TokenError, TokenSpec,
};
use tokio::runtime::Runtime;

use super::Simulated;
use crate::demo::stopped::Stopped;

/// The tokens of one account.
pub(crate) enum Session<'a> {
    Async { runtime: &'a Runtime, tokens: octo_auth_async::TokenSource, changes: octo_auth_async::Changes },
    Blocking { tokens: octo_auth_blocking::TokenSource, changes: octo_auth_blocking::Changes },
}

impl<'a> Session<'a> {
    pub(crate) fn asynchronous(
        runtime: &'a Runtime,
        client: Client,
        clock: Simulated,
    ) -> Result<Self, Stopped> {
        let manager = octo_auth_async::TokenManager::builder(client).clock(clock).build()?;
        let tokens = manager.tokens(TokenSpec::account("17"))?;
        Ok(Self::Async { runtime, tokens, changes: manager.changes() })
    }

    pub(crate) fn blocking(client: Client, clock: Simulated) -> Result<Self, Stopped> {
        let manager = octo_auth_blocking::TokenManager::builder(client).clock(clock).build()?;
        let tokens = manager.tokens(TokenSpec::account("17"))?;
        Ok(Self::Blocking { tokens, changes: manager.changes() })
    }

    pub(super) fn get(&self) -> Result<Token, TokenError> {
        match self {
            Self::Async { runtime, tokens, .. } => runtime.block_on(tokens.get()),
            Self::Blocking { tokens, .. } => tokens.get(),
        }
    }

    pub(super) fn import(&self, imported: Imported) -> Result<(), RequestError> {
        match self {
            Self::Async { runtime, tokens, .. } => runtime.block_on(tokens.import(imported)),
            Self::Blocking { tokens, .. } => tokens.import(imported),
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

    /// Waits until a refresh in the background has ended, with either adapter.
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
