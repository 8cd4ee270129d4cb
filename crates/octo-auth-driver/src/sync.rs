//! The locks and thread parking, in one place, so that a model checker can replace them.

pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{Thread, current, park_timeout};
