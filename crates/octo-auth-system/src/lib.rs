//! What the core refuses to touch and every machine has: two clocks, a source of randomness, and memory.
//!
//! Both adapters read the same machine, so both re-export this crate and neither has a clock or a memory store of
//! its own. There is nothing about HTTP here, and nothing that waits.

mod clock;
mod entropy;
mod memory_store;
mod setup;

pub use clock::{Clock, SystemClock, Waiting};
pub use entropy::{EntropyError, entropy};
pub use memory_store::MemoryStore;
pub use setup::SetupError;
