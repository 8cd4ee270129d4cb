//! How the last caller of a world was answered.

/// What the caller was told that asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Told {
    /// It was given a token.
    #[default]
    Served,
    /// It was given a job, and waits for its end.
    Runs,
    /// It waits for the end of a flight.
    Waits,
    /// It was given a failure.
    Failed,
}
