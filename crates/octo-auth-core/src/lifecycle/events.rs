//! What happens to a key from outside: refusals, adoptions, sign-outs, new settings.

use std::time::Duration;

use super::Lifecycle;
use super::flight::{Leg, UnderWay, Why};
use super::job::Job;
use super::record::{Decided, Failed, Fingerprint, Generation, Lineage, Record};
use super::setback::doubled;
use super::view::Knowledge;
use crate::accounts::Registration;
use crate::answer::CreatedProperty;
use crate::error::{ExchangeError, RequestError};
use crate::exchange::Answer;
use crate::secret::Secret;
use crate::time::Now;
use crate::token::TokenSet;

/// The first and the longest time for which forcing is closed.
const FORCING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));

/// A generation that lived half its lifetime, or so long, unrefused shows that refusals are not the rule.
const PROVEN: Duration = Duration::from_secs(15 * 60);

/// What a key begins anew with: the outcome of a sign-in, a property creation, a migration, or an import.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Adopted {
    /// A refresh token alone, such as Octorate gives with a new property.
    RefreshToken(Secret),
    /// Tokens, with their refresh token if they have one.
    Tokens(TokenSet),
}

impl Adopted {
    /// What an exchange brought for an account; of one that failed, the refresh token that could be read in its answer
    /// all the same: it may be the only one the server still takes.
    pub fn brought_by<T>(outcome: &Result<Answer<T>, ExchangeError>) -> Option<Self>
    where
        for<'a> Self: From<&'a T>,
    {
        match outcome {
            Ok(answer) => Some(Self::from(&answer.value)),
            Err(error) => error.salvaged_refresh_token().cloned().map(Self::RefreshToken),
        }
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::RefreshToken(secret) => Some(Fingerprint::of(secret)),
            Self::Tokens(tokens) => tokens.refresh_token.as_ref().map(Fingerprint::of),
        }
    }
}

impl From<&TokenSet> for Adopted {
    fn from(tokens: &TokenSet) -> Self {
        Self::Tokens(tokens.clone())
    }
}

/// The refresh token that covers the property.
impl From<&CreatedProperty> for Adopted {
    fn from(created: &CreatedProperty) -> Self {
        Self::RefreshToken(created.refresh_token.clone())
    }
}

impl From<TokenSet> for Adopted {
    fn from(tokens: TokenSet) -> Self {
        Self::Tokens(tokens)
    }
}

/// Whether a resource server's refusal may cause a renewal before it is due.
///
/// A forced renewal that the token endpoint answered closes forcing for 60 s, doubling to 15 min. So a server that
/// refuses every token costs one renewal a minute at first, while a passing failure of the endpoint pins no revoked
/// token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forcing {
    closed_until: Duration,
    closed_so_often: u32,
}

impl Forcing {
    pub(super) fn is_open(&self, now: Now) -> bool {
        self.closed_until <= now.boot
    }

    pub(super) fn opens(&self) -> Duration {
        self.closed_until
    }

    pub(super) fn close(&mut self, now: Now) {
        let lasts = doubled(FORCING.0, self.closed_so_often, FORCING.1);
        self.closed_so_often = self.closed_so_often.saturating_add(1);
        self.closed_until = now.boot.saturating_add(lasts);
    }
}

impl Lifecycle {
    /// Takes note that a resource server refused a generation. One that was replaced already changes nothing.
    pub(crate) fn refused(&mut self, generation: Generation, now: Now) {
        let Some(current) = self.current.as_ref().filter(|current| current.generation == generation) else {
            return;
        };
        if self.is_refused {
            return;
        }
        let half = current.validity.lifetime().map_or(PROVEN, |lifetime| (lifetime / 2).min(PROVEN));
        if current.validity.age(now) >= half {
            self.forcing = Forcing::default();
        }
        self.is_refused = true;
        self.published = None;
    }

