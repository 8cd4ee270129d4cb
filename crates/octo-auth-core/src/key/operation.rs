//! The operations on a record. Each one defines to which records it applies. Applied to any other record, it
//! changes nothing.
//!
//! | operation | applies to | effect |
//! |---|---|---|
//! | `SignIn` | records that have not yet applied it and have neither its refresh token nor the one that replaced it | a new family |
//! | `SignOut` | records that have not yet applied it | no tokens until the next sign-in |
//! | `Seed` | records that have not yet applied it and never had its refresh token | a new family |
//! | `Begin` | the record with its refresh token | the attempt is open; if another one was open, it is in doubt |
//! | `End` | the record in which its attempt is open | the attempt is closed: its request was not sent, or clearly refused |
//! | `Renewed` | the record with the refresh token that was sent, or with one that an earlier attempt got for it | the new tokens |
//! | `Dead` | the record with its refresh token, unless a later attempt was answered | only a sign-in helps |
//! | `Pause` | the record of the sign-in that its request was about | no request before a moment, whatever the answers until then |

use std::sync::Arc;

use super::record::{Attempt, FamilyId, Fingerprint, OperationId, Pause, Record};
use crate::secret::Secret;
use crate::token::TokenSet;

/// One change of a record.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    SignIn {
        family: FamilyId,
        refresh_token: Option<Secret>,
        token: Option<Arc<TokenSet>>,
    },
    SignOut,
    Seed {
        family: FamilyId,
        refresh_token: Secret,
    },
    Begin {
        from: Fingerprint,
        attempt: Attempt,
    },
    End {
        attempt: OperationId,
    },
    Renewed(Renewed),
    Dead {
        from: Fingerprint,
        attempt: Attempt,
    },
    /// `over` is an earlier pause that had ended by the boot clock of this process.
    Pause {
        origin: Origin,
        pause: Pause,
        over: Option<Pause>,
    },
}

/// The content of an answer with tokens.
#[derive(Debug, Clone)]
pub(crate) struct Renewed {
    pub(crate) origin: Origin,
    /// The refresh token, if the answer had one.
    pub(crate) refresh_token: Option<Secret>,
    /// The access token, if the answer had one that has not expired.
    pub(crate) token: Option<Arc<TokenSet>>,
    /// A pause that had ended by the boot clock of this process. A wall clock that is set back must not start
    /// it again.
    pub(crate) over: Option<Pause>,
}

/// The request that an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// A refresh by this attempt, with a refresh token of the family.
    Refresh { family: FamilyId, from: Fingerprint, attempt: Attempt },
    /// A client grant, requested while the record held a token of `over`. The new token begins its own
    /// family.
    Client { over: FamilyId, family: FamilyId, number: u64 },
}

impl Operation {
    /// Returns the refresh token that the operation replaces.
    pub(crate) fn replaces(&self) -> Option<Fingerprint> {
        match self {
            Self::Renewed(Renewed {
                origin: Origin::Refresh { from, .. }, refresh_token: Some(_), ..
            }) => Some(*from),
            _ => None,
        }
    }

    /// Returns whether the operation decides who is signed in.
    pub(crate) fn is_decision(&self) -> bool {
        matches!(self, Self::SignIn { .. } | Self::SignOut)
    }
}

impl Record {
    /// Applies an operation that the record does not contain yet. Returns a token that is no longer needed
    /// and can be revoked.
    pub(crate) fn apply(&mut self, id: OperationId, operation: &Operation) -> Option<Secret> {
        match operation {
            Operation::SignIn { refresh_token: Some(token), token: None, .. } if self.holds(token) => None,
            Operation::SignIn { family, refresh_token, token } => {
                self.history.apply(id);
                self.begin_family(*family, refresh_token.clone(), token.clone())
            }
            Operation::Seed { family, refresh_token } => {
                let is_known = self.refresh_token.as_ref() == Some(refresh_token)
                    || self.history.has_used(refresh_token);
                // The seed may be imported at each start, long after its successors were replaced.
                self.history.note_seed(refresh_token);
                if is_known {
                    return None;
                }
                self.history.apply(id);
                self.begin_family(*family, Some(refresh_token.clone()), None)
            }
            Operation::SignOut => {
                self.history.apply(id);
                let token = self.token.as_ref().map(|token| token.access_token().as_secret().clone());
                let removed = self.living_refresh_token().or(token);
                self.reset();
                self.signed_out = true;
                removed
            }
            Operation::Begin { from, attempt } => {
                if self.fingerprint() == Some(*from) {
                    self.in_doubt |= self.attempt.as_ref().is_some_and(|open| open.id != attempt.id);
                    self.attempt = Some(Box::new(*attempt));
                    self.attempts = self.attempts.max(attempt.number);
                }
                None
            }
            Operation::End { attempt } => {
                self.attempt.take_if(|open| open.id == *attempt);
                None
            }
            Operation::Renewed(renewed) => self.apply_renewed(renewed),
            Operation::Dead { from, attempt } => {
                if self.fingerprint() == Some(*from) && !self.has_answer_since(attempt) {
                    self.attempt.take_if(|open| open.id == attempt.id);
                    self.is_dead = true;
                }
                None
            }
            Operation::Pause { origin, pause, over } => {
                let is_meant = match origin {
                    Origin::Refresh { family, .. } => self.family == *family,
                    Origin::Client { .. } => !self.signed_out,
                };
                let is_longer = |own: &Pause| Some(*own) == *over || own.until < pause.until;
                if is_meant && self.pause.as_deref().is_none_or(is_longer) {
                    self.pause = Some(Box::new(*pause));
                }
                None
            }
        }
    }

