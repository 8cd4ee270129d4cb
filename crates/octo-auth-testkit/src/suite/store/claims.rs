//! Claims: they spare work, and end by themselves. A store that nobody shares grants them all.

use std::time::{Duration, Instant};

use octo_auth_core::{Claimed, Key, Storage};

use super::{Advance, Found, Shelf, expect, failed, key};

/// Longer than the suite takes.
const LONG: Duration = Duration::from_secs(600);

/// So short that a clock that runs comes past it at once.
const SHORT: Duration = Duration::from_millis(1);

/// So long it is tried to claim what was claimed for [`SHORT`].
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn keeps_out(shelf: &impl Shelf) -> Found {
    let key = key("claimed", 0);
    granted(shelf, &key, "one", LONG).await?;
    held(shelf, &key, "two").await?;
    held(shelf, &key, "three").await
}

pub(super) async fn extended(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Found {
    let key = key("extended", 0);
    granted(shelf, &key, "one", SHORT).await?;
    granted(shelf, &key, "one", LONG).await?;
    if let Some(advance) = advance {
        advance(SHORT + SHORT);
    }
    for _ in 0..3 {
        held(shelf, &key, "two").await?;
        shelf.pause().await;
    }
    Ok(())
}

pub(super) async fn released(shelf: &impl Shelf) -> Found {
    let key = key("released", 0);
    // Nothing to release is no failure.
    shelf.release(&key, "one").await.map_err(failed)?;
    granted(shelf, &key, "one", LONG).await?;
    shelf.release(&key, "two").await.map_err(failed)?;
    held(shelf, &key, "two").await?;
    shelf.release(&key, "one").await.map_err(failed)?;
    granted(shelf, &key, "two", LONG).await?;
    shelf.release(&key, "one").await.map_err(failed)?;
    held(shelf, &key, "one").await
}

pub(super) async fn ends(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Found {
    let key = key("ends", 0);
    granted(shelf, &key, "one", SHORT).await?;
    if let Some(advance) = advance {
        advance(SHORT);
        return granted(shelf, &key, "two", LONG).await;
    }
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match shelf.claim(&key, "two", LONG).await.map_err(failed)? {
            Claimed::Granted => return held(shelf, &key, "one").await,
            Claimed::Held(left) => expect(left <= SHORT, || format!("held for {left:?}, not {SHORT:?}"))?,
        }
        shelf.pause().await;
    }
    Err(format!("a claim of {SHORT:?} did not end in {PATIENCE:?}; does the store's clock run?"))
}

pub(super) async fn of_other_keys(shelf: &impl Shelf) -> Found {
    for number in 0..3 {
        granted(shelf, &key("others", number), &format!("owner {number}"), LONG).await?;
    }
    shelf.release(&key("others", 0), "owner 0").await.map_err(failed)?;
    held(shelf, &key("others", 1), "owner 0").await
}

async fn granted(shelf: &impl Shelf, key: &Key, owner: &str, lasting: Duration) -> Found {
    match shelf.claim(key, owner, lasting).await.map_err(failed)? {
        Claimed::Granted => Ok(()),
        Claimed::Held(left) => Err(format!("a claim of `{owner}` was kept out for {left:?}")),
    }
}

/// Somebody else holds the key, for no longer than it was claimed.
async fn held(shelf: &impl Shelf, key: &Key, owner: &str) -> Found {
    let is_shared = shelf.storage() == Storage::Shared;
    match shelf.claim(key, owner, LONG).await.map_err(failed)? {
        Claimed::Granted => expect(!is_shared, || format!("`{owner}` was granted what another has claimed")),
        Claimed::Held(left) => {
            let is_sound = Duration::ZERO < left && left <= LONG;
            expect(is_sound, || format!("`{owner}` is kept out for {left:?}, claimed were {LONG:?}"))
        }
    }
}
