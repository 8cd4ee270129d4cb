//! External events of a spec: sign-ins, imports, sign-outs, refusals, a replaced client.

use std::sync::Arc;

use super::KeyState;
use super::job::Job;
use super::operation::Operation;
use super::record::{FamilyId, Generation, OperationId};
use super::state::Knowledge;
use crate::answer::CreatedProperty;
use crate::error::{ExchangeError, RequestError};
use crate::exchange::Answer;
use crate::registration::SharedState;
use crate::secret::Secret;
use crate::time::Now;
use crate::token::TokenSet;

/// The tokens with which a spec starts again, from a sign-in, a property creation, a migration, or an import.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Imported {
    /// A refresh token alone, such as Octorate returns with a new property.
    RefreshToken(Secret),
    /// A refresh token from a configuration, imported at each start. It is used only if the record never
    /// contained it, so it never replaces a token that was renewed from it.
    Seed(Secret),
    /// Tokens, with their refresh token if there is one.
    Tokens(TokenSet),
}

impl Imported {
    /// Returns the tokens that an exchange brought for an account. If the exchange failed, it is the refresh
    /// token that was readable in the answer: it may be the only one that the server still accepts.
    pub fn brought_by<T>(outcome: &Result<Answer<T>, ExchangeError>) -> Option<Self>
    where
        for<'a> Self: From<&'a T>,
    {
        match outcome {
            Ok(answer) => Some(Self::from(&answer.value)),
            Err(error) => error.salvaged_refresh_token().cloned().map(Self::RefreshToken),
        }
    }

    fn refresh_token(&self) -> Option<&Secret> {
        match self {
            Self::RefreshToken(secret) | Self::Seed(secret) => Some(secret),
            Self::Tokens(tokens) => tokens.refresh_token.as_ref(),
        }
    }
}

impl From<&TokenSet> for Imported {
    fn from(tokens: &TokenSet) -> Self {
        Self::Tokens(tokens.clone())
    }
}

/// Returns the refresh token that covers the property.
impl From<&CreatedProperty> for Imported {
    fn from(created: &CreatedProperty) -> Self {
        Self::RefreshToken(created.refresh_token.clone())
    }
}

impl From<TokenSet> for Imported {
    fn from(tokens: TokenSet) -> Self {
        Self::Tokens(tokens)
    }
}

impl KeyState {
    /// Records that a resource server refused a token. If that token was already replaced, nothing changes.
    pub(crate) fn refused(&mut self, generation: Generation, now: Now) {
        self.serving.refuse(generation, now);
    }

    /// Begins a token family with the tokens of a sign-in, a property creation, a migration or an import.
    pub(crate) fn import(
        &mut self,
        imported: Imported,
        shared: &mut SharedState,
        now: Now,
    ) -> Result<Option<Job>, RequestError> {
        let is_empty = imported.refresh_token().is_some_and(|token| token.expose().is_empty());
        if is_empty && !matches!(imported, Imported::Tokens(_)) {
            return Err(RequestError::Secret { what: "refresh token" });
        }
        if self.spec.is_client_grant() && imported.refresh_token().is_some() {
            let problem = "belongs to a key of an account; this one is renewed by the client itself";
            return Err(RequestError::Value { what: "refresh token", problem });
        }
        let family = FamilyId::from_bytes(shared.rng.bytes());
        let operation = match imported {
            Imported::Seed(refresh_token) => Operation::Seed { family, refresh_token },
            Imported::RefreshToken(secret) => {
                Operation::SignIn { family, refresh_token: Some(secret), token: None }
            }
            Imported::Tokens(mut tokens) => {
                shared.client.check_issuer(&tokens)?;
                tokens.issuer = shared.requests.issuer.clone();
                let refresh_token = tokens.refresh_token.take().filter(|token| !token.expose().is_empty());
                Operation::SignIn { family, refresh_token, token: Some(Arc::new(tokens)) }
            }
        };
        Ok(self.apply_decision(operation, shared, now))
    }

    /// Returns whether an import would replace another refresh token that may still be valid.
    pub(crate) fn is_occupied_for(&self, imported: &Imported) -> bool {
        let view = self.replica.view();
        let own = view.refresh_token.as_ref().filter(|_| !view.is_dead);
        own.is_some() && own != imported.refresh_token()
    }

    /// Signs the spec out until the next sign-in. Its tokens are revoked if the provider supports that.
    pub(crate) fn sign_out(&mut self, shared: &mut SharedState, now: Now) -> Option<Job> {
        self.apply_decision(Operation::SignOut, shared, now)
    }

    /// Forgets failures that counted against an earlier client, if the client was replaced since the last
    /// look at the spec.
    pub(crate) fn follow_client(&mut self, shared: &SharedState) {
        if std::mem::replace(&mut self.client_epoch, shared.client_epoch) == shared.client_epoch {
            return;
        }
        self.failures.clear();
        self.why_unusable = None;
        self.forgiven = self.replica.view().fingerprint().map(Box::new);
        self.serving.unpublish();
    }

    /// Returns whether the spec has a failure or back-off that ends when the client is replaced.
    pub(crate) fn is_held_up(&self) -> bool {
        self.failures.last().is_some() || self.why_unusable.is_some() || self.replica.view().is_dead
    }

    fn apply_decision(&mut self, operation: Operation, shared: &mut SharedState, now: Now) -> Option<Job> {
        let id = OperationId::next(shared);
        let is_read = self.knowledge == Knowledge::Read;
        let is_needless = is_read && self.replica.effect(id, &operation) == (false, None);
        if operation.is_decision() || is_read && !is_needless {
            self.failures.clear();
            self.why_unusable = None;
            self.serving.forget_refusals();
        }
        if is_needless {
            return None;
        }
        // Only after reading the record is it known whether the seed was imported before.
        let is_held = !is_read && matches!(operation, Operation::Seed { .. });
        self.replica.push(id, operation, is_held);
        self.settle(shared, now);
        self.save_soon(shared, now)
    }
}
