//! What the suites of both colours are made of: each is written once, for a line or a shelf of either colour.

mod found;
mod line;
mod report;
mod script;
mod shelf;
pub(crate) mod store;
pub(crate) mod transport;

pub use report::{Failure, Report};
pub use script::{Asked, ScriptedTransport};

pub(crate) use line::Line;
pub(crate) use shelf::{Shelf, Swap};
