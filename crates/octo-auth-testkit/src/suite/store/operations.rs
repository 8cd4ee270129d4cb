//! Helpers of the store checks: names, contents, writing, reading and comparing.

use std::time::Duration;

use octo_auth_core::{RecordBytes, RecordName, Saved, StoreError, Stored, TokenSpec, Version};

use crate::registration;
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};

/// Moves a store's clock.
pub(crate) type Advance<'a> = &'a (dyn Fn(Duration) + Send + Sync);

/// Returns a name that no other check uses.
pub(super) fn name(check: &str, number: u32) -> RecordName {
    let account = format!("octo-auth-testkit {check} {number}");
    RecordName::new(&registration::standard(), &TokenSpec::account(&account))
}

/// Returns content that is different for each number.
pub(super) fn content(number: u64) -> RecordBytes {
    RecordBytes::from(format!("content {number}").into_bytes())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(super) fn failed(error: StoreError) -> String {
    format!("a store that should work said: {error}")
}

/// Stores content over the present version. Returns the new version.
pub(super) async fn put(
    shelf: &impl Shelf,
    name: &RecordName,
    expected: Option<Version>,
    content: &RecordBytes,
) -> Result<Version, String> {
    match shelf.swap(name, expected, content).await.map_err(failed)? {
        Saved::Done(version) => Ok(version),
        Saved::Conflict(stored) => Err(format!(
            "a change of {expected:?} met a conflict with {:?}",
            stored.map(|stored| stored.version)
        )),
    }
}

pub(super) async fn load(shelf: &impl Shelf, name: &RecordName) -> Result<Option<Stored>, String> {
    shelf.load(name).await.map_err(failed)
}

/// Returns an error unless this content is stored under this version.
pub(super) async fn holds(
    shelf: &impl Shelf,
    name: &RecordName,
    version: Version,
    content: &RecordBytes,
) -> Found {
    let Some(stored) = load(shelf, name).await? else { return Err("what was stored is gone".to_owned()) };
    expect(stored.version == version, || format!("{:?} is stored, not {version:?}", stored.version))?;
    same(content, &stored.content)
}

/// Returns an error unless both contents are equal. The error names the position but does not show the content.
pub(super) fn same(wanted: &RecordBytes, found: &RecordBytes) -> Found {
    let (wanted, found) = (wanted.as_ref(), found.as_ref());
    let place = wanted.iter().zip(found).take_while(|(wanted, found)| wanted == found).count();
    expect(wanted == found, || {
        format!("{} bytes came back as {}, which differ from byte {place} on", wanted.len(), found.len())
    })
}
