//! A call of a provider's API with a token.

use http::Request;

use super::call::{ProviderCall, Terms};
use crate::answer::ApiAnswer;
use crate::authorizer::Authorizer;
use crate::error::CallError;
use crate::exchange::{Body, Exchange};
use crate::reading::Reading;

impl Authorizer {
    /// Returns a call whose request has no streamed body. It is checked now, and sent once more if its token
    /// is refused.
    ///
    /// It is an error if the body of a success has more than `answer_limit` bytes, such as
    /// [`ANSWER_LIMIT`](crate::ANSWER_LIMIT). The body of a refusal is cut there.
    pub fn whole_call<'a>(
        &self,
        request: &'a Request<Body>,
        answer_limit: usize,
    ) -> ProviderCall<'a, ApiAnswer> {
        match self.call(request.uri(), request.headers()) {
            Ok(mut call) => ProviderCall::with_token(Terms::plain(), move |token| {
                let mut request = request.clone();
                call.authorize(token, request.headers_mut())?;
                Ok(Exchange::new(request, Reading { answer_limit, ..call.reading() }))
            }),
            Err(error) => ProviderCall::Done(Err(CallError::from(error).into())),
        }
    }
}
