//! Builds the manual as a book with mdbook, and follows the links of its pages.
//!
//! mdbook is optional: `cargo install mdbook`. The links of the sources are checked without it, by tidy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const MANUAL: &str = "crates/octo-auth-manual";
const BUILT: &str = "target/manual";

/// Returns whether mdbook is installed.
pub(crate) fn is_possible() -> bool {
    Command::new("mdbook")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Builds the book. A warning of mdbook or a link that leads nowhere is an error.
pub(crate) fn run(root: &Path) -> Result<()> {
    let output = Command::new("mdbook").args(["build", MANUAL]).current_dir(root).output();
    let output = output.context("cannot run mdbook: install it with `cargo install mdbook`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && !said.contains("WARN") && !said.contains("ERROR"), "{}", said.trim());
    let (count, broken) = broken(&root.join(BUILT))?;
    ensure!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    println!("{BUILT}/index.html: {count} links lead to a file and its place");
    Ok(())
}

/// Returns the count of the links inside a folder of pages, and those that lead to no file or to no place on a page.
fn broken(folder: &Path) -> Result<(usize, Vec<String>)> {
    let (mut count, mut broken) = (0, Vec::new());
    // The page of a missing page is served at any depth, and begins its links with a slash.
    for page in pages(folder)?.iter().filter(|page| !page.ends_with("404.html")) {
        let text = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
        for target in ["href=\"", "src=\""].iter().flat_map(|attribute| values(&text, attribute)) {
            if target.contains(':') || target.is_empty() {
                continue;
            }
            count += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let mut file = page.clone();
            if !path.is_empty() {
                file = page.parent().unwrap_or(folder).join(path);
            }
            let has_anchor = || {
                let id = format!("id=\"{anchor}\"");
                anchor.is_empty() || fs::read_to_string(&file).is_ok_and(|text| text.contains(&id))
            };
            if !file.exists() || !has_anchor() {
                broken.push(format!("{}: {target}", page.strip_prefix(folder)?.display()));
            }
        }
    }
    Ok((count, broken))
}

/// Returns the values of an attribute.
fn values<'t>(text: &'t str, attribute: &str) -> impl Iterator<Item = &'t str> {
    text.split(attribute).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0))
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            pages.extend(self::pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            pages.push(path);
        }
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::broken;

    #[test]
    fn a_link_leads_to_a_file_and_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("how-to")).unwrap();
        let page = r##"<a href="../b.html#there"> <a href="#here"> <a id="here" href="https://example.com/"> <img src="../c.svg">"##;
        fs::write(folder.path().join("how-to/a.html"), page).unwrap();
        fs::write(folder.path().join("b.html"), r#"<h1 id="there">"#).unwrap();
        fs::write(folder.path().join("c.svg"), "").unwrap();
        assert_eq!(broken(folder.path()).unwrap(), (3, Vec::new()));
        fs::write(
            folder.path().join("b.html"),
            r#"<a href="c.html"> <a href="how-to/a.html#there"> <a href="how-to/a.html#here">"#,
        )
        .unwrap();
        let (_, mut found) = broken(folder.path()).unwrap();
        found.sort();
        assert_eq!(
            found,
            ["b.html: c.html", "b.html: how-to/a.html#there", "how-to/a.html: ../b.html#there"]
        );
    }
}
