//! Opens the provider's page in the person's browser.

use std::borrow::Cow;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use octo_auth_core::{Diagnostic, Remedy};

/// The error of a page that was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is not suitable for a browser: it is neither `https`, nor `http` to this machine.
    #[error("only https pages, and http pages of this machine, are opened in a browser")]
    Address,
    /// There is no display, or no program that opens pages.
    #[error("there is no browser that can be opened from here")]
    NoBrowser(#[source] Option<io::Error>),
}

impl Diagnostic for OpenError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Address => "page_address",
            Self::NoBrowser(_) => "no_browser",
        })
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Address => Remedy::FixConfiguration,
            Self::NoBrowser(_) => Remedy::TryLater { after: Duration::ZERO },
        }
    }
}

/// Returns the commands that open a page, in the order in which they are tried.
///
/// Each command gets the URL as one argument, and none is a shell.
///
/// # Errors
///
/// Returns [`OpenError::Address`] if the URL is not suitable for a browser. The URL is then not passed to any program.
pub fn open_commands(page: &str) -> Result<Vec<Command>, OpenError> {
    let is_plain = page.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || !is_for_browsers(page) {
        return Err(OpenError::Address);
    }
    Ok(open::commands(page))
}

/// Opens a page in the person's browser and returns without waiting for it.
///
/// # Errors
///
/// Returns an [`OpenError`] if the page was not opened. Show the URL then, so that the person can open it.
pub fn open_page(page: &str) -> Result<(), OpenError> {
    let commands = open_commands(page)?;
    if !has_display() {
        return Err(OpenError::NoBrowser(None));
    }
    let mut last = None;
    for mut command in commands {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match quiet.spawn() {
            Ok(mut child) => {
                // A thread waits for the child, so that it does not become a zombie.
                let _ = std::thread::Builder::new().spawn(move || child.wait());
                return Ok(());
            }
            Err(error) => last = Some(error),
        }
    }
    Err(OpenError::NoBrowser(last))
}

fn is_for_browsers(page: &str) -> bool {
    let Some((scheme, rest)) = page.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return false;
    }
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| !port.ends_with(']'))
        .map_or(authority, |(host, _)| host);
    let is_here = host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    scheme.eq_ignore_ascii_case("https") || (scheme.eq_ignore_ascii_case("http") && is_here)
}

/// Whether a browser could show a window.
#[cfg(all(unix, not(target_os = "macos")))]
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn has_display() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_for_a_browser_is_passed_to_no_program() {
        for page in [
            "file:///usr/bin/calc",
            "javascript:alert(1)",
            "--remote-debugging-port=1",
            "-",
            "",
            "http://as.example/authorize",
            "https://",
            "https://user@as.example/",
            "https://as.example/a b",
            "https://as.example/\u{e9}",
            "https://as.example/\n",
            "HTTP://127.0.0.1.evil.example/",
            "ftp://127.0.0.1/",
        ] {
            assert!(matches!(open_commands(page), Err(OpenError::Address)), "{page:?}");
        }
    }

    #[test]
    fn the_address_is_one_argument_and_no_program_is_a_shell() {
        for page in [
            "https://as.example/$(id)?a=%60id%60&b=--x;c|d",
            "http://127.0.0.1:4000/auth.example/authorize",
            "http://[::1]:4000/authorize",
            "http://localhost/authorize",
        ] {
            let commands = open_commands(page).expect("a page for a browser");
            assert!(!commands.is_empty());
            for command in commands {
                let arguments: Vec<_> = command.get_args().filter(|argument| *argument == page).collect();
                assert_eq!(arguments.len(), 1, "{command:?}");
                assert_ne!(command.get_program(), "sh", "{command:?}");
            }
        }
    }
}
