//! A long history of one record on a server whose connections are cut.

use std::sync::{Mutex, PoisonError};

use super::place::{Engine, Place, opened};
use crate::history::{Extent, is_linearizable, name, record};

/// The processes that use the record.
const PROCESSES: u64 = 8;

/// After this many operations all connections are cut.
const CUT: u64 = 500;

/// Records this many operations and checks that they are linearizable. Returns a line that says so.
///
/// # Errors
///
/// Returns an error if they are not, or if the server does not start.
pub fn recorded(engine: Engine, operations: u64) -> Result<String, String> {
    let place = Mutex::new(Place::new(engine)?);
    let locked = || place.lock().unwrap_or_else(PoisonError::into_inner);
    let address = locked().address();
    let stores: Vec<_> = (0..PROCESSES).map(|_| opened(&address)).collect();
    let extent = Extent { processes: PROCESSES, operations: operations.div_ceil(PROCESSES) };
    let disturb = |number: u64| {
        if number % CUT == CUT - 1 {
            locked().cut();
        }
    };
    let history = record(&stores, &name(0), extent, &disturb);
    if !is_linearizable(&history) {
        return Err(format!("the history of {} operations is not linearizable", history.len()));
    }
    Ok(format!("{} results of {operations} operations are linearizable", history.len()))
}
