//! The imports between the files of a crate.
//!
//! The rule of this module: an arrow leads to the file that defines the imported item, through all `use` declarations
//! in between. An import of a module is not an arrow; the items named through it are. Neither a `mod` declaration nor a
//! re-export of a child's item is an arrow. The input of a macro is read as paths. Code for tests is skipped.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Module, Source};

mod names;

use names::{Import, Scope};

/// The limit of a chain of imports; longer ones are circles of names.
const LONGEST_CHAIN: u32 = 16;

/// The imports among the files of a crate.
pub(super) struct Graph {
    /// For each file, the files it imports from.
    pub(super) arrows: Vec<BTreeSet<usize>>,
    /// The same for items of a child that are re-exported and used in one file.
    hidden: Vec<BTreeSet<usize>>,
}

/// The meaning of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Module(Module),
    /// An item, by the module that defines it.
    ItemOf(Module),
}

impl Graph {
    pub(super) fn of(sources: &[Source]) -> Self {
        let crate_ = Crate { scopes: names::scopes(sources) };
        let none = vec![BTreeSet::new(); sources.len()];
        let mut graph = Self { arrows: none.clone(), hidden: none };
        for (module, scope) in &crate_.scopes {
            let imports = scope.imports.iter().filter_map(|import| crate_.import(module, import));
            let paths = scope.paths.iter().filter_map(|path| crate_.path(module, path));
            graph.arrows[scope.file].extend(imports.chain(paths).filter(|to| *to != scope.file));
            let hidden = scope.paths.iter().filter_map(|path| crate_.hidden(module, path));
            graph.hidden[scope.file].extend(hidden.filter(|to| *to != scope.file));
        }
        graph
    }

    /// Returns the arrows, including those that re-exports hide.
    pub(super) fn with_hidden(&self) -> Vec<BTreeSet<usize>> {
        self.arrows.iter().zip(&self.hidden).map(|(arrows, hidden)| arrows | hidden).collect()
    }
}

/// The modules of a crate and the names in them.
struct Crate {
    scopes: BTreeMap<Module, Scope>,
}

impl Crate {
    /// Returns the target file of an import; `None` outside the crate, for a module, and for a re-export of a child.
    fn import(&self, module: &Module, import: &Import) -> Option<usize> {
        let meaning = self.resolve(module, &import.path, LONGEST_CHAIN)?;
        let re_exports =
            import.is_exported && matches!(&meaning, Meaning::ItemOf(to) if is_below(to, module));
        if re_exports { None } else { self.file(&meaning) }
    }

    /// Returns the target file of a path in the code. For an imported name, the import is the arrow.
    fn path(&self, module: &Module, path: &[String]) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let is_through_module = matches!(first.as_str(), "crate" | "self" | "super")
            || matches!(self.look_up(module, first, false, LONGEST_CHAIN), Some(Meaning::Module(_)));
        if rest.is_empty() || !is_through_module {
            return None;
        }
        self.file(&self.resolve(module, path, LONGEST_CHAIN)?)
    }

    /// Returns the file of a child whose item is used under the name that its parent re-exports.
    fn hidden(&self, module: &Module, path: &[String]) -> Option<usize> {
        let first = path.first()?;
        let named = |import: &&Import| import.is_exported && import.name.as_ref() == Some(first);
        let import = self.scopes.get(module)?.imports.iter().find(named)?;
        self.file(&self.resolve(module, &import.path, LONGEST_CHAIN)?)
    }

    fn file(&self, meaning: &Meaning) -> Option<usize> {
        match meaning {
            Meaning::ItemOf(module) => self.scopes.get(module).map(|scope| scope.file),
            Meaning::Module(_) => None,
        }
    }

    /// Resolves a path from a module; `None` outside the crate.
    fn resolve(&self, module: &Module, path: &[String], chain: u32) -> Option<Meaning> {
        let (first, mut rest) = path.split_first()?;
        let mut meaning = match first.as_str() {
            "crate" => Meaning::Module(Module::new()),
            "self" => Meaning::Module(module.clone()),
            "super" => Meaning::Module(parent(module)?),
            name => self.look_up(module, name, rest.is_empty(), chain)?,
        };
        while let (Meaning::Module(here), Some((next, further))) = (&meaning, rest.split_first()) {
            meaning = match next.as_str() {
                "super" => Meaning::Module(parent(here)?),
                name => self.look_up(here, name, further.is_empty(), chain)?,
            };
            rest = further;
        }
        Some(meaning)
    }

    /// Resolves a name in a module. The last segment of a path means an item rather than a module of that name.
    fn look_up(&self, module: &Module, name: &str, is_last: bool, chain: u32) -> Option<Meaning> {
        let chain = chain.checked_sub(1)?;
        let scope = self.scopes.get(module)?;
        let child: Module = module.iter().cloned().chain([name.to_owned()]).collect();
        let item = scope.items.contains(name).then(|| Meaning::ItemOf(module.clone()));
        let child = self.scopes.contains_key(&child).then_some(Meaning::Module(child));
        let own = if is_last { item.or(child) } else { child.or(item) };
        own.or_else(|| {
            let named = scope.imports.iter().filter(|import| import.name.as_deref() == Some(name));
            named.filter_map(|import| self.resolve(module, &import.path, chain)).next()
        })
        .or_else(|| {
            let globs = scope.imports.iter().filter(|import| import.name.is_none());
            let modules = globs.filter_map(|import| match self.resolve(module, &import.path, chain)? {
                Meaning::Module(other) if other != *module => Some(other),
                Meaning::Module(_) | Meaning::ItemOf(_) => None,
            });
            modules.filter_map(|other| self.look_up(&other, name, is_last, chain)).next()
        })
    }
}

