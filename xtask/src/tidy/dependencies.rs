//! The limits of each crate's dependencies.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Finding;

/// The limits of one crate's dependency tree.
struct Promise {
    package: &'static str,
    /// Whether it is built with its default features.
    has_defaults: bool,
    absent: &'static [&'static str],
    /// The largest count of crates in its tree, including itself.
    most: Option<usize>,
}

const PROMISES: [Promise; 7] = [
    Promise {
        package: "octo-auth-core",
        has_defaults: true,
        absent: &["axum", "hyper", "rand", "reqwest", "rustls", "tokio", "ureq", "url"],
        most: Some(28),
    },
    Promise {
        package: "octo-auth-blocking",
        has_defaults: true,
        absent: &["async-trait", "hyper", "reqwest", "tokio"],
        most: None,
    },
    // The configuration of a crate that only implements its traits.
    Promise {
        package: "octo-auth-async",
        has_defaults: false,
        absent: &["hyper", "reqwest", "rustls", "ureq"],
        most: None,
    },
    // The core and small libraries.
    Promise {
        package: "octo-auth-store-file",
        has_defaults: true,
        absent: &[
            "async-trait",
            "octo-auth-driver",
            "octo-auth-system",
            "reqwest",
            "rustls",
            "tokio",
            "ureq",
        ],
        most: Some(40),
    },
    // No HTTP, and no second TLS implementation.
    Promise {
        package: "octo-auth-store-postgres",
        has_defaults: true,
        absent: &["hyper", "native-tls", "openssl", "reqwest", "ureq"],
        most: None,
    },
    Promise {
        package: "octo-auth-store-redis",
        has_defaults: true,
        absent: &["hyper", "native-tls", "openssl", "reqwest", "ureq"],
        most: None,
    },
    Promise {
        package: "octo-auth-testkit",
        has_defaults: true,
        absent: &["async-trait", "hyper", "reqwest", "rustls", "tokio", "ureq"],
        most: None,
    },
];

pub(super) fn check(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    for promise in &PROMISES {
        let tree = tree(root, promise)?;
        let mut report = |text: String| {
            findings.push(Finding { path: format!("crates/{}/Cargo.toml", promise.package), line: 1, text });
        };
        for name in promise.absent.iter().filter(|name| tree.iter().any(|(present, _)| present == *name)) {
            report(format!(
                "the crate depends on `{name}`, which it promises not to: remove what brings it in"
            ));
        }
        if let Some(most) = promise.most.filter(|most| tree.len() > *most) {
            report(format!("its tree has {} crates, {most} are allowed: remove a dependency", tree.len()));
        }
    }
    Ok(())
}

/// Returns name and version of every crate in a package's dependency tree.
fn tree(root: &Path, promise: &Promise) -> Result<BTreeSet<(String, String)>> {
    let output = crate::cargo()
        .args(["tree", "--package", promise.package, "--prefix", "none", "--edges", "normal"])
        .args((!promise.has_defaults).then_some("--no-default-features"))
        .current_dir(root)
        .output()
        .context("cannot run cargo tree")?;
    ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8(output.stdout).context("cargo tree wrote something other than UTF-8")?;
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    Ok(text.lines().filter_map(entry).collect())
}
