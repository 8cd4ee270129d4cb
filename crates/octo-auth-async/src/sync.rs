//! The locks under the desk, behind one name, so that a model checker can put its own in their place.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
