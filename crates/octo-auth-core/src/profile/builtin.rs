//! The documents that come with the crate, one for each file in `profiles/`.

use super::{Profile, generated};

impl Profile {
    /// The names of the profiles that come with the crate.
    pub const BUILTIN: [&'static str; 3] = ["octorate", "octotable", "officernd"];

    /// Returns the profile of Octorate, from its authentication guide and its OpenAPI document.
    #[must_use]
    pub fn octorate() -> Self {
        Self::generated(&generated::OCTORATE)
    }

    /// Returns the profile of OctoTable, from its pages "Create Token" and "How to create clients".
    #[must_use]
    pub fn octotable() -> Self {
        Self::generated(&generated::OCTOTABLE)
    }

    /// Returns the profile of OfficeRND, from its page "Generating a token" and its published samples.
    #[must_use]
    pub fn officernd() -> Self {
        Self::generated(&generated::OFFICERND)
    }

    /// Returns the profile of that name, one of [`BUILTIN`](Self::BUILTIN); `None` for any other name.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        match name {
            "octorate" => Some(Self::octorate()),
            "octotable" => Some(Self::octotable()),
            "officernd" => Some(Self::officernd()),
            _ => None,
        }
    }
}
