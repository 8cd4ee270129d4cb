//! The committed counts, with their compiler and host.

use std::fmt::{self, Write};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Counts;

/// The file of the baseline.
const PATH: &str = "tests/instructions/baseline.toml";

/// The baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Baseline {
    pub(super) toolchain: Toolchain,
    /// Why it was written.
    pub(super) reason: String,
    pub(super) counts: Counts,
}

/// The factors of a count besides the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toolchain {
    /// The first line of `rustc -vV`, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
    compiler: String,
    /// The target triple of this machine.
    host: String,
}

impl Toolchain {
    pub(super) fn of_this_machine(root: &Path) -> Result<Self> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).arg("-vV").current_dir(root).output().context("cannot run rustc")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let compiler = text.lines().next().context("rustc does not name its version")?.to_owned();
        let host =
            text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
        Ok(Self { compiler, host: host.to_owned() })
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.compiler, self.host)
    }
}

impl Baseline {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = root.join(PATH);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{PATH} is no baseline"))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        fs::write(root.join(PATH), self.text()).with_context(|| format!("cannot write {PATH}"))?;
        println!("{PATH}: {} counts of {}", self.counts.len(), self.toolchain);
        Ok(())
    }

    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let word = |name: &str| {
            let value = table.get(name).and_then(toml::Value::as_str);
            value.map(str::to_owned).with_context(|| format!("`{name}` is missing"))
        };
        let counts = table.get("instructions").and_then(toml::Value::as_table);
        let counts = counts.context("`instructions` is missing")?.iter().map(|(name, value)| {
            let count = value.as_float().with_context(|| format!("`{name}` is no number with a point"))?;
            Ok((name.clone(), count))
        });
        Ok(Self {
            toolchain: Toolchain { compiler: word("compiler")?, host: word("host")? },
            reason: word("reason")?,
            counts: counts.collect::<Result<_>>()?,
        })
    }

    fn text(&self) -> String {
        let mut text = "# Instructions per round, counted by callgrind.\n\
            # Written by `cargo xtask instructions --accept \"the reason\"`.\n"
            .to_owned();
        let Toolchain { compiler, host } = &self.toolchain;
        for (name, value) in [("compiler", compiler), ("host", host), ("reason", &self.reason)] {
            // A JSON string is also a TOML string, except for a DEL, which no command line contains.
            let _ = writeln!(text, "{name} = {}", serde_json::Value::from(value.as_str()));
        }
        text += "\n[instructions]\n";
        for (name, count) in &self.counts {
            let _ = writeln!(text, "{name} = {count:.1}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Counts, Toolchain};

    #[test]
    fn a_baseline_is_read_as_it_was_written_whatever_the_reason() {
        let toolchain = Toolchain { compiler: "rustc 1.95.0".to_owned(), host: "x86_64".to_owned() };
        let counts = Counts::from([("cold-decision".to_owned(), 5000.0), ("header".to_owned(), 164.3)]);
        let reason = "a \"quoted\" reason \\ with\nlines".to_owned();
        let baseline = Baseline { toolchain, reason, counts };
        assert_eq!(Baseline::parse(&baseline.text()).unwrap(), baseline);
    }

    #[test]
    fn a_baseline_without_a_part_says_which() {
        let whole = "compiler = \"c\"\nhost = \"h\"\nreason = \"r\"\n[instructions]\na = 1.0\n";
        assert!(Baseline::parse(whole).is_ok());
        for (part, name) in [("host = \"h\"", "host"), ("[instructions]", "instructions"), ("1.0", "a")] {
            let error = Baseline::parse(&whole.replace(part, if part == "1.0" { "\"x\"" } else { "" }));
            assert!(error.unwrap_err().to_string().contains(&format!("`{name}`")), "{part}");
        }
    }
}
