//! What the core refuses to touch and every machine has: two clocks, a source of randomness, memory, and an environment
//! that may name a proxy.
//!
//! Both adapters read the same machine, so both re-export this crate and neither has a clock, a memory store or a
//! reading of the environment of its own. Nothing here sends a request, and nothing waits.

mod clock;
#[cfg(feature = "tls")]
pub mod connecting;
mod entropy;
mod memory_store;
pub mod proxies;
mod setup;

pub use clock::{Clock, ClockListener, SystemClock};
pub use entropy::{EntropyError, entropy};
pub use memory_store::MemoryStore;
pub use setup::SetupError;
