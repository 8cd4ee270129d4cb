//! The type with the state of one token spec: its size, and the count of files that contain it.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use syn::visit::{self, Visit};

use super::source::Source;

/// The possible names of the type; the first one that is defined counts.
const NAMES: [&str; 3] = ["TokenState", "Lifecycle", "KeyState"];

/// The counts for the type.
pub(super) struct State {
    pub(super) name: &'static str,
    /// The files that define the type, implement it or name it, by their indices in the list of sources.
    pub(super) named_in: BTreeSet<usize>,
    /// The files with `impl` blocks for it, and the count of blocks in each.
    implemented_in: Vec<(usize, usize)>,
    /// The count of a struct's fields, or of an enum's variants.
    fields: usize,
    methods: usize,
}

impl State {
    /// Finds the type in the sources.
    ///
    /// # Errors
    ///
    /// Returns an error if none of the known names is defined.
    pub(super) fn of(sources: &[Source]) -> Result<Self> {
        for name in NAMES {
            let facts: Vec<Facts> = sources.iter().map(|source| Facts::of(source, name)).collect();
            let Some(fields) = facts.iter().find_map(|facts| facts.fields) else { continue };
            let places = || facts.iter().enumerate();
            return Ok(Self {
                name,
                named_in: places().filter(|(_, facts)| facts.is_named).map(|(file, _)| file).collect(),
                implemented_in: places()
                    .filter(|(_, facts)| facts.blocks > 0)
                    .map(|(file, facts)| (file, facts.blocks))
                    .collect(),
                fields,
                methods: facts.iter().map(|facts| facts.methods).sum(),
            });
        }
        bail!("the core defines none of {}: add the present name of a key's state", NAMES.join(", "));
    }

    /// Prints the counts and each file with `impl` blocks.
    pub(super) fn print(&self, sources: &[Source]) {
        let Self { name, implemented_in, fields, methods, .. } = self;
        let blocks: usize = implemented_in.iter().map(|(_, blocks)| blocks).sum();
        println!("the state of one key, `{name}`");
        for (file, blocks) in implemented_in {
            println!("{blocks:>6}  {}", sources[*file].path);
        }
        let files = implemented_in.len();
        println!("{blocks:>6}  `impl` blocks in {files} files, {fields} fields, {methods} methods\n");
    }
}

/// The facts of one file about the type.
struct Facts {
    name: &'static str,
    is_named: bool,
    fields: Option<usize>,
    blocks: usize,
    methods: usize,
}

impl Facts {
    fn of(source: &Source, name: &'static str) -> Self {
        let mut facts = Self { name, is_named: false, fields: None, blocks: 0, methods: 0 };
        facts.visit_file(&source.syntax);
        facts
    }
}

impl<'ast> Visit<'ast> for Facts {
    fn visit_ident(&mut self, name: &'ast syn::Ident) {
        self.is_named |= name == self.name;
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if item.ident == self.name {
            self.fields = Some(item.fields.len());
        }
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if item.ident == self.name {
            self.fields = Some(item.variants.len());
        }
        visit::visit_item_enum(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let is_its = matches!(&*item.self_ty, syn::Type::Path(own)
            if own.path.segments.last().is_some_and(|last| last.ident == self.name));
        if is_its {
            self.blocks += 1;
            self.methods += item.items.iter().filter(|item| matches!(item, syn::ImplItem::Fn(_))).count();
        }
        visit::visit_item_impl(self, item);
    }
}
