//! [`ProviderCall`]: a call of a provider as a value that says what to do next.
//!
//! A request whose token was refused is sent once more, with another token. If there is no other token, the
//! result is the provider's answer, with the reason why there is none.

use std::fmt;
use std::sync::Arc;

use crate::authorizer::{Action, another};
use crate::error::{ApiError, CallError, ExchangeError, OnboardingError, Remedy, RenewalFailure};
use crate::exchange::{Answer, Exchange, Reply};
use crate::failure::TokenError;
use crate::key::{Generation, Imported, Status, Token};

/// The next step of a call of a provider.
///
/// Carry out the step, pass its outcome in, and continue with the returned step, until it is
/// [`ProviderCall::Done`]:
///
/// ```
/// use octo_auth_core::provider::ProviderCall;
/// use octo_auth_core::{Answer, Exchange, ExchangeError, Generation, Imported, OnboardingError, Reply, Status, Token, TokenError};
///
/// /// What an adapter offers for one key.
/// trait TokenSource {
///     fn get(&self) -> Result<Token, TokenError>;
///     fn status(&self) -> Option<Status>;
///     fn refused(&self, generation: Generation);
///     fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError>;
///     fn import(&self, brought: Imported, replaces: bool) -> Result<(), OnboardingError>;
/// }
///
/// /// Carries out a call with the tokens of one key, importing what it brings into another, or the same.
/// fn drive<T: Reply, E>(mut call: ProviderCall<'_, T, E>, from: &impl TokenSource, into: &impl TokenSource) -> Result<Answer<T>, E>
/// where
///     E: From<octo_auth_core::CallError> + From<ExchangeError>,
/// {
///     loop {
///         call = match call {
///             ProviderCall::ReadRecord(next) => next.after_reading(into.get().err(), into.status()),
///             ProviderCall::GetToken(wanted) => wanted.got(from.get(), || from.status()),
///             ProviderCall::Report(generation, next) => {
///                 from.refused(generation);
///                 *next
///             }
///             ProviderCall::Run(exchange, sent) => {
///                 let outcome = from.run(exchange);
///                 let brought = sent.import().brought_by(&outcome);
///                 let placed = brought.map_or(Ok(()), |brought| into.import(brought, sent.import().replaces()));
///                 sent.answered(outcome, placed)
///             }
///             ProviderCall::Done(result) => return result,
///         }
///     }
/// }
/// ```
#[must_use = "a call does nothing until its steps are carried out"]
pub enum ProviderCall<'a, T: Reply, E = ApiError> {
    /// Ask for the token of the spec that is imported into, so that its record is read. Then call
    /// [`ProviderCall::after_reading`].
    ReadRecord(Box<ProviderCall<'a, T, E>>),
    /// Get a token. Then call [`TokenWanted::got`].
    GetToken(TokenWanted<'a, T, E>),
    /// Report this generation as refused, and continue with the next step.
    Report(Generation, Box<ProviderCall<'a, T, E>>),
    /// Run this exchange. Import its tokens ([`RequestSent::import`]) at once, so that they cannot be lost.
    /// Then call [`RequestSent::answered`].
    Run(Exchange<T>, RequestSent<'a, T, E>),
    /// Return this result.
    Done(Result<Answer<T>, E>),
}

/// A call that waits for a token.
pub struct TokenWanted<'a, T: Reply, E> {
    build: Build<'a, T>,
    terms: Terms<T, E>,
    /// The refused generation and the answer of the refusal; `None` before the first request.
    refused: Option<(Generation, Ended<T>)>,
}

/// A call that waits for the outcome of its request.
pub struct RequestSent<'a, T: Reply, E> {
    terms: Terms<T, E>,
    /// `None` for a request without a token.
    attempt: Option<Attempt<'a, T>>,
}

/// The tokens that an exchange returns for an account, and whether they replace the account's tokens.
pub struct Import<T> {
    brings: fn(&Result<Answer<T>, ExchangeError>) -> Option<Imported>,
    replaces: bool,
}

/// Builds the exchange that is sent with a token.
type Build<'a, T> = Box<dyn FnMut(&Token) -> Result<Exchange<T>, CallError> + Send + 'a>;

/// Computes the result of a call from its answer and from the outcome of the import.
type Finish<T, E> = fn(Answer<T>, Result<(), OnboardingError>) -> Result<Answer<T>, E>;

/// What a call imports, and how its result is computed.
pub(crate) struct Terms<T, E> {
    pub(crate) import: Import<T>,
    pub(crate) finish: Finish<T, E>,
}

/// A request with a token.
struct Attempt<'a, T: Reply> {
    build: Build<'a, T>,
    generation: Generation,
    is_repetition: bool,
}

