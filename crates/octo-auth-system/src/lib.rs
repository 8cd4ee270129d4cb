//! The parts of the environment that the core does not access: two clocks, a source of randomness, a store in
//! memory, and the proxy settings of the environment.
//!
//! Both adapters re-export this crate, so they share the clocks, the memory store and the reading of the
//! environment. This crate sends no requests and never waits.

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

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
