//! The locks and the parking of threads, in one place, so that a model checker can put its own in their place.

pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{Thread, current, park_timeout};
