//! The dependencies of the published crates, on any platform and with any feature.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand, Package, PackageId};

/// The packages, and the path by which each is included.
pub(super) struct Tree {
    /// Sorted by name and version.
    pub(super) packages: Vec<Package>,
    /// The dependencies of each package, without itself and without development dependencies.
    edges: BTreeMap<PackageId, BTreeSet<PackageId>>,
    /// The package through which each was reached first; a published crate has none.
    parents: BTreeMap<PackageId, Option<PackageId>>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new().current_dir(root).features(CargoOpt::AllFeatures).exec();
        let metadata = metadata.context("cargo cannot read the tree of dependencies")?;
        let nodes = metadata.resolve.context("cargo gives no tree of dependencies")?.nodes;
        let mut edges = BTreeMap::new();
        for node in nodes {
            let kept = node.deps.into_iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            });
            edges.insert(node.id, kept.map(|dependency| dependency.pkg).collect::<BTreeSet<_>>());
        }
        let published: BTreeSet<_> = metadata.workspace_members.into_iter().collect();
        let is_published =
            |package: &&Package| published.contains(&package.id) && package.publish != Some(Vec::new());
        let roots: Vec<_> =
            metadata.packages.iter().filter(is_published).map(|package| package.id.clone()).collect();
        let parents = reach(&roots, &edges);
        let mut packages: Vec<_> =
            metadata.packages.into_iter().filter(|package| parents.contains_key(&package.id)).collect();
        packages.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        Ok(Self { packages, edges, parents })
    }

    /// Returns the path by which a package is included, from a published crate: `a -> b -> c`.
    pub(super) fn way(&self, package: &Package) -> String {
        let mut way = vec![package.name.to_string()];
        let mut at = &package.id;
        while let Some(Some(parent)) = self.parents.get(at) {
            way.extend(
                self.packages.iter().find(|other| other.id == *parent).map(|other| other.name.to_string()),
            );
            at = parent;
        }
        way.reverse();
        way.join(" -> ")
    }

    /// Returns the named package and all its dependencies, sorted by name and version.
    pub(super) fn of(&self, name: &str) -> Vec<&Package> {
        let root = self.packages.iter().filter(|package| *package.name == *name && package.source.is_none());
        let reached = reach(&root.map(|package| package.id.clone()).collect::<Vec<_>>(), &self.edges);
        self.packages.iter().filter(|package| reached.contains_key(&package.id)).collect()
    }

    /// Returns the direct dependencies of a package.
    pub(super) fn direct(&self, package: &Package) -> Vec<&Package> {
        let ids = self.edges.get(&package.id);
        self.packages.iter().filter(|other| ids.is_some_and(|ids| ids.contains(&other.id))).collect()
    }
}

/// Returns the packages reachable from some packages, nearest first, each with the package through which it was
/// reached.
fn reach(
    roots: &[PackageId],
    edges: &BTreeMap<PackageId, BTreeSet<PackageId>>,
) -> BTreeMap<PackageId, Option<PackageId>> {
    let mut parents: BTreeMap<_, _> = roots.iter().map(|root| (root.clone(), None)).collect();
    let mut next: VecDeque<_> = roots.iter().cloned().collect();
    while let Some(package) = next.pop_front() {
        for other in edges.get(&package).into_iter().flatten() {
            if !parents.contains_key(other) {
                parents.insert(other.clone(), Some(package.clone()));
                next.push_back(other.clone());
            }
        }
    }
    parents
}