fn parent(module: &Module) -> Option<Module> {
    module.split_last().map(|(_, above)| above.to_vec())
}

fn is_below(module: &Module, above: &Module) -> bool {
    module.len() > above.len() && module.starts_with(above)
}

#[cfg(test)]
mod tests {
    use super::{Graph, Source};

    /// Returns the arrows between files with these texts, as pairs of indices, and those that re-exports hide.
    fn arrows<const N: usize>(files: [(&str, &str); N]) -> [Vec<(usize, usize)>; 2] {
        let sources = files.map(|(path, text)| Source::new(path, text).unwrap());
        let graph = Graph::of(&sources);
        [&graph.arrows, &graph.hidden].map(|all| {
            all.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |to| (from, *to))).collect()
        })
    }

    #[test]
    fn an_arrow_leads_to_the_file_that_defines_the_item_through_every_re_export() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::Deep;"),
            ("a.rs", "mod deep; pub(crate) use deep::Deep;"),
            ("a/deep.rs", "pub struct Deep; pub enum Other { One }"),
            ("b.rs", "use crate::Deep; use std::fmt;"),
            ("c.rs", "use crate::a; fn f() { m!(a::Deep::new()) }"),
            ("d.rs", "fn f() -> super::a::deep::Other { crate::a::deep::Other::One }"),
            ("e.rs", "use crate::a::*; use crate::a::deep::{self, Other as O};"),
        ];
        assert_eq!(arrows(files)[0], [(3, 2), (4, 2), (5, 2), (6, 2)]);
    }

    #[test]
    fn a_child_that_imports_from_its_parent_and_is_imported_by_it_makes_two_arrows() {
        let files = [
            ("a.rs", "mod child; use child::Child; struct Parent(Child); use std::time::Duration;"),
            ("a/child.rs", "use super::{Parent, Duration}; pub(super) struct Child;"),
        ];
        assert_eq!(arrows(files)[0], [(0, 1), (1, 0)]);
    }

    #[test]
    fn a_re_export_of_a_child_is_no_arrow_but_hides_one_where_the_name_is_used() {
        let unused = [("a.rs", "mod child; pub use child::Child;"), ("a/child.rs", "pub struct Child;")];
        assert_eq!(arrows(unused), [vec![], vec![]]);
        let used = [("a.rs", "mod child; pub use child::Child; fn f(c: Child) {}"), unused[1]];
        assert_eq!(arrows(used), [vec![], vec![(0, 1)]]);
    }

    #[test]
    fn what_tests_import_and_how_far_a_name_is_visible_makes_no_arrow() {
        let files = [
            ("a.rs", "pub(super) struct A; pub(in crate::b) fn f() {} mod own { use super::A; }"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert_eq!(arrows(files), [vec![], vec![]]);
    }
}
