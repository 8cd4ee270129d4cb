//! Checks of versions: a change succeeds only against the stored version.

use octo_auth_core::{RecordName, Saved, Version};

use super::operations::{content, failed, holds, load, name, put, same};
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};

/// The number of concurrent changes of a record.
const AT_ONCE: u64 = 8;

pub(super) async fn right(shelf: &impl Shelf) -> Found {
    let name = name("right", 0);
    let first = put(shelf, &name, None, &content(1)).await?;
    let second = put(shelf, &name, Some(first), &content(2)).await?;
    holds(shelf, &name, second, &content(2)).await
}

pub(super) async fn wrong(shelf: &impl Shelf) -> Found {
    let name = name("wrong", 0);
    let first = put(shelf, &name, None, &content(1)).await?;
    let second = put(shelf, &name, Some(first), &content(2)).await?;
    for wrong in [first, Version(second.0.wrapping_add(1)), Version(0)] {
        if wrong != second {
            conflicts(shelf, &name, Some(wrong), second).await?;
        }
    }
    Ok(())
}

pub(super) async fn absent(shelf: &impl Shelf) -> Found {
    let unused = name("absent", 0);
    for expected in [Version(0), Version(1)] {
        match shelf.swap(&unused, Some(expected), &content(9)).await.map_err(failed)? {
            Saved::Conflict(None) => {}
            Saved::Conflict(Some(_)) => return Err("a conflict with a record that is not there".to_owned()),
            Saved::Done(_) => return Err(format!("a change of {expected:?} was done without a record")),
        }
        let found = load(shelf, &unused).await?;
        expect(found.is_none(), || "a change that met a conflict was stored".to_owned())?;
    }
    let used = name("absent", 1);
    let first = put(shelf, &used, None, &content(1)).await?;
    let second = put(shelf, &used, Some(first), &content(2)).await?;
    conflicts(shelf, &used, None, second).await
}

/// Returns an error unless a change conflicts, the conflict shows `content(2)` and its version, and nothing is
/// changed.
async fn conflicts(
    shelf: &impl Shelf,
    name: &RecordName,
    expected: Option<Version>,
    stored: Version,
) -> Found {
    match shelf.swap(name, expected, &content(3)).await.map_err(failed)? {
        Saved::Done(_) => Err(format!("a change of {expected:?} was done, and {stored:?} was stored"))?,
        Saved::Conflict(None) => Err("a conflict does not show what is stored")?,
        Saved::Conflict(Some(shown)) => {
            expect(shown.version == stored, || {
                format!("a conflict shows {:?}, not {stored:?}", shown.version)
            })?;
            same(&content(2), &shown.content)?;
        }
    }
    holds(shelf, name, stored, &content(2)).await
}

pub(super) async fn grow(shelf: &impl Shelf) -> Found {
    let (name, mut last) = (name("versions", 0), None);
    for number in 1..=20 {
        // A write of equal content is also a change.
        let version = put(shelf, &name, last, &content(number / 2)).await?;
        expect(version > last.unwrap_or(Version(0)), || format!("{version:?} came after {last:?}"))?;
        last = Some(version);
    }
    Ok(())
}

pub(super) async fn race(shelf: &impl Shelf) -> Found {
    for round in 0..20 {
        let name = name("race", round);
        // Half of the rounds race for the first version of a record.
        let before = if round % 2 == 0 { None } else { Some(put(shelf, &name, None, &content(99)).await?) };
        let contents: Vec<_> = (0..AT_ONCE).map(content).collect();
        let mut winners = Vec::new();
        for (swap, content) in shelf.race(&name, before, &contents).await.into_iter().zip(&contents) {
            if let Saved::Done(version) = swap.map_err(failed)? {
                winners.push((version, content));
            }
        }
        let [(version, content)] = winners[..] else {
            return Err(format!("{} of {AT_ONCE} changes of one version were done", winners.len()));
        };
        holds(shelf, &name, version, content).await?;
    }
    Ok(())
}
