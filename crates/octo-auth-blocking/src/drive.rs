//! Runs the calls of the provider clients. The core decides each step.

use octo_auth_core::provider::ProviderCall;
use octo_auth_core::{Answer, CallError, ExchangeError, Reply};

use crate::token_source::TokenSource;

impl TokenSource {
    /// Runs a call with these tokens.
    pub(crate) fn drive<T: Reply, E>(&self, call: ProviderCall<'_, T, E>) -> Result<Answer<T>, E>
    where
        E: From<CallError> + From<ExchangeError>,
    {
        self.drive_into(self, call)
    }

    /// Runs a call with these tokens, and imports the tokens of its answer into another spec.
    pub(crate) fn drive_into<T: Reply, E>(
        &self,
        into: &Self,
        mut call: ProviderCall<'_, T, E>,
    ) -> Result<Answer<T>, E>
    where
        E: From<CallError> + From<ExchangeError>,
    {
        loop {
            call = match call {
                ProviderCall::ReadRecord(next) => next.after_reading(into.get().err(), into.status()),
                ProviderCall::GetToken(wanted) => wanted.got(self.get(), || self.status()),
                ProviderCall::Report(generation, next) => {
                    self.refused(generation);
                    *next
                }
                ProviderCall::Run(exchange, sent) => {
                    let (outcome, placed) = into.run(exchange, sent.import());
                    sent.answered(outcome, placed)
                }
                ProviderCall::Done(result) => return result,
            };
        }
    }
}
