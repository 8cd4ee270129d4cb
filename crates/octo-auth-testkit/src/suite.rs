//! The common parts of the asynchronous and the blocking suites. Each check is written once, over a `Line`
//! (transport) or a `Shelf` (store).

mod found;
mod line;
mod report;
mod script;
mod shelf;
pub(crate) mod store;
pub(crate) mod transport;

pub use report::{Failure, SuiteReport};
pub use script::{Asked, ScriptedTransport};

pub(crate) use line::Line;
pub(crate) use shelf::{Shelf, Swap};