/// The outcome of a request, and of importing its tokens.
struct Ended<T> {
    outcome: Result<Answer<T>, ExchangeError>,
    placed: Result<(), OnboardingError>,
}

impl<'a, T: Reply, E: From<CallError> + From<ExchangeError>> ProviderCall<'a, T, E> {
    /// Returns a call of an exchange that is built with a token.
    pub(crate) fn with_token(
        terms: Terms<T, E>,
        build: impl FnMut(&Token) -> Result<Exchange<T>, CallError> + Send + 'a,
    ) -> Self {
        Self::GetToken(TokenWanted { build: Box::new(build), terms, refused: None })
    }

    /// Returns a call of an exchange without a token.
    pub(crate) fn without_token(terms: Terms<T, E>, exchange: Result<Exchange<T>, impl Into<E>>) -> Self {
        match exchange {
            Ok(exchange) => Self::Run(exchange, RequestSent { terms, attempt: None }),
            Err(error) => Self::Done(Err(error.into())),
        }
    }

    /// Returns the same call, to run after the record of the spec that is imported into was read.
    pub(crate) fn once_read(self) -> Self {
        Self::ReadRecord(Box::new(self))
    }

    /// Continues after the caller asked for a token of the spec that is imported into. `failure` is the error
    /// if there was no token, and `status` the status of the spec. The call ends with the error only if the
    /// record is still unread.
    pub fn after_reading(self, failure: Option<TokenError>, status: Option<Status>) -> Self {
        match failure {
            Some(failure) if !status.is_some_and(|status| status.is_read) => {
                Self::Done(Err(CallError::from(failure).into()))
            }
            _ => self,
        }
    }
}

impl<T: Reply> ProviderCall<'static, T, OnboardingError>
where
    for<'b> Imported: From<&'b T>,
{
    /// Returns a call of an exchange that returns tokens, such as a code exchange. They replace the tokens of
    /// the account.
    pub fn importing(exchange: Exchange<T>) -> Self {
        Self::without_token(Terms::replacing(), Ok::<_, OnboardingError>(exchange))
    }
}

impl<'a, T: Reply, E: From<CallError> + From<ExchangeError>> TokenWanted<'a, T, E> {
    /// Continues with a token, or without one. `status` returns the status of the spec. It is called only if
    /// the provider has refused a token and there is no other.
    pub fn got(
        mut self,
        token: Result<Token, TokenError>,
        status: impl FnOnce() -> Option<Status>,
    ) -> ProviderCall<'a, T, E> {
        let is_repetition = self.refused.is_some();
        let token = match self.refused {
            None => match token {
                Ok(token) => token,
                Err(failure) => return ProviderCall::Done(Err(CallError::from(failure).into())),
            },
            Some((generation, refusal)) => match another(Some(generation), token, status) {
                Ok(token) => token,
                Err(failure) => return self.terms.done(refusal.not_renewed(failure)),
            },
        };
        match (self.build)(&token) {
            Ok(exchange) => {
                let attempt = Attempt { build: self.build, generation: token.generation(), is_repetition };
                ProviderCall::Run(exchange, RequestSent { terms: self.terms, attempt: Some(attempt) })
            }
            Err(error) => ProviderCall::Done(Err(error.into())),
        }
    }
}

