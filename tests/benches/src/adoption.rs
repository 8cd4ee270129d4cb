//! The costs of adopting a library just to get a token: crates, build time, size.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::comparison::{Comparison, Group, Kind, Row, Target};

/// A minimal program that gets a token, or, with a core alone, builds the request for one.
struct Program {
    name: &'static str,
    kind: Kind,
    /// Its dependencies in the syntax of a manifest; `{crates}` is the folder of our crates.
    dependencies: &'static str,
    source: &'static str,
}

macro_rules! program {
    ($name:literal, $kind:ident, $file:literal, $dependencies:expr) => {
        Program {
            name: $name,
            kind: Kind::$kind,
            dependencies: $dependencies,
            source: include_str!(concat!("../programs/", $file, ".rs")),
        }
    };
}

const TOKIO: &str = "tokio = { version = \"1\", features = [\"macros\", \"rt\"] }\n";

/// The cores, then those with an HTTP client.
const PROGRAMS: [Program; 11] = [
    program!(
        "floor: JSON, no client",
        Floor,
        "floor",
        "http = \"1\"\nserde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\nform_urlencoded = \"1\""
    ),
    program!(
        "octo-auth-core",
        Ours,
        "core",
        "http = \"1\"\nocto-auth-core = { path = \"{crates}/octo-auth-core\" }"
    ),
    program!(
        "oauth2, no client",
        Peer,
        "oauth2_core",
        "oauth2 = { version = \"5\", default-features = false }"
    ),
    program!(
        "ureq 3 alone",
        Plain,
        "ureq",
        "serde_json = \"1\"\nureq = { version = \"3\", features = [\"json\", \"platform-verifier\"] }"
    ),
    program!(
        "octo-auth-blocking",
        Ours,
        "blocking",
        "octo-auth-blocking = { path = \"{crates}/octo-auth-blocking\" }"
    ),
    program!(
        "oauth2 with ureq 2",
        Peer,
        "oauth2_ureq",
        "oauth2 = { version = \"5\", default-features = false, features = [\"ureq\"] }"
    ),
    program!(
        "reqwest 0.13 alone",
        Plain,
        "reqwest",
        "reqwest = { version = \"0.13\", default-features = false, features = [\"form\", \"json\", \"rustls-no-provider\"] }\nrustls = { version = \"0.23\", default-features = false, features = [\"ring\"] }\nserde_json = \"1\"\n"
    ),
    program!("octo-auth-async", Ours, "async", "octo-auth-async = { path = \"{crates}/octo-auth-async\" }\n"),
    program!("oauth2 with reqwest 0.12", Peer, "oauth2_reqwest", "oauth2 = \"5\"\n"),
    program!("yup-oauth2", Peer, "yup", "yup-oauth2 = \"12\"\n"),
    program!("azure_identity", Peer, "azure", "azure_core = \"1\"\nazure_identity = \"1\"\n"),
];

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    let folder = crate::root().join("target/bench/adoption");
    let (mut crates, mut cpu, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for program in &PROGRAMS {
        let place = program.write(&folder).with_context(|| format!("the program of {}", program.name))?;
        let row = |value| Row { name: program.name.to_owned(), kind: program.kind, value, allocations: None };
        crates.push(row(count_crates(&place)?));
        if !options.quick {
            let built = program.build(&place).with_context(|| format!("building {}", program.name))?;
            cpu.push(row(built.cpu));
            sizes.push(row(built.megabytes));
        }
    }
    let mut groups = vec![Group::new("crates in the tree", "crates", crates).plotted()];
    groups.extend((!options.quick).then(|| Group::new("debug build", "CPU s", cpu)));
    groups.extend((!options.quick).then(|| Group::new("release binary, stripped", "MB", sizes).plotted()));
    let mut groups: Vec<Group> = groups.into_iter().map(bounded).collect();
    groups.iter_mut().for_each(core_bounds);
    Ok(Comparison {
        name: "adoption".to_owned(),
        title: "What does a program take on that only wants a token?".to_owned(),
        about: "Minimal programs, each built from nothing with the library's default features. The cores build a request \
            and read an answer without sending it. Less is better."
            .to_owned(),
        groups,
        growths: Vec::new(),
        left_out: vec![
            ("google-cloud-auth, aws-config".to_owned(), "their TLS needs a C compiler and minutes to build".to_owned()),
            ("build time and size".to_owned(), "a quick run counts the crates alone".to_owned()),
        ][..if options.quick { 2 } else { 1 }]
            .to_vec(),
    })
}

