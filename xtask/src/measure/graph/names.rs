//! The names of each module: its definitions, its imports, and the paths in its code.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::UseTree;
use syn::visit::{self, Visit};

use crate::measure::source::{Module, Source, is_for_tests};

/// The content of one module.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The index of its file in the list of sources.
    pub(super) file: usize,
    /// The names of the items it defines.
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// The paths in its code, including those of one segment.
    pub(super) paths: BTreeSet<Vec<String>>,
}

/// One name that a `use` imports.
#[derive(Debug)]
pub(super) struct Import {
    /// `None` for all names of a module.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    /// Whether it is visible outside its module and that module's children.
    pub(super) is_exported: bool,
}

/// Reads every module of a crate, including inline ones.
pub(super) fn scopes(sources: &[Source]) -> BTreeMap<Module, Scope> {
    let mut scopes = BTreeMap::new();
    for (file, source) in sources.iter().enumerate() {
        let mut reader = Reader { file, module: source.module.clone(), scopes: &mut scopes };
        reader.scope();
        reader.visit_file(&source.syntax);
    }
    scopes
}

struct Reader<'a> {
    file: usize,
    module: Module,
    scopes: &'a mut BTreeMap<Module, Scope>,
}

impl Reader<'_> {
    fn scope(&mut self) -> &mut Scope {
        let file = self.file;
        self.scopes.entry(self.module.clone()).or_insert_with(|| Scope { file, ..Scope::default() })
    }

    fn define(&mut self, name: &syn::Ident) {
        self.scope().items.insert(name.to_string());
    }

    /// Reads the leaves of a tree of imports.
    fn branch(&mut self, tree: &UseTree, above: &[String], is_exported: bool) {
        let below = |name: &syn::Ident| {
            let is_above = name == "self" && !above.is_empty();
            above.iter().cloned().chain((!is_above).then(|| name.to_string())).collect::<Vec<_>>()
        };
        let (name, path) = match tree {
            UseTree::Path(tree) => return self.branch(&tree.tree, &below(&tree.ident), is_exported),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.branch(tree, above, is_exported));
            }
            UseTree::Name(tree) => (below(&tree.ident).pop(), below(&tree.ident)),
            UseTree::Rename(tree) => (Some(tree.rename.to_string()), below(&tree.ident)),
            UseTree::Glob(_) => (None, above.to_vec()),
        };
        self.scope().imports.push(Import { name, path, is_exported });
    }

    /// Reads the paths in the input of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut before = [' '; 2];
        for token in tokens {
            match token {
                TokenTree::Ident(name) if before == [':', ':'] && !path.is_empty() => {
                    path.push(name.to_string());
                }
                TokenTree::Ident(name) => self.note(std::mem::replace(&mut path, vec![name.to_string()])),
                TokenTree::Group(group) => {
                    self.note(std::mem::take(&mut path));
                    self.tokens(group.stream());
                }
                TokenTree::Punct(sign) if sign.as_char() == ':' => {
                    before = [before[1], ':'];
                    continue;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.note(std::mem::take(&mut path)),
            }
            before = [' '; 2];
        }
        self.note(path);
    }

    fn note(&mut self, path: Vec<String>) {
        if !path.is_empty() {
            self.scope().paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() && !is_for_tests(&item.attrs) {
            self.module.push(item.ident.to_string());
            self.scope();
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() && !is_for_tests(&item.attrs) {
            self.branch(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.note(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.define(&item.sig.ident);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.define(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.define(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.define(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.define(&item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.define(&item.ident);
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.define(&item.ident);
        visit::visit_item_static(self, item);
    }
}
