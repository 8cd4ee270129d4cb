//! The number of renewals in flight. Each holds a connection while its request is sent.

use std::collections::HashSet;

/// The renewals in flight.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    of_accounts: HashSet<u64>,
    of_clients: HashSet<u64>,
}

impl Slots {
    /// Returns whether another renewal may begin. Renewals of accounts, which wait for the store, leave a
    /// quarter of the slots to client grants, which continue without it.
    pub(crate) fn has_room(&self, is_client_grant: bool, concurrency: u32) -> bool {
        let of = |flights: &HashSet<u64>| u32::try_from(flights.len()).unwrap_or(u32::MAX);
        let (manager, all) =
            (of(&self.of_accounts), of(&self.of_accounts).saturating_add(of(&self.of_clients)));
        all < concurrency && (is_client_grant || manager < concurrency - concurrency / 4)
    }

    pub(crate) fn take(&mut self, flight: u64, is_client_grant: bool) {
        let flights = if is_client_grant { &mut self.of_clients } else { &mut self.of_accounts };
        flights.insert(flight);
    }

    pub(crate) fn release(&mut self, flight: u64) {
        if !self.of_accounts.remove(&flight) {
            self.of_clients.remove(&flight);
        }
    }
}
