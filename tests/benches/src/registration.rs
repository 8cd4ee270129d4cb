//! The memory of a registration: its heap, and separately that of its HTTP client.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use octo_auth_async::ReqwestTransport;
use octo_auth_blocking::{Client, Profile, UreqTransport};

use crate::comparison::{Group, Kind, Row};
use crate::server::Origin;
use crate::stampede::InMemory;

pub(crate) fn groups() -> Result<[Group; 2]> {
    let client = Client::new(Profile::octorate(), "id", "secret")?;
    let origin = Origin::new(Duration::ZERO);
    let transport = || InMemory(Arc::clone(&origin));
    // One-time allocations of the process.
    drop((ReqwestTransport::new()?, UreqTransport::new()?));
    let own = vec![
        held("octo-auth, async", Kind::Ours, || {
            Ok(octo_auth_async::TokenManager::builder(client.clone()).transport(transport()).build()?)
        })?,
        held("octo-auth, blocking", Kind::Ours, || {
            Ok(octo_auth_blocking::TokenManager::builder(client.clone()).transport(transport()).build()?)
        })?,
    ];
    let transports = vec![
        held("octo-auth, reqwest", Kind::Ours, || Ok(ReqwestTransport::new()?))?,
        held("reqwest alone", Kind::Plain, || Ok(reqwest::Client::builder().no_proxy().build()?))?,
        held("octo-auth, ureq", Kind::Ours, || Ok(UreqTransport::new()?))?,
    ];
    Ok([
        Group::new("heap of a registration of its own", "bytes", own).within(10_000.0),
        Group::new("heap of an HTTP client, which registrations can share", "bytes", transports),
    ])
}

/// Creates a value. Returns the bytes that it holds, and the count of allocations.
fn held<T>(name: &str, kind: Kind, make: impl FnOnce() -> Result<T>) -> Result<Row> {
    let (mut made, mut make) = (None, Some(make));
    let info = allocation_counter::measure(|| made = make.take().map(|make| make()));
    let row = Row {
        name: name.to_owned(),
        kind,
        value: info.bytes_current as f64,
        allocations: Some(info.count_total as f64),
    };
    drop(made.context("it was made")??);
    Ok(row)
}
