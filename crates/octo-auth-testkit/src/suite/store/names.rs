//! Checks of names: compared byte for byte, listed by prefix.

use std::time::Duration;

use octo_auth_core::{RecordName, Version};

use super::operations::{content, failed, holds, put};
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};

/// The digest at the end of the names.
const DIGEST: &str = "0123456789abcdef0123456789abcdef";

/// The longest name, in bytes.
const LONGEST: usize = 200;

pub(super) async fn compared(shelf: &impl Shelf) -> Found {
    let names = alike()?;
    let mut versions = Vec::new();
    for (name, number) in names.iter().zip(0..) {
        let version = put(shelf, name, None, &content(number)).await;
        versions.push(version.map_err(|error| format!("{name} is taken for another name: {error}"))?);
    }
    for ((name, version), number) in names.iter().zip(versions).zip(0..) {
        let found = holds(shelf, name, version, &content(number)).await;
        found.map_err(|error| format!("{name} is taken for another name: {error}"))?;
    }
    Ok(())
}

/// Returns names that differ in one byte, or of which one is a prefix of the other.
fn alike() -> Result<Vec<RecordName>, String> {
    let base = format!("server.example.com.client-1.0123456789abcdef.account.testkit-names.{DIGEST}");
    let changes = [
        ("server", "Server"),
        ("example.com", "example-com"),
        ("client-1", "client_1"),
        ("client-1", "client-2"),
        (".0123", ".1123"),
        ("testkit-names", "testkit.names"),
        ("testkit-names", "testkit_names"),
        ("testkit-names", "testkit-nameS"),
    ];
    let mut texts: Vec<String> = changes.iter().map(|(from, to)| base.replacen(from, to, 1)).collect();
    let begun = base.trim_end_matches(DIGEST);
    let other_digests =
        [DIGEST.replacen('0', "1", 1), DIGEST.replacen('f', "F", 1), format!("{DIGEST}.{DIGEST}")];
    texts.extend(other_digests.map(|digest| format!("{begun}{digest}")));
    let long = format!("{begun}{}.{DIGEST}", "n".repeat(LONGEST - base.len() - 1));
    texts.push(long.replacen("nn", "nm", 1));
    texts.extend([base, long]);
    texts.iter().map(|text| parsed(text)).collect()
}

fn parsed(text: &str) -> Result<RecordName, String> {
    RecordName::parse(text).map_err(|error| format!("{text}: {error}"))
}

pub(super) async fn listed(shelf: &impl Shelf) -> Found {
    let of = |client: &str| parsed(&format!("list.{client}.account.inn.{DIGEST}"));
    let [one, other] = [of("a_b.0000000000000001")?, of("a-b.0000000000000001")?];
    let unwritten = of("a_b.0000000000000002")?;
    for name in [&one, &other] {
        put(shelf, name, None, &content(1)).await?;
    }
    // Neither a conflicting change nor a claim creates a record.
    drop(shelf.swap(&unwritten, Some(Version(1)), &content(1)).await.map_err(failed)?);
    shelf.claim(&unwritten, "one", Duration::from_secs(1)).await.map_err(failed)?;
    lists(shelf, "list.", &[&one, &other]).await?;
    lists(shelf, one.registration(), &[&one]).await?;
    lists(shelf, "list.a_", &[&one]).await?;
    lists(shelf, one.as_str(), &[&one]).await?;
    for unknown in ["list.a.", "list.A", "ist.a", "list%", "list*", "list.a?b", &format!("{one}0")] {
        lists(shelf, unknown, &[]).await?;
    }
    let all = list(shelf, "").await?;
    let is_there = |name: &RecordName| all.iter().filter(|listed| *listed == name).count() == 1;
    let is_whole = is_there(&one) && is_there(&other) && !all.contains(&unwritten);
    expect(is_whole, || format!("all names are listed as {}", shown(&all)))
}

/// Returns an error unless the store lists exactly these names for the prefix.
pub(super) async fn lists(shelf: &impl Shelf, prefix: &str, names: &[&RecordName]) -> Found {
    let listed = list(shelf, prefix).await?;
    let mut wanted: Vec<RecordName> = names.iter().map(|name| (*name).clone()).collect();
    wanted.sort();
    expect(listed == wanted, || {
        format!("the prefix `{prefix}` lists {}, not {}", shown(&listed), shown(&wanted))
    })
}

/// Returns the stored names with this prefix, sorted.
async fn list(shelf: &impl Shelf, prefix: &str) -> Result<Vec<RecordName>, String> {
    let mut names = shelf.list(prefix).await.map_err(failed)?;
    names.sort();
    Ok(names)
}

fn shown(names: &[RecordName]) -> String {
    let names: Vec<&str> = names.iter().map(RecordName::as_str).collect();
    format!("[{}]", names.join(", "))
}
