//! The grants and calls, one file each: the values of each request, and the checks before it is built.

mod api;
mod authorization_code;
mod client_credentials;
mod onboarding;
mod pkce;
mod property;
mod refresh;
mod token_management;

pub(crate) use authorization_code::state_of_callback;
pub use authorization_code::{AuthorizationCode, PendingAuthorization, RejectedCallback};
pub use onboarding::{NewClient, Position};
pub use pkce::Entropy;
pub use token_management::TokenTypeHint;