    /// Begins anew with what a sign-in, a creation, a migration or an import gave.
    pub(crate) fn adopt(
        &mut self,
        adopted: Adopted,
        registration: &mut Registration,
        now: Now,
    ) -> Result<Option<Job>, RequestError> {
        let (token, refresh_token) = match adopted {
            Adopted::RefreshToken(secret) if secret.expose().is_empty() => {
                return Err(RequestError::Secret { what: "refresh token" });
            }
            Adopted::RefreshToken(secret) => (None, Some(secret)),
            Adopted::Tokens(mut tokens) => {
                registration.client.check_issuer(&tokens)?;
                let refresh_token = tokens.refresh_token.take();
                (Some(tokens), refresh_token)
            }
        };
        if self.key.is_client_grant() && refresh_token.is_some() {
            let problem = "belongs to a key of an account; this one is renewed by the client itself";
            return Err(RequestError::Value { what: "refresh token", problem });
        }
        self.decide_anew();
        let lineage = Lineage::from_bytes(registration.dice.bytes());
        // The same refresh token again: what is under way with it is under way still, and its token still works.
        let (doubt_until, doubt_is_ours) = (self.doubt_until, self.doubt_is_ours);
        let fingerprint = refresh_token.as_ref().map(Fingerprint::of);
        let pending = self.record.attempt().copied().filter(|own| Some(own.refresh_token) == fingerprint);
        let is_same = fingerprint.is_some() && fingerprint == self.record.fingerprint();
        let token = token.or_else(|| self.record.token.clone().filter(|_| is_same));
        let generation = Generation { lineage, number: u64::from(token.is_some()) };
        let record = Record { generation, token, refresh_token, pending, ..Record::default() };
        self.begin_anew(record, registration, now);
        if pending.is_some() {
            (self.doubt_until, self.doubt_is_ours) = (doubt_until, doubt_is_ours);
        }
        Ok(self.save_soon(registration, now))
    }

    /// Whether this would take the place of another refresh token that may still be good.
    pub(crate) fn is_occupied_for(&self, adopted: &Adopted) -> bool {
        let own = self.record.fingerprint().filter(|_| self.record.terminal.is_none());
        own.is_some() && own != adopted.fingerprint()
    }

    /// Ends the key until a new sign-in; what it held is revoked where the provider can.
    pub(crate) fn sign_out(&mut self, registration: &mut Registration, now: Now) -> Option<Job> {
        self.decide_anew();
        let record = std::mem::take(&mut self.record);
        let token = record.token.map(|tokens| tokens.access_token().as_secret().clone());
        let revoked = record.refresh_token.or(token);
        let ended = self.decided.as_ref().and_then(Decided::stored).unwrap_or(record.generation);
        let generation = Generation { number: ended.number.saturating_add(1), ..ended };
        self.begin_anew(Record { generation, signed_out: true, ..Record::default() }, registration, now);
        self.revoke_later(revoked, record.parent);
        self.save_soon(registration, now)
    }

    /// Takes note that the client was replaced: what was held against the old one is forgotten.
    pub(crate) fn client_replaced(&mut self) {
        self.setbacks.clear();
        self.record.terminal = None;
        self.refusal = None;
        self.published = None;
        let Some(UnderWay { flight, leg, .. }) = &mut self.flight else { return };
        match leg {
            Leg::Sending { .. } => flight.is_for_earlier_client = true,
            // That refusal is held against nobody any more, whatever the store says of it.
            Leg::Reading(Why::AfterRefusal { refresh_token, .. }) => {
                *refresh_token = None;
                self.record.attempt_failed(Failed::Clearly);
            }
            _ => {}
        }
    }

    /// Takes note that a sign-in or sign-out takes the place of what is held, and of what is stored as far as that is
    /// known.
    fn decide_anew(&mut self) {
        let is_held = self.version.is_some() || self.decided.is_some();
        let replaced = is_held.then_some(self.record.generation);
        let is_read = self.knowledge == Knowledge::Read;
        self.decided = Some(Decided::new(replaced, is_read, self.decided.take()));
    }

    fn begin_anew(&mut self, record: Record, registration: &mut Registration, now: Now) {
        self.put(record, registration, now);
        self.setbacks.clear();
        self.forcing = Forcing::default();
        self.refusal = None;
    }
}
