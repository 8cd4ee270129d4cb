//! What a new list opens and closes.

use std::fmt;

use ipnet::IpNet;

/// What going from one list to another changes, in the fewest blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Change {
    /// Permitted by the new list only.
    pub opened: Vec<IpNet>,
    /// Permitted by the old list only.
    pub closed: Vec<IpNet>,
}

impl Change {
    /// Whether both lists permit the same addresses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.closed.is_empty()
    }
}

/// A line for each block, `+` opened and `-` closed.
impl fmt::Display for Change {
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
