//! The words in the sources.
//!
//! A word is a string literal in a method `code` that takes `self` alone, or in a method of the same file that it calls.
//! Where a macro of the file writes that method, it is a word that the macro is given. The exit codes of a program are the
//! numbers of its enum `Exit`. Tests are passed over.

use std::collections::BTreeSet;

use proc_macro2::{Literal, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::Code;
use crate::tidy::File;

/// Returns the words of a source file of a crate.
pub(super) fn codes(file: &File) -> Vec<Code> {
    let Some((package, place)) = file.path.strip_prefix("crates/").and_then(|path| path.split_once('/'))
    else {
        return Vec::new();
    };
    if !file.is_rust() || !place.starts_with("src/") {
        return Vec::new();
    }
    // Text that is no Rust is reported where functions are measured.
    let Ok(parsed) = syn::parse_file(&file.text) else { return Vec::new() };
    let words = words(&parsed);
    words.into_iter().filter(|word| is_word(word)).map(|word| (package.to_owned(), word)).collect()
}

fn words(parsed: &syn::File) -> Vec<String> {
    let mut source = Source::default();
    source.visit_file(parsed);
    let mut words = source.exits;
    let mut called = BTreeSet::new();
    for (_, body) in source.methods.iter().filter(|(name, _)| name == "code") {
        let mut found = Literals::default();
        found.visit_block(body);
        words.extend(found.texts);
        called.extend(found.called);
    }
    for (_, body) in source.methods.iter().filter(|(name, _)| name != "code" && called.contains(name)) {
        let mut found = Literals::default();
        found.visit_block(body);
        words.extend(found.texts);
    }
    for (name, given) in source.given {
        if source.writers.contains(&name) {
            literals(given, &mut words);
        }
    }
    words
}

/// Whether a text is a word rather than a sentence.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:*".contains(&byte))
}

/// What matters of a file.
#[derive(Default)]
struct Source<'ast> {
    /// Methods that take `self` alone.
    methods: Vec<(String, &'ast syn::Block)>,
    /// Macros that write a method `code`.
    writers: BTreeSet<String>,
    /// What macros are given.
    given: Vec<(String, TokenStream)>,
    exits: Vec<String>,
}

impl<'ast> Visit<'ast> for Source<'ast> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) || item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.inputs.len() == 1 && item.sig.receiver().is_some() {
            self.methods.push((item.sig.ident.to_string(), &item.block));
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        match &item.ident {
            Some(name) if writes_code(item.mac.tokens.clone()) => {
                self.writers.insert(name.to_string());
            }
            Some(_) => {}
            None => {
                let name = item.mac.path.segments.last().map(|last| last.ident.to_string());
                self.given.extend(name.map(|name| (name, item.mac.tokens.clone())));
            }
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if item.ident != "Exit" {
            return;
        }
        for variant in &item.variants {
            if let Some((_, syn::Expr::Lit(number))) = &variant.discriminant
                && let syn::Lit::Int(number) = &number.lit
            {
                self.exits.push(number.base10_digits().to_owned());
            }
        }
    }
}

/// Whether `fn code` stands in the tokens.
fn writes_code(tokens: TokenStream) -> bool {
    let mut after_fn = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => writes_code(group.stream()),
        TokenTree::Ident(word) => {
            let is_code = after_fn && word == "code";
            after_fn = word == "fn";
            is_code
        }
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The string literals of a body, but those of patterns, and the methods that it calls.
#[derive(Default)]
struct Literals {
    texts: Vec<String>,
    called: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Literals {
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.texts.push(with_star(&literal.value()));
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        literals(called.tokens.clone(), &mut self.texts);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.called.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }
}

/// Collects the string literals of tokens.
fn literals(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => found.extend(text(literal)),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

fn text(literal: Literal) -> Option<String> {
    match syn::Lit::new(literal) {
        syn::Lit::Str(literal) => Some(with_star(&literal.value())),
        _ => None,
    }
}

/// The text with `*` for what is filled in: `http:{}` is `http:*`.
fn with_star(text: &str) -> String {
    text.split_once('{').map_or_else(|| text.to_owned(), |(before, _)| format!("{before}*"))
}

#[cfg(test)]
mod tests {
    use super::{File, codes};

    fn words(text: &str) -> Vec<String> {
        let file = File { path: "crates/octo-auth-core/src/a.rs".to_owned(), text: text.to_owned() };
        codes(&file).into_iter().map(|(_, word)| word).collect()
    }

    #[test]
    fn words_stand_in_code_and_in_what_it_calls_and_not_in_patterns_tests_and_other_functions() {
        let text = r#"
            impl A {
                fn code(&self) -> String {
                    match self {
                        Self::Written("pattern") => "written",
                        Self::Status(status) => format!("http:{status}"),
                        _ => self.word(),
                    }
                }
                fn word(&self) -> &str { "called" }
                fn other(&self) -> &str { "other" }
                fn code_of(&self, text: &str) -> &str { "two" }
            }
            fn code(text: &str) -> &str { "free" }
            #[cfg(test)]
            mod tests { impl B { fn code(&self) -> &str { "test" } } }
        "#;
        assert_eq!(words(text), ["written", "http:*", "called"]);
    }

    #[test]
    fn words_are_given_to_a_macro_that_writes_code() {
        let text = r#"
            macro_rules! errors { ($($name:ident $word:literal)*) => { impl A { fn code(&self) -> &str { $word } } } }
            macro_rules! others { ($word:literal) => {} }
            errors! { A "first" B "a sentence" }
            others! { "not_this" }
        "#;
        assert_eq!(words(text), ["first"]);
    }

    #[test]
    fn exit_codes_are_the_numbers_of_exit() {
        assert_eq!(words("enum Exit { Done = 0, No = 1 }\nenum Other { A = 5 }"), ["0", "1"]);
    }
}