    /// Returns the refresh token unless it is dead.
    fn living_refresh_token(&self) -> Option<Secret> {
        self.refresh_token.clone().filter(|_| !self.is_dead)
    }

    /// Returns whether the record's living refresh token is this one, or replaced this one: two processes may
    /// have signed in with the same one.
    fn holds(&self, refresh_token: &Secret) -> bool {
        let is_parent = self.parent == Some(Fingerprint::of(refresh_token));
        !self.is_dead && (is_parent || self.refresh_token.as_ref() == Some(refresh_token))
    }

    /// Returns whether the attempt, or one that began later, was answered with tokens. After a store lost its
    /// last writes, two attempts can have the same number.
    fn has_answer_since(&self, attempt: &Attempt) -> bool {
        self.answered >= attempt.number
    }

    fn apply_renewed(&mut self, renewed: &Renewed) -> Option<Secret> {
        let number = match renewed.origin {
            Origin::Client { over, family, number } => {
                // The present token keeps its generation if the answer has no token.
                if self.signed_out || self.family != over || renewed.token.is_none() {
                    return None;
                }
                (self.family, self.attempts) = (family, number);
                number
            }
            Origin::Refresh { family, from, attempt } => {
                let is_from_present = self.fingerprint() == Some(from);
                // Of two successors of one refresh token, the one that was requested last is newer.
                let is_from_parent = self.parent == Some(from) && !self.has_answer_since(&attempt);
                if !is_from_present && !is_from_parent {
                    let token = renewed.token.as_ref().map(|token| token.access_token().as_secret().clone());
                    let is_gone = self.family != family;
                    return renewed.refresh_token.clone().or(token).filter(|_| is_gone);
                }
                self.close(&attempt);
                attempt.number
            }
        };
        self.take_refresh_token(renewed);
        self.pause.take_if(|pause| Some(**pause) == renewed.over);
        let is_newer = matches!(renewed.origin, Origin::Client { .. }) || number >= self.number;
        if let Some(token) = renewed.token.as_ref().filter(|_| is_newer) {
            (self.token, self.number, self.is_clamped) = (Some(token.clone()), number, false);
        }
        self.answered = self.answered.max(number);
        None
    }

    /// Closes an attempt that was answered with tokens. A later attempt may have replaced the refresh token
    /// since.
    fn close(&mut self, attempt: &Attempt) {
        self.attempt.take_if(|open| open.id == attempt.id);
        self.attempts = self.attempts.max(attempt.number);
        if attempt.number == self.attempts {
            self.in_doubt = false;
        }
        self.is_dead = false;
    }

    /// Replaces the present refresh token by the one in the answer.
    fn take_refresh_token(&mut self, renewed: &Renewed) {
        let Some(new) = renewed.refresh_token.clone().filter(|new| self.refresh_token.as_ref() != Some(new))
        else {
            return;
        };
        if let Origin::Refresh { from, .. } = renewed.origin {
            self.parent = Some(from);
        }
        if let Some(old) = self.refresh_token.replace(new) {
            self.history.note_used(&old);
        }
        (self.attempt, self.in_doubt) = (None, false);
    }

    /// Begins a family. If the refresh token is the same as before, its access token and its attempts are
    /// kept.
    fn begin_family(
        &mut self,
        family: FamilyId,
        refresh_token: Option<Secret>,
        token: Option<Arc<TokenSet>>,
    ) -> Option<Secret> {
        let is_same = refresh_token.is_some() && refresh_token == self.refresh_token;
        let removed = self.living_refresh_token().filter(|_| !is_same);
        let kept = (self.token.take(), self.attempt.take(), self.in_doubt, self.parent);
        self.reset();
        self.family = family;
        self.refresh_token = refresh_token;
        self.token = token;
        if is_same {
            let (kept_token, attempt, in_doubt, parent) = kept;
            self.token = self.token.take().or(kept_token);
            (self.attempt, self.in_doubt, self.parent) = (attempt, in_doubt, parent);
        }
        self.number = u64::from(self.token.is_some());
        self.attempts = self.attempt.as_ref().map_or(self.number, |open| open.number.max(self.number));
        removed
    }

    /// Clears the record, except the history of what must not happen twice.
    fn reset(&mut self) {
        let mut history = std::mem::take(&mut self.history);
        if let Some(refresh_token) = &self.refresh_token {
            history.note_used(refresh_token);
        }
        let unknown = std::mem::take(&mut self.unknown);
        *self = Self { history, unknown, ..Self::default() };
    }
}
