//! What the core refuses to touch and every machine has: two clocks and a source of randomness.
//!
//! Both adapters read the same machine, so both re-export this crate and neither has a clock of its own. There
//! is nothing about HTTP here, and nothing that waits.

mod clock;
mod entropy;
mod setup;

pub use clock::{Clock, SystemClock};
pub use entropy::{EntropyError, entropy};
pub use setup::SetupError;
