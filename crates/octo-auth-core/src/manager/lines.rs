//! Accounts whose renewal waits for something that all accounts share: the endpoint, which one of them tries
//! for all, the request budget, or the end of another renewal.
//!
//! They wait in lines and are looked at one by one once their line opens. If each were due at that moment,
//! all of them would be looked at whenever one may begin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::key::Line;
use crate::registration::SharedState;
use crate::spec::TokenSpec;
use crate::time::Now;

/// A place in a line. The account with the smaller number was tried longer ago.
pub(super) type Place = (Line, u64);

/// All lines.
#[derive(Default)]
pub(super) struct Lines(BTreeMap<Line, BTreeSet<(u64, Arc<TokenSpec>)>>);

impl Lines {
    /// Moves an account from its place, if it has one, to another place, or out of the lines.
    pub(super) fn replace(&mut self, spec: &Arc<TokenSpec>, own: &mut Option<Place>, place: Option<Place>) {
        if *own == place {
            return;
        }
        if let Some((line, tried)) = std::mem::replace(own, place) {
            self.0.get_mut(&line).map(|members| members.remove(&(tried, spec.clone())));
        }
        if let Some((line, tried)) = place {
            self.0.entry(line).or_default().insert((tried, spec.clone()));
        }
    }

    /// Returns the account of an open line that was tried longest ago.
    pub(super) fn next(&self, shared: &SharedState, now: Now) -> Option<Arc<TokenSpec>> {
        let open = self.0.iter().filter(|(line, members)| {
            // This comes first: most lines are empty.
            !members.is_empty() && line.opens(shared, now) <= now.boot
        });
        open.filter_map(|(_, members)| members.first()).min().map(|(_, spec)| spec.clone())
    }

    /// Returns the moment on the boot clock at which the next non-empty line opens.
    pub(super) fn opens(&self, shared: &SharedState, now: Now) -> Option<Duration> {
        let waiting = self.0.iter().filter(|(_, members)| !members.is_empty());
        waiting.map(|(line, _)| line.opens(shared, now)).min()
    }
}
