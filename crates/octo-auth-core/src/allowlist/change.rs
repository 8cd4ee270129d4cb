//! Which blocks a new list opens and closes.

use std::fmt;

use ipnet::IpNet;

/// The difference between two lists, in the fewest blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ListDifference {
    /// Blocks that only the new list permits.
    pub opened: Vec<IpNet>,
    /// Blocks that only the old list permits.
    pub closed: Vec<IpNet>,
}

impl ListDifference {
    /// Returns whether both lists permit the same addresses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.closed.is_empty()
    }
}

/// Writes a line for each block: `+` if opened, `-` if closed.
impl fmt::Display for ListDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.opened.iter().map(|block| ('+', block));
        let lines = lines.chain(self.closed.iter().map(|block| ('-', block)));
        for (place, (sign, block)) in lines.enumerate() {
            let separator = if place == 0 { "" } else { "\n" };
            write!(f, "{separator}{sign} {block}")?;
        }
        Ok(())
    }
}
