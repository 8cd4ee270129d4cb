//! Compares the content of the published packages with a committed list.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;

use super::readme;
use super::secret::Secrets;
use super::workspace::Workspace;

/// The committed list.
pub(super) const LIST: &str = "xtask/release/contents.txt";

/// A line of the list: a crate or `*`, and a file or `folder/**.ending`.
struct Entry<'a> {
    package: &'a str,
    pattern: &'a str,
}

impl Entry<'_> {
    fn is_of(&self, package: &str) -> bool {
        self.package == "*" || self.package == package
    }

    fn matches(&self, file: &str) -> bool {
        match self.pattern.split_once("**") {
            Some((folder, ending)) => file.starts_with(folder) && file.ends_with(ending),
            None => file == self.pattern,
        }
    }
}

/// Returns the problems of the packages, each with its remedy. Nothing is written.
pub(crate) fn findings(workspace: &Workspace, secrets: &Secrets) -> Result<Vec<String>> {
    let path = workspace.root.join(LIST);
    let list = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let entries: Vec<_> = lines
        .filter_map(|line| line.split_once(' '))
        .map(|(package, pattern)| Entry { package, pattern: pattern.trim() })
        .collect();
    let mut found = Vec::new();
    for package in &workspace.crates {
        let files = files(&workspace.root, &package.name)?;
        let own: Vec<_> = entries.iter().filter(|entry| entry.is_of(&package.name)).collect();
        for file in files.iter().filter(|file| !own.iter().any(|entry| entry.matches(file))) {
            found.push(format!(
                "{} would hold `{file}`, which {LIST} does not name: remove it, or name it there",
                package.name
            ));
        }
        for entry in own.iter().filter(|entry| !files.iter().any(|file| entry.matches(file))) {
            // A rule for all crates need not match in each of them.
            if entry.package != "*" || !entry.pattern.contains("**") {
                found.push(format!("{} would lack `{}`, which {LIST} names", package.name, entry.pattern));
            }
        }
        found.extend(read(package, &files, secrets)?);
    }
    Ok(found)
}

/// Searches the files for secrets, and the README for links that lead out of the package.
fn read(package: &Package, files: &BTreeSet<String>, secrets: &Secrets) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent().context("a manifest is in no folder")?;
    let mut found = Vec::new();
    for file in files {
        // A file that cargo generates does not exist yet.
        let Ok(content) = fs::read(folder.join(file)) else { continue };
        if let Some(what) = secrets.find(file, &content) {
            found.push(format!(
                "{} would publish {what} in `{file}`: remove it, and renew the secret",
                package.name
            ));
        }
    }
    if let Some(readme) = &package.readme {
        let text = fs::read_to_string(folder.join(readme))
            .with_context(|| format!("{} has no {readme}", package.name))?;
        for link in readme::leading_out(&text, files) {
            found.push(format!(
                "{}: the link `{link}` of its {readme} leads to no file of the package: write the whole address",
                package.name
            ));
        }
    }
    Ok(found)
}

/// Returns the files of a package as cargo would pack them.
fn files(root: &Path, package: &str) -> Result<BTreeSet<String>> {
    let output = crate::cargo()
        .args(["package", "--list", "--allow-dirty", "--package", package])
        .current_dir(root)
        .output()
        .context("cannot run cargo package")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo package --list failed for {package}: {}", said.trim());
    let text = String::from_utf8(output.stdout).context("cargo names a file that is not UTF-8")?;
    Ok(text.lines().map(|line| line.replace('\\', "/")).collect())
}

#[cfg(test)]
mod tests {
    use super::{LIST, findings};
    use crate::release::fixture::Fixture;
    use crate::release::secret::Secrets;
    use crate::release::workspace::Workspace;

    fn found(fixture: &Fixture) -> Vec<String> {
        let secrets = Secrets::new([("SAMPLE_TOKEN".to_owned(), "canary-4711-canary".to_owned())]);
        findings(&Workspace::read(fixture.root()).unwrap(), &secrets).unwrap()
    }

    #[test]
    fn packages_as_they_are_listed_pass() {
        assert_eq!(found(&Fixture::listed()), Vec::<String>::new());
    }

    #[test]
    fn a_stray_file_is_named() {
        let fixture = Fixture::listed();
        fixture.write("sample-zero/secrets.env", "A=1\n");
        let found = found(&fixture);
        assert!(found[0].starts_with("sample-zero would hold `secrets.env`, which"), "{found:?}");
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let fixture = Fixture::listed();
        fixture.append(LIST, "sample-app src/data.txt\n");
        assert_eq!(found(&fixture), [format!("sample-app would lack `src/data.txt`, which {LIST} names")]);
    }

    #[test]
    fn the_value_of_a_secret_variable_and_a_private_key_are_found_and_not_shown() {
        let fixture = Fixture::listed();
        fixture.append("sample-app/src/lib.rs", "// canary-4711-canary\n");
        fixture.write("sample-zero/src/key.rs", "// -----BEGIN EC PRIVATE KEY-----\n");
        let found = found(&fixture);
        assert!(found[0].contains("a private key in `src/key.rs`"), "{found:?}");
        assert!(found[1].contains("the value of the variable SAMPLE_TOKEN in `src/lib.rs`"), "{found:?}");
        assert!(!found.concat().contains("canary-4711"), "{found:?}");
    }

    #[test]
    fn a_link_or_an_image_of_the_readme_that_leads_out_of_the_package_is_named() {
        let fixture = Fixture::listed();
        fixture.append("sample-zero/README.md", "\n[guide](../docs/guide.md) ![picture](logo.png)\n");
        let found = found(&fixture);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("the link `../docs/guide.md` of its README.md"), "{found:?}");
        assert!(found[1].contains("the link `logo.png`"), "{found:?}");
    }
}
