//! Randomness from the operating system.

use std::borrow::Cow;
use std::time::Duration;

use octo_auth_core::{Diagnostic, Entropy, Remedy};

/// The operating system returned no random bytes, such as early in the boot of an embedded machine.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyError(#[source] getrandom::Error);

impl Diagnostic for EntropyError {
    fn code(&self) -> Cow<'static, str> {
        "no_entropy".into()
    }

    fn remedy(&self) -> Remedy {
        Remedy::TryLater { after: Duration::from_secs(1) }
    }
}

/// Returns random bytes for one sign-in.
///
/// # Errors
///
/// [`EntropyError`] if the operating system's source fails. There is no weaker fallback.
pub fn entropy() -> Result<Entropy, EntropyError> {
    let mut bytes = [0; 64];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(Entropy::from_bytes(bytes))
}
