//! Authorised calls with the HTTP clients people have already.
//!
//! The rule kept here: nothing is decided. The core says where a token may go, what an answer means, and whether to
//! renew and repeat; what is here puts its decision on a request, looks at the beginning of an answer where the core
//! asks for it, and hands the answer on whole.

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

/// What the middlewares of every client do alike.
#[derive(Debug, Clone)]
struct Caller {
    tokens: TokenSource,
    authorizer: Authorizer,
}

impl Caller {
    /// Calls with these tokens, at the hosts of their provider's profile.
    fn new(tokens: TokenSource) -> Self {
        let authorizer = tokens.authorizer();
        Self { tokens, authorizer }
    }

    /// The same for a request with these extensions, which may hold the tokens to use.
    fn of(&self, extensions: &Extensions) -> Self {
        let tokens = extensions.get().unwrap_or(&self.tokens).clone();
        Self { tokens, authorizer: self.authorizer.clone() }
    }

    /// Checks a request, and puts a token on it. No token is asked for if the request must not carry it.
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

    /// Puts another token on the repetition of a request, if there is one. If there is none, the provider's own answer is
    /// delivered, and why there is none is put among its extensions. Returns whether the request is to be repeated.
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
