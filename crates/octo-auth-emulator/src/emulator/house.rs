//! The state shared by the server's thread and the handles of an emulator.

use std::net::SocketAddr;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::generic::Generic;
use crate::log::Log;
use crate::octorate::Octorate;
use crate::octotable::OctoTable;
use crate::officernd::OfficeRnd;

/// The state shared by the server's thread and the handles.
pub(super) struct House {
    pub(super) origin: String,
    pub(super) clock: Clock,
    pub(super) log: Log,
    pub(super) faults: Faults,
    pub(super) octorate: Octorate,
    pub(super) octotable: OctoTable,
    pub(super) officernd: OfficeRnd,
    pub(super) generic: Generic,
}

impl House {
    pub(super) fn new(address: SocketAddr, clock: Clock, seed: &[u8; 32]) -> Self {
        Self {
            origin: format!("http://{address}"),
            log: Log::new(),
            faults: Faults::new(),
            octorate: Octorate::new(clock.clone(), seed),
            octotable: OctoTable::new(clock.clone(), seed),
            officernd: OfficeRnd::new(clock.clone(), seed),
            generic: Generic::new(clock.clone(), seed),
            clock,
        }
    }
}
