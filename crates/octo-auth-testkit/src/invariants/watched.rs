//! The invariants that a world checks during its events.

use super::Violation;
use crate::world::World;

/// One invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    /// Its number, such as `I04`.
    pub number: &'static str,
    /// The invariant in one sentence.
    pub sentence: &'static str,
}

impl Invariant {
    /// Checks whether the invariant held in all past events of a world. An invariant that the world never examined
    /// counts as held. [`World::examined`] returns how often each one was examined.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn check(&self, world: &World) -> Result<(), Violation> {
        world.violations_of(self.number).next().map_or(Ok(()), |violation| Err(violation.clone()))
    }
}

/// Checks all of [`WATCHED`] in a world.
///
/// # Errors
///
/// The earliest violation.
pub fn check_all(world: &World) -> Result<(), Violation> {
    world.violations().first().map_or(Ok(()), |violation| Err(violation.clone()))
}

/// Defines the list and its documentation from the same sentences.
macro_rules! watched {
    ($($number:literal, $sentence:literal;)*) => {
        /// The invariants that every [`World`] checks, in the order of their numbers:
        ///
        $(#[doc = concat!("- ", $number, ": ", $sentence)])*
        pub const WATCHED: [Invariant; 30] = [$(Invariant { number: $number, sentence: $sentence }),*];
    };
}

watched! {
    "I01", "A token is served only until the guard before its hard expiry, by both clocks.";
    "I02", "A token that is served, or stored, belongs to exactly the key that was asked for.";
    "I03", "A token in hand that was not refused is served without network, store or waiting.";
    "I04", "With a valid token in hand no failure of endpoint or store reaches the caller.";
    "I05", "A token that cannot stand in a header is never served.";
    "I06", "The generations that one caller sees in a family never decrease, and each is one answer.";
    "I07", "A refused generation is given to no later caller unless flagged suspect.";
    "I08", "No token of an error answer, a redirect's target or an incomplete body is served.";
    "I14", "Every state and every event have one answer.";
    "I15", "The same state, event and clocks give the same answer.";
    "I17b", "The next change is strictly later than now, and nothing changes by time before it.";
    "I18", "A key has at most one flight in each process.";
    "I19", "A refresh token is used once, but for a repetition when nothing is left to lose.";
    "I20", "While a key is closed until a moment, nothing is sent before it, unless what closed it has ended.";
    "I21", "In any minute a registration sends no more requests than its limit, whatever fails.";
    "I22", "Refusals of one generation cause one answered renewal at most, of older ones none.";
    "I23", "An authorization code is sent at most once.";
    "I24", "Nothing is sent to an origin that is not configured.";
    "I26", "No caller waits past its deadline, and one that leaves changes nothing for the others.";
    "I28", "A rotated refresh token is never lost: it is stored, or marked as in doubt.";
    "I29", "An answer without a valid refresh token never changes the stored one.";
    "I30", "A token is stored before it is served, or flagged.";
    "I31", "No failure deletes a stored refresh token.";
    "I32", "A refresh token that is refused ends no record that holds another one.";
    "I33", "A new refresh token is never taken for dead.";
    "I34", "Versions form one chain, an operation is applied once, and what was replaced never comes back.";
    "I35", "After a kill anywhere the next start reads a whole record and soon has the lock.";
    "I36", "Nothing is published after a sign-out.";
    "I47", "An account that did not fail is not denied for the failures of a few others.";
    "I48", "A sign-in or sign-out that is stored reaches every process that is asked, within a minute.";
}
