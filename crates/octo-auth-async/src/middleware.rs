//! Authorised calls with HTTP clients that a program already has.
//!
//! This module makes no decisions. The core decides where a token may go, what an answer means, and whether to
//! renew the token and repeat the request. This module changes the request accordingly, reads the beginning of an
//! answer if the core asks for it, and returns the answer complete.

mod body;
#[cfg(feature = "reqwest-middleware")]
mod reqwest;
#[cfg(feature = "tower")]
mod tower;

use http::{Extensions, HeaderMap, StatusCode, Uri};
use octo_auth_core::{Action, ApiCall, Authorizer, CallError};

use crate::token_source::TokenSource;

#[cfg(feature = "tower")]
pub use self::body::WholeBody;
#[cfg(feature = "reqwest-middleware")]
pub use self::reqwest::Authorize;
#[cfg(feature = "tower")]
pub use self::tower::{AuthorizeLayer, AuthorizeService};

/// The code that the middlewares of all clients share.
#[derive(Debug, Clone)]
struct Caller {
    tokens: TokenSource,
    authorizer: Authorizer,
}

impl Caller {
    /// Uses these tokens, and allows the hosts of their provider's profile.
    fn new(tokens: TokenSource) -> Self {
        let authorizer = tokens.authorizer();
        Self { tokens, authorizer }
    }

    /// Returns a caller for a request: it uses the `TokenSource` in the extensions, if there is one.
    fn of(&self, extensions: &Extensions) -> Self {
        let tokens = extensions.get().unwrap_or(&self.tokens).clone();
        Self { tokens, authorizer: self.authorizer.clone() }
    }

    /// Checks a request, and adds a token to it. If the request must not carry a token, it does not ask for one.
    async fn begin(&self, url: &Uri, headers: &mut HeaderMap) -> Result<ApiCall, CallError> {
        let mut call = self.authorizer.call(url, headers)?;
        let token = self.tokens.get().await?;
        call.authorize(&token, headers)?;
        Ok(call)
    }

    /// Reads an answer from the beginning of its body, and reports a refusal.
    fn judge(
        &self,
        call: &ApiCall,
        answer: (StatusCode, &HeaderMap, &[u8]),
        can_be_repeated: bool,
    ) -> Action {
        let now = self.tokens.now();
        let next = call.answered(answer, can_be_repeated, now).next;
        if let Some(generation) = next.refused() {
            self.tokens.refused(generation);
        }
        next
    }

    /// Adds another token to the repeated request, if one is available. If not, it puts the reason into the
    /// extensions of the provider's answer, which the caller gets. Returns whether to repeat the request.
    async fn renew(&self, call: &mut ApiCall, headers: &mut HeaderMap, answer: &mut Extensions) -> bool {
        match call.another(self.tokens.get().await, || self.tokens.status()) {
            Ok(token) => call.authorize(&token, headers).is_ok(),
            Err(failure) => {
                if let Some(failure) = failure {
                    answer.insert(failure);
                }
                false
            }
        }
    }
}
