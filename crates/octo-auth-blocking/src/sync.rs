//! The locks of this crate, in one place, so that a model checker's can stand in for them.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
