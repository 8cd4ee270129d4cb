//! The parsed sources of a crate, each with its module.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

use crate::invariants::rust_files;

/// The path of a module from the crate's root; empty for the root itself.
pub(super) type Module = Vec<String>;

/// A source file of a crate.
pub(super) struct Source {
    /// Its path below `src`, such as `grant/pkce.rs`.
    pub(super) path: String,
    pub(super) module: Module,
    /// All lines, including empty ones and comments.
    pub(super) lines: usize,
    pub(super) syntax: syn::File,
}

/// Reads the sources of a crate, sorted by path.
///
/// # Errors
///
/// Returns an error if a file cannot be read or is not Rust.
pub(super) fn read(src: &Path) -> Result<Vec<Source>> {
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let below = path.strip_prefix(src).unwrap_or(path).to_string_lossy().replace('\\', "/");
        Source::new(&below, &text).with_context(|| format!("{} is no Rust", path.display()))
    };
    let mut sources = rust_files(src)?.iter().map(read).collect::<Result<Vec<_>>>()?;
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Result<Self> {
        let parts: Vec<_> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let is_root = matches!(parts.as_slice(), [root] if root == "lib" || root == "main");
        let module = if is_root { Module::new() } else { parts };
        let (lines, syntax) = (text.lines().count(), syn::parse_file(text)?);
        Ok(Self { path: path.to_owned(), module, lines, syntax })
    }

    /// Returns whether the file is that module of the crate's root, or below it.
    pub(super) fn is_in(&self, module: &str) -> bool {
        self.module.first().is_some_and(|first| first == module)
    }

    /// Counts the structs, enums and traits that are defined outside tests.
    pub(super) fn types(&self) -> usize {
        let mut types = Types(0);
        types.visit_file(&self.syntax);
        types.0
    }
}

/// Returns whether an item is compiled only for tests.
pub(super) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let word = attribute.parse_args::<syn::Ident>();
        attribute.path().is_ident("cfg") && word.is_ok_and(|word| word == "test")
    })
}

struct Types(usize);

impl<'ast> Visit<'ast> for Types {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_struct(&mut self, _: &'ast syn::ItemStruct) {
        self.0 += 1;
    }

    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {
        self.0 += 1;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.0 += 1;
        visit::visit_item_trait(self, item);
    }
}
