//! Members of a token answer that the profile keeps: `instance_url`, `id_token` and the like.

use std::fmt;
use std::sync::Arc;

use crate::secret::Secret;

/// The longest kept value, in bytes.
pub(crate) const LONGEST_KEPT: usize = 16 * 1024;

/// The members of a token answer that the profile keeps, at most a few. An empty set takes one word.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct KeptMembers(Option<Arc<Vec<KeptMember>>>);

/// One member with its value: a string, or JSON as received.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeptMember {
    pub(crate) name: String,
    pub(crate) value: Secret,
    pub(crate) is_secret: bool,
}

impl KeptMembers {
    pub(crate) fn new(members: Vec<KeptMember>) -> Self {
        Self((!members.is_empty()).then(|| Arc::new(members)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeptMember> {
        self.0.iter().flat_map(|members| members.iter())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&KeptMember> {
        self.iter().find(|member| member.name == name)
    }

    /// Returns these members, plus those of an earlier answer that are missing here.
    pub(crate) fn over(&self, earlier: &Self) -> Self {
        let left: Vec<_> = earlier.iter().filter(|member| self.get(&member.name).is_none()).collect();
        if left.is_empty() {
            return self.clone();
        }
        Self::new(self.iter().chain(left).cloned().collect())
    }
}

/// Shows only the names.
impl fmt::Debug for KeptMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|member| &member.name)).finish()
    }
}
