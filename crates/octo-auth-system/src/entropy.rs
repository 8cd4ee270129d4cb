//! Randomness from the operating system.

use octo_auth_core::Entropy;

/// The operating system gave no random bytes, such as early in the start of an embedded machine.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyError(#[source] getrandom::Error);

/// Draws the randomness of one sign-in.
///
/// # Errors
///
/// [`EntropyError`] if the operating system's source fails; there is no weaker source to fall back on.
pub fn entropy() -> Result<Entropy, EntropyError> {
    let mut bytes = [0; 64];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(Entropy::from_bytes(bytes))
}
