//! Records, their versions and their keys.

use octo_auth_core::{Key, Saved, Scopes, Version};

use super::samples::{self, record};
use super::{Found, Shelf, difference, expect, failed, holds, key, load, put};

/// So many change a record at once.
const AT_ONCE: u64 = 8;

pub(super) async fn unknown_key(shelf: &impl Shelf) -> Found {
    let found = load(shelf, &key("unknown", 0)).await?;
    expect(found.is_none(), || "something is stored under a key that nobody used".to_owned())
}

pub(super) async fn whole(shelf: &impl Shelf) -> Found {
    for (record, number) in samples::all()?.iter().zip(0..) {
        let key = key("whole", number);
        let version = put(shelf, &key, None, record).await?;
        holds(shelf, &key, version, record).await?;
    }
    // Nothing of an earlier record is left in a later one.
    let (key, mut version) = (key("whole", 100), None);
    for record in samples::all()?.iter().chain(samples::all()?.iter().rev()) {
        let stored = put(shelf, &key, version, record).await?;
        holds(shelf, &key, stored, record).await?;
        version = Some(stored);
    }
    Ok(())
}

pub(super) async fn right_version(shelf: &impl Shelf) -> Found {
    let key = key("right", 0);
    let first = put(shelf, &key, None, &record(1)).await?;
    let second = put(shelf, &key, Some(first), &record(2)).await?;
    holds(shelf, &key, second, &record(2)).await
}

pub(super) async fn wrong_version(shelf: &impl Shelf) -> Found {
    let key = key("wrong", 0);
    let first = put(shelf, &key, None, &record(1)).await?;
    let second = put(shelf, &key, Some(first), &record(2)).await?;
    for wrong in [first, Version(second.0.wrapping_add(1)), Version(0)] {
        if wrong == second {
            continue;
        }
        conflicts(shelf, &key, Some(wrong), second).await?;
    }
    Ok(())
}

pub(super) async fn absent_version(shelf: &impl Shelf) -> Found {
    let unused = key("absent", 0);
    for expected in [Version(0), Version(1)] {
        match shelf.swap(&unused, Some(expected), &record(9)).await.map_err(failed)? {
            Saved::Conflict(None) => {}
            Saved::Conflict(Some(_)) => return Err("a conflict with a record that is not there".to_owned()),
            Saved::Done(_) => {
                return Err(format!("a change of {expected:?} was done, and nothing was stored"));
            }
        }
        let found = load(shelf, &unused).await?;
        expect(found.is_none(), || "a change that met a conflict was stored".to_owned())?;
    }
    let used = key("absent", 1);
    let first = put(shelf, &used, None, &record(1)).await?;
    let second = put(shelf, &used, Some(first), &record(2)).await?;
    conflicts(shelf, &used, None, second).await
}

/// A change meets a conflict that shows `record(2)` under its version, and changes nothing.
async fn conflicts(shelf: &impl Shelf, key: &Key, expected: Option<Version>, stored: Version) -> Found {
    match shelf.swap(key, expected, &record(3)).await.map_err(failed)? {
        Saved::Done(_) => {
            return Err(format!("a change of {expected:?} was done, and {stored:?} was stored"));
        }
        Saved::Conflict(None) => return Err("a conflict does not show what is stored".to_owned()),
        Saved::Conflict(Some(shown)) => {
            expect(shown.version == stored, || {
                format!("a conflict shows {:?}, not {stored:?}", shown.version)
            })?;
            expect(shown.record == record(2), || difference(&record(2), &shown.record))?;
        }
    }
    holds(shelf, key, stored, &record(2)).await
}

pub(super) async fn versions(shelf: &impl Shelf) -> Found {
    let (key, mut last) = (key("versions", 0), None);
    for number in 0..20 {
        // A record that is the same as before is a change too.
        let version = put(shelf, &key, last, &record(number / 2)).await?;
        expect(last.is_none_or(|last| version > last), || format!("{version:?} came after {last:?}"))?;
        last = Some(version);
    }
    Ok(())
}

/// Keys that differ in one thing, or that look alike to whoever folds, cuts, joins or normalises them.
fn alike() -> Result<Vec<Key>, String> {
    let scopes = |text: &str| Scopes::parse(text).map_err(|error| error.to_string());
    let of = |scope: &str| scopes(scope).map(|scopes| Key::client_credentials(&scopes));
    let base = "octo-auth-testkit keys";
    let accounts =
        ["", " ", "/1", ":1", "\u{0}1", "%2F1", "\u{e9}", "e\u{301}", "A", "a", "1", "01", "'", "\""];
    let mut keys: Vec<Key> = accounts.iter().map(|end| Key::account(&format!("{base}{end}"))).collect();
    let long = "n".repeat(600);
    keys.extend(["1", "2"].map(|end| Key::account(&format!("{base}{long}{end}"))));
    keys.push(Key::account(&format!("{base}1")).with_parameter("audience", "one"));
    keys.push(Key::account(&format!("{base}1")).with_parameter("audience", "two"));
    keys.push(Key::account(&format!("{base}1")).with_parameter("resource", "one"));
    keys.extend([Key::api_login(), Key::requests(), Key::client_credentials(&Scopes::none())]);
    keys.extend([of("keys.read")?, of("keys.write")?, of("keys.read keys.write")?]);
    keys.push(of("keys.read")?.with_parameter("audience", "one"));
    Ok(keys)
}

pub(super) async fn keys(shelf: &impl Shelf) -> Found {
    let keys = alike()?;
    let mut versions = Vec::new();
    for (key, number) in keys.iter().zip(0..) {
        let version = put(shelf, key, None, &record(number)).await;
        versions.push(version.map_err(|error| format!("{key:?} is taken for another key: {error}"))?);
    }
    for ((key, version), number) in keys.iter().zip(versions).zip(0..) {
        let found = holds(shelf, key, version, &record(number)).await;
        found.map_err(|error| format!("{key:?} is taken for another key: {error}"))?;
    }
    Ok(())
}

pub(super) async fn race(shelf: &impl Shelf) -> Found {
    for round in 0..20 {
        let key = key("race", round);
        // The first record is raced for as well.
        let before = if round % 2 == 0 { None } else { Some(put(shelf, &key, None, &record(99)).await?) };
        let records: Vec<_> = (0..AT_ONCE).map(record).collect();
        let mut winners = Vec::new();
        for (swap, record) in shelf.race(&key, before, &records).await.into_iter().zip(&records) {
            if let Saved::Done(version) = swap.map_err(failed)? {
                winners.push((version, record));
            }
        }
        let [(version, record)] = winners[..] else {
            return Err(format!("{} of {AT_ONCE} changes of one version were done", winners.len()));
        };
        holds(shelf, &key, version, record).await?;
    }
    Ok(())
}