/// Sets the targets of each adapter, relative to the HTTP client that it uses.
fn bounded(mut group: Group) -> Group {
    let (more, factor) = match &*group.unit {
        "crates" => (15.0, 1.0),
        "CPU s" => (0.0, 1.15),
        _ => (0.0, 1.05),
    };
    for (ours, client) in [("octo-auth-blocking", "ureq 3 alone"), ("octo-auth-async", "reqwest 0.13 alone")]
    {
        let (Some(seen), Some(client_value)) = (group.value(ours), group.value(client)) else { continue };
        let text = format!("{}: {ours}, at most {factor} x {client} + {more}", group.title);
        group.targets.push(Target { text, seen, limit: factor * client_value + more });
    }
    group
}

/// Sets the targets of the core alone.
fn core_bounds(group: &mut Group) {
    let limit = match &*group.unit {
        "crates" => 28.0,
        "CPU s" => 12.0,
        _ => return,
    };
    if let Some(seen) = group.value("octo-auth-core") {
        let text = format!("{}: octo-auth-core, at most {limit} {}", group.title, group.unit);
        group.targets.push(Target { text, seen, limit });
    }
}

struct Build {
    cpu: f64,
    megabytes: f64,
}

impl Program {
    /// Writes the package. Returns its folder.
    fn write(&self, folder: &Path) -> Result<PathBuf> {
        let place = folder.join(self.name.replace([' ', ':', ','], "-"));
        fs::create_dir_all(place.join("src"))?;
        let crates = crate::root().join("crates").canonicalize()?;
        let crates = crates.to_str().context("the path of the project is not UTF-8")?;
        let tokio = if self.source.contains("tokio::main") { TOKIO } else { "" };
        let manifest = format!(
            "[package]\nname = \"minimal\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}\n{tokio}\n\
             [profile.release]\nstrip = true\n",
            self.dependencies.replace("{crates}", crates)
        );
        fs::write(place.join("Cargo.toml"), manifest)?;
        fs::write(place.join("src/main.rs"), self.source)?;
        Ok(place)
    }

    /// Builds it from scratch.
    fn build(&self, place: &Path) -> Result<Build> {
        let target = place.join("target");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        // `times` prints the time of the shell's children, including their own children.
        let script = "cargo build --quiet && times";
        let debug =
            Command::new("sh").args(["-c", script]).current_dir(place).stderr(Stdio::inherit()).output()?;
        ensure!(debug.status.success(), "cargo build failed");
        let text = String::from_utf8_lossy(&debug.stdout);
        let children = text.lines().nth(1).context("`times` printed nothing")?;
        let cpu = children.split_whitespace().filter_map(seconds).sum();
        let release =
            Command::new("cargo").args(["build", "--quiet", "--release"]).current_dir(place).status()?;
        ensure!(release.success(), "cargo build --release failed");
        let megabytes = fs::metadata(target.join("release/minimal"))?.len() as f64 / 1e6;
        fs::remove_dir_all(&target)?;
        Ok(Build { cpu, megabytes })
    }
}

/// Reads `1m2.50s`.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
}

/// Counts the crates with which a program is built, without itself.
fn count_crates(place: &Path) -> Result<f64> {
    let output = Command::new("cargo")
        .args(["tree", "--prefix", "none", "--edges", "normal", "--format", "{p}"])
        .current_dir(place)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "cargo tree failed");
    let text = String::from_utf8(output.stdout)?;
    let crates = text.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
    let crates: std::collections::BTreeSet<String> = crates.filter(|line| !line.is_empty()).collect();
    Ok(crates.len().saturating_sub(1) as f64)
}
