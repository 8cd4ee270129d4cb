//! Checks of claims. Claims avoid duplicate work and expire by themselves. A single-process store may grant all of
//! them.

use std::time::{Duration, Instant};

use octo_auth_core::{Claimed, RecordName, Storage};

use super::operations::{Advance, failed, name};
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};

/// A duration longer than the suite takes.
const LONG: Duration = Duration::from_secs(600);

/// A duration so short that a running clock passes it at once.
const SHORT: Duration = Duration::from_millis(1);

/// How long the suite retries to claim what was claimed for [`SHORT`].
const TIMEOUT: Duration = Duration::from_secs(1);

pub(super) async fn keeps_out(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Found {
    let name = name("claimed", 0);
    granted(shelf, &name, "one").await?;
    held(shelf, &name, "two", LONG).await?;
    let Some(advance) = advance else { return held(shelf, &name, "three", LONG).await };
    advance(LONG / 2);
    held(shelf, &name, "three", LONG / 2).await
}

pub(super) async fn extended(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Found {
    let name = name("extended", 0);
    granted_for(SHORT, shelf, &name, "one").await?;
    granted(shelf, &name, "one").await?;
    if let Some(advance) = advance {
        advance(SHORT + SHORT);
    }
    for _ in 0..3 {
        held(shelf, &name, "two", LONG).await?;
        shelf.pause().await;
    }
    Ok(())
}

pub(super) async fn released(shelf: &impl Shelf) -> Found {
    let name = name("released", 0);
    // Releasing a claim that does not exist is not an error.
    shelf.release(&name, "one").await.map_err(failed)?;
    granted(shelf, &name, "one").await?;
    shelf.release(&name, "two").await.map_err(failed)?;
    held(shelf, &name, "two", LONG).await?;
    shelf.release(&name, "one").await.map_err(failed)?;
    granted(shelf, &name, "two").await?;
    shelf.release(&name, "one").await.map_err(failed)?;
    held(shelf, &name, "one", LONG).await
}

pub(super) async fn ends(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Found {
    let name = name("ends", 0);
    granted_for(SHORT, shelf, &name, "one").await?;
    if let Some(advance) = advance {
        advance(SHORT);
        return granted(shelf, &name, "two").await;
    }
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT {
        match shelf.claim(&name, "two", LONG).await.map_err(failed)? {
            Claimed::Granted | Claimed::TakenOver { .. } => {
                return held(shelf, &name, "one", LONG).await;
            }
            Claimed::Held(left) => expect(left <= SHORT, || format!("held for {left:?}, not {SHORT:?}"))?,
        }
        shelf.pause().await;
    }
    Err(format!("a claim of {SHORT:?} did not end in {TIMEOUT:?}; does the store's clock run?"))
}

pub(super) async fn of_other_names(shelf: &impl Shelf) -> Found {
    for number in 0..3 {
        granted(shelf, &name("others", number), &format!("owner {number}")).await?;
    }
    shelf.release(&name("others", 0), "owner 0").await.map_err(failed)?;
    held(shelf, &name("others", 1), "owner 0", LONG).await
}

pub(super) async fn in_two_handles(one: &impl Shelf, other: &impl Shelf) -> Found {
    let name = name("handles", 1);
    granted(one, &name, "one").await?;
    held(other, &name, "two", LONG).await?;
    one.release(&name, "one").await.map_err(failed)?;
    granted(other, &name, "two").await
}

async fn granted(shelf: &impl Shelf, name: &RecordName, owner: &str) -> Found {
    granted_for(LONG, shelf, name, owner).await
}

async fn granted_for(ttl: Duration, shelf: &impl Shelf, name: &RecordName, owner: &str) -> Found {
    match shelf.claim(name, owner, ttl).await.map_err(failed)? {
        Claimed::Granted => Ok(()),
        Claimed::TakenOver { from } => Err(format!("the process of `{from}` was taken for ended")),
        Claimed::Held(left) => Err(format!("a claim of `{owner}` was kept out for {left:?}")),
    }
}

/// Returns an error unless another owner holds the claim for at most `most`.
async fn held(shelf: &impl Shelf, name: &RecordName, owner: &str, most: Duration) -> Found {
    let is_shared = shelf.storage() == Storage::MultiProcess;
    match shelf.claim(name, owner, LONG).await.map_err(failed)? {
        Claimed::Granted | Claimed::TakenOver { .. } => {
            expect(!is_shared, || format!("`{owner}` was granted what another has claimed"))
        }
        Claimed::Held(left) => {
            let is_sound = Duration::ZERO < left && left <= most;
            expect(is_sound, || format!("`{owner}` is kept out for {left:?}, and {most:?} are left"))
        }
    }
}
