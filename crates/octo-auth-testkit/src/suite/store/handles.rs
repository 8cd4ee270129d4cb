//! Checks with two handles of one store, as two processes hold them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use octo_auth_core::{RecordName, Saved};

use super::operations::{content, failed, holds, name, put};
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};

/// How long to wait for a change notification.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn read(one: &impl Shelf, other: &impl Shelf) -> Found {
    let name = name("handles", 0);
    let first = put(one, &name, None, &content(1)).await?;
    holds(other, &name, first, &content(1)).await?;
    let second = put(other, &name, Some(first), &content(2)).await?;
    holds(one, &name, second, &content(2)).await?;
    let late = one.swap(&name, Some(first), &content(3)).await.map_err(failed)?;
    expect(matches!(late, Saved::Conflict(Some(_))), || format!("a change of {first:?} was done after it"))?;
    holds(other, &name, second, &content(2)).await
}

/// A store without notifications passes.
pub(super) async fn heard(one: &impl Shelf, other: &impl Shelf) -> Found {
    let written = [name("heard", 0), name("heard", 1)];
    let heard: Arc<Mutex<Vec<RecordName>>> = Arc::default();
    let listening = heard.clone();
    let listener = move |name: &RecordName| {
        listening.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
    };
    if !one.changes(Arc::new(listener)) {
        return Ok(());
    }
    for name in &written {
        put(other, name, None, &content(1)).await?;
    }
    let begun = Instant::now();
    let mut unheard = written.to_vec();
    while !unheard.is_empty() && begun.elapsed() < TIMEOUT {
        let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        unheard.retain(|name| !heard.contains(name));
        one.pause().await;
    }
    expect(unheard.is_empty(), || format!("{} was written, which no notice named", unheard[0]))
}
