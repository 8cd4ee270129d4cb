//! The answer to the last caller of a world.

/// The answer to the last caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastAnswer {
    /// A token.
    #[default]
    Served,
    /// A job. The caller waits for its end.
    Runs,
    /// A request to wait for the end of a flight.
    Waits,
    /// An error.
    Failed,
}