impl<'a, T: Reply, E: From<CallError> + From<ExchangeError>> RequestSent<'a, T, E> {
    /// Returns how to import the tokens of the exchange into the spec.
    #[must_use]
    pub fn import(&self) -> Import<T> {
        self.terms.import
    }

    /// Continues with the outcome of the exchange, and that of the import; `Ok` if there was nothing to
    /// import.
    pub fn answered(
        self,
        outcome: Result<Answer<T>, ExchangeError>,
        placed: Result<(), OnboardingError>,
    ) -> ProviderCall<'a, T, E> {
        let Self { terms, attempt } = self;
        let ended = Ended { outcome, placed };
        match attempt {
            Some(Attempt { build, generation, is_repetition }) if ended.is_refused() => {
                let next = match Action::after_refusal(generation, is_repetition, true) {
                    Action::Repeat(_) => {
                        let refused = Some((generation, ended));
                        ProviderCall::GetToken(TokenWanted { build, terms, refused })
                    }
                    _ => terms.done(ended),
                };
                ProviderCall::Report(generation, Box::new(next))
            }
            _ => terms.done(ended),
        }
    }
}

impl<T> Import<T> {
    /// Returns the tokens that an exchange brought for the account, if any.
    #[must_use]
    pub fn brought_by(&self, outcome: &Result<Answer<T>, ExchangeError>) -> Option<Imported> {
        (self.brings)(outcome)
    }

    /// Returns whether they replace another refresh token of the account.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.replaces
    }
}

impl<T> Terms<T, ApiError> {
    /// Returns terms without an import.
    pub(crate) fn plain() -> Self {
        Self { import: Import { brings: |_| None, replaces: false }, finish: |answer, _| Ok(answer) }
    }
}

impl<T> Terms<T, OnboardingError>
where
    for<'b> Imported: From<&'b T>,
{
    /// Returns terms by which the tokens replace those of the account.
    fn replacing() -> Self {
        let import = Import { brings: Imported::brought_by, replaces: true };
        Self { import, finish: |answer, placed| placed.map(|()| answer) }
    }

    /// Returns terms by which the tokens are imported unless the account has another refresh token.
    pub(crate) fn if_vacant() -> Self {
        let terms = Self::replacing();
        Self { import: Import { replaces: false, ..terms.import }, ..terms }
    }
}

impl<T: Reply, E: From<ExchangeError>> Terms<T, E> {
    /// Ends a call. If both the exchange and the import failed, the error of the exchange is returned,
    /// because it says more.
    fn done<'a>(&self, ended: Ended<T>) -> ProviderCall<'a, T, E> {
        let Ended { outcome, placed } = ended;
        ProviderCall::Done(outcome.map_err(E::from).and_then(|answer| (self.finish)(answer, placed)))
    }
}

impl<T: Reply> Ended<T> {
    /// Returns whether another token can help.
    fn is_refused(&self) -> bool {
        match &self.outcome {
            Ok(answer) => answer.value.refuses_the_token(),
            Err(error) => error.remedy() == Remedy::RenewToken,
        }
    }

    /// Adds the reason why no other token could be obtained.
    fn not_renewed(self, failure: Option<TokenError>) -> Self {
        let Some(failure) = failure.map(|failure| Arc::new(failure) as RenewalFailure) else { return self };
        let outcome = match self.outcome {
            Ok(mut answer) => {
                answer.value.keep_renewal_failure(failure);
                Ok(answer)
            }
            Err(error) => Err(error.with_renewal_failure(failure)),
        };
        Self { outcome, ..self }
    }
}

impl<T> Clone for Import<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Import<T> {}

/// Shows the step, without the request.
impl<T: Reply, E> fmt::Debug for ProviderCall<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadRecord(_) => "ReadRecord",
            Self::GetToken(_) => "GetToken",
            Self::Report(..) => "Report",
            Self::Run(..) => "Run",
            Self::Done(_) => "Done",
        })
    }
}
