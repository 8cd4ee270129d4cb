//! Rows about a sign-in: the program shows its page and waits for the answer in the way the redirect URI says. No
//! answer comes, and the test ends the program.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::thread;

use http::Uri;
use serde_json::{Value, json};

use super::configuration;
use super::files::Lack;
use super::program::program;
use super::row::Row;
use crate::file_store::Folder;

/// Writes its arguments to a file, one per line. The file is complete once it exists.
const OPENER: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOME/new\" && mv \"$HOME/new\" \"$HOME/opened\"\n";

/// Whether a row is about a sign-in.
pub(super) fn is_meant(row: &Row) -> bool {
    browser(row).is_some() || row.expect.contains_key("port") || row.expect.contains_key("mode")
}

/// Returns the variable with which a user selects a browser. The program passes it on to the command that opens pages.
fn browser(row: &Row) -> Option<&str> {
    row.input.get("env")?["BROWSER"].as_str()
}

pub(super) fn observe(row: &Row) -> Result<Value, Lack> {
    let home = Folder::new();
    let mut command = program(&home, &["login", "--wait", "60", "--config"])?;
    let (file, bin) = (home.path().join("config.toml"), home.path().join("bin"));
    fs::write(&file, configuration::file(row)?)?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    command.arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
    match browser(row) {
        None => command.arg("--no-browser"),
        Some(_) if !cfg!(target_os = "linux") => {
            return Err(Lack::Needs("a system that opens pages by xdg-open"));
        }
        Some(browser) => {
            fs::create_dir(&bin)?;
            fs::write(bin.join("xdg-open"), OPENER)?;
            fs::set_permissions(bin.join("xdg-open"), Permissions::from_mode(0o700))?;
            let path = std::env::var("PATH").unwrap_or_default();
            let path = format!("{}:{path}", bin.display());
            command.env("BROWSER", browser).env("DISPLAY", ":7").env("PATH", path)
        }
    };
    let mut child = command.spawn()?;
    let observed = shown(&mut child).and_then(|shown| facts(row, &home, &mut child, &shown));
    child.kill()?;
    child.wait()?;
    observed
}

/// The program's output until it waits for an answer.
struct Shown {
    page: Uri,
    is_pasted: bool,
}

fn shown(child: &mut Child) -> Result<Shown, Lack> {
    let (mut page, mut told) = (None, String::new());
    for line in BufReader::new(child.stderr.take().ok_or("no standard error")?).lines() {
        let line = line?;
        let is_pasted = line.starts_with("Copy the whole address");
        if let (Some(page), true) = (&page, is_pasted || line.starts_with("Waiting at ")) {
            return Ok(Shown { page: Uri::clone(page), is_pasted });
        }
        if line.starts_with("  http") {
            page = Some(line.trim().parse()?);
        }
        told.push_str(&line);
    }
    Err(Lack::Failed(format!("it waits for no answer: {told}")))
}

fn facts(row: &Row, home: &Folder, child: &mut Child, shown: &Shown) -> Result<Value, Lack> {
    let query = shown.page.query().unwrap_or_default();
    let sent = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "redirect_uri");
    let sent = sent.ok_or("no redirect URI")?.1.into_owned();
    let mode = if shown.is_pasted { "paste" } else { "listen" };
    let mut facts = json!({"outcome": "ok", "sent": sent, "mode": mode});
    let port = sent.parse::<Uri>()?.port_u16().filter(|_| !shown.is_pasted);
    if let Some(port) = port {
        let listens = TcpStream::connect(("127.0.0.1", port)).is_ok();
        facts["port"] = json!(if port != 0 && listens { "ephemeral" } else { "none" });
    }
    if browser(row).is_some() {
        let opened = home.path().join("opened");
        while !opened.is_file() && matches!(child.try_wait(), Ok(None)) {
            thread::yield_now();
        }
        let items = fs::read_to_string(opened)?;
        let items: Vec<&str> = items.lines().collect();
        if items.concat() != shown.page.to_string() {
            return Err(Lack::Failed(format!("another address was opened: {items:?}")));
        }
        facts["argv_items_for_url"] = json!(items.len());
    }
    Ok(facts)
}
