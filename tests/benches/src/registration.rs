//! What a registration of its own takes: heap that is held, and what it allocates to be made, with the HTTP client's share
//! apart.

use std::time::Duration;

use allocation_counter::measure;
use octo_auth_async::ReqwestTransport;
use octo_auth_blocking::{Client, Profile, UreqTransport};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The most bytes that a registration may hold without its HTTP client.
const TARGET: i64 = 10_000;

/// Carries nothing.
struct Unsent;

#[async_trait::async_trait]
impl octo_auth_async::Transport for Unsent {
    async fn send(
        &self,
        _: &http::Request<octo_auth_async::Body>,
        _: Duration,
    ) -> std::result::Result<http::Response<octo_auth_async::Body>, octo_auth_async::Fault> {
        Err(octo_auth_async::Fault::not_sent("nothing is sent"))
    }
}

impl octo_auth_blocking::Transport for Unsent {
    fn send(
        &self,
        _: &http::Request<octo_auth_blocking::Body>,
        _: Duration,
    ) -> std::result::Result<http::Response<octo_auth_blocking::Body>, octo_auth_blocking::Fault> {
        Err(octo_auth_blocking::Fault::not_sent("nothing is sent"))
    }
}

fn main() -> Result<()> {
    let client = Client::new(Profile::octorate(), "id", "secret")?;
    let asynchronous = || octo_auth_async::Accounts::builder(client.clone());
    let blocking = || octo_auth_blocking::Accounts::builder(client.clone());
    // What is made once in a process.
    drop((ReqwestTransport::new()?, UreqTransport::new()?));
    let own = [
        held("async registration", || asynchronous().transport(Unsent).build())?,
        held("blocking registration", || blocking().transport(Unsent).build())?,
    ];
    held("reqwest transport", ReqwestTransport::new)?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    held("reqwest client alone", || reqwest::Client::builder().no_proxy().build())?;
    held("ureq transport", UreqTransport::new)?;
    if own.iter().any(|bytes| *bytes > TARGET) {
        std::process::exit(1);
    }
    Ok(())
}

/// Makes something and prints what it holds. Returns the bytes.
fn held<T, E: std::error::Error + 'static>(
    what: &str,
    make: impl Fn() -> std::result::Result<T, E>,
) -> Result<i64> {
    let mut made = None;
    let info = measure(|| made = Some(make()));
    let made = made.ok_or("it was made")??;
    println!("{what:<22} {:>8} bytes held, {:>6} allocations", info.bytes_current, info.count_total);
    drop(made);
    Ok(info.bytes_current)
}
