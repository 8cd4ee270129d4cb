//! The invariants.

/// A property that always holds.
#[derive(Debug)]
pub(super) struct Invariant {
    /// Its number, which tests use.
    pub(super) number: &'static str,
    /// The property.
    pub(super) sentence: &'static str,
    /// How much of it must have a test.
    pub(super) due: Due,
}

/// How much of an invariant must have a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// All of it.
    Now,
    /// All except this part, which is not implemented yet.
    Partly(&'static str),
}

const fn due(number: &'static str, sentence: &'static str) -> Invariant {
    Invariant { number, sentence, due: Due::Now }
}

/// All invariants, in order.
pub(super) const INVARIANTS: [Invariant; 44] = [
    due("I01", "A token is served only until the guard before its hard expiry, by both clocks."),
    due("I02", "A token that is served, or stored, belongs to exactly the key that was asked for."),
    due("I03", "A token in hand that was not refused is served without network, store or waiting."),
    due("I04", "With a valid token in hand no failure of endpoint or store reaches the caller."),
    due("I05", "A token that cannot stand in a header is never served."),
    due("I06", "The generations that one caller sees in a family never decrease, and each is one answer."),
    due("I07", "A refused generation is given to no later caller unless flagged suspect."),
    due("I08", "No token of an error answer, a redirect's target or an incomplete body is served."),
    due("I09", "As time goes on, a token only becomes more urgent to renew."),
    due("I10", "A later hard expiry never makes a renewal more urgent."),
    due("I11", "A renewal is due between two fifths of the lifetime and the guard before its end."),
    due("I12", "More jitter never renews later."),
    due("I13", "A server's hint never delays a renewal."),
    due("I14", "Every state and every event have one answer."),
    due("I15", "The same state, event and clocks give the same answer."),
    due("I16", "No moment and no duration makes the arithmetic fail."),
    due("I17", "From every state some events lead to a served token without rebuilding the client."),
    due("I17b", "The next change is strictly later than now, and nothing changes by time before it."),
    due("I18", "A key has at most one flight in each process."),
    Invariant {
        number: "I19",
        sentence: "A refresh token is used once, but for a repetition when nothing is left to lose.",
        due: Due::Partly("a fleet of processes on the stores of their own engines"),
    },
    due(
        "I20",
        "While a key is closed until a moment, nothing is sent before it, unless what closed it has ended.",
    ),
    due("I21", "In any minute a registration sends no more requests than its limit, whatever fails."),
    due("I22", "Refusals of one generation cause one answered renewal at most, of older ones none."),
    due("I23", "An authorization code is sent at most once."),
    due("I24", "Nothing is sent to an origin that is not configured."),
    due("I25", "With a healthy server, renewals are no more frequent than two fifths of the lifetime."),
    due("I26", "No caller waits past its deadline, and one that leaves changes nothing for the others."),
    due("I27", "The bounds of pauses never shrink until a success, which resets them."),
    due("I28", "A rotated refresh token is never lost: it is stored, or marked as in doubt."),
    due("I29", "An answer without a valid refresh token never changes the stored one."),
    due("I30", "A token is stored before it is served, or flagged."),
    due("I31", "No failure deletes a stored refresh token."),
    due("I32", "A refresh token that is refused ends no record that holds another one."),
    due("I33", "A new refresh token is never taken for dead."),
    due(
        "I34",
        "Versions form one chain, an operation is applied once, and what was replaced never comes back.",
    ),
    Invariant {
        number: "I35",
        sentence: "After a kill anywhere the next start reads a whole record and soon has the lock.",
        due: Due::Partly("files and locks of the operating system, in the store that has them"),
    },
    due("I36", "Nothing is published after a sign-out."),
    due("I42", "A record that is read and written again is the same, with members that no release knows."),
    due("I43", "A rule is read by the listed grammar only, and its canonical form is read as itself."),
    due("I44", "Matching equals a numeric range test, and an empty or failed list denies."),
    due("I46", "While the peer is not trusted, no header changes who is calling."),
    due("I47", "An account that did not fail is not denied for the failures of a few others."),
    due("I48", "A sign-in or sign-out that is stored reaches every process that is asked, within a minute."),
    due(
        "I49",
        "A killed process holds up the next one for ten seconds, or for its attempt if it may have sent.",
    ),
];
