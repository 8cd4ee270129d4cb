//! The rules of deny.toml about licences, bans and sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Package;
use spdx::{Expression, ParseMode};

use super::tree::Tree;

const FILE: &str = "deny.toml";

pub(super) struct Rules {
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
}

impl Rules {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let rules: toml::Table = text.parse().with_context(|| format!("{FILE} is not TOML"))?;
        let list =
            |table: &str, key: &str| rules.get(table).and_then(|table| table.get(key)?.as_array()).cloned();
        let licences =
            list("licenses", "allow").with_context(|| format!("{FILE} lacks `allow` of [licenses]"))?;
        let banned = list("bans", "deny").unwrap_or_default();
        Ok(Self {
            licences: licences.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
            banned: banned.iter().filter_map(|ban| Some(ban.get("name")?.as_str()?.to_owned())).collect(),
        })
    }

    /// Returns the packages that violate a rule, each with the path by which it is included.
    pub(super) fn findings(&self, tree: &Tree) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for package in &tree.packages {
            let way = tree.way(package);
            if let Some(what) = self.licence(package) {
                found.push(format!("{way}: {what}: remove what brings it in, or allow it in {FILE}"));
            }
            if self.banned.contains(package.name.as_str()) {
                found.push(format!("{way}: {FILE} bans {}: remove what brings it in", package.name));
            }
            // A package without a source belongs to this workspace. A registry's name may differ if it is accessed
            // through a mirror.
            if package.source.as_ref().is_some_and(|source| !source.is_crates_io()) {
                found.push(format!(
                    "{way}: it comes from another source than the usual registry: use a release of it"
                ));
            }
        }
        Ok(found)
    }

    /// Returns the problem of a package's licence.
    fn licence(&self, package: &Package) -> Option<String> {
        let Some(licence) = &package.license else { return Some("it names no licence".to_owned()) };
        let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
            return Some(format!("its licence `{licence}` is not one that SPDX knows"));
        };
        let is_allowed = expression.evaluate(|one| self.licences.contains(&one.to_string()));
        (!is_allowed).then(|| format!("its licence `{licence}` is not allowed"))
    }
}
