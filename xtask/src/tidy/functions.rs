//! The length of functions and closures, also in macro bodies.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{File, Finding};

/// The largest count of lines of a function or closure, from its signature to its closing brace.
const FUNCTION_LINES: usize = 60;

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if !file.is_rust() {
        return;
    }
    match syn::parse_file(&file.text) {
        Ok(parsed) => Functions { file, findings }.visit_file(&parsed),
        Err(error) => {
            let line = error.span().start().line;
            findings.push(Finding::new(file, line, format!("this is no Rust ({error}): correct it")));
        }
    }
}

struct Functions<'a> {
    file: &'a File,
    findings: &'a mut Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        self.judge(&format!("`{}`", signature.ident), first, last);
    }

    fn judge(&mut self, name: &str, first: usize, last: usize) {
        let lines = last + 1 - first;
        if lines > FUNCTION_LINES {
            let text =
                format!("{name} has {lines} lines, {FUNCTION_LINES} are allowed: take a step out of it");
            self.findings.push(Finding::new(self.file, first, text));
        }
    }

    /// Measures the functions in a macro: from `fn` and a name, which may be `$name`, to the end of the next braces.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(word) if word == "fn" => {
                    let first = word.span().start().line;
                    if let Some((name, last)) = function(&tokens[at + 1..]) {
                        self.judge(&format!("`{name}`"), first, last);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.measure(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        let first = closure.or1_token.span.start().line;
        self.judge("the closure", first, closure.body.span().end().line);
        visit::visit_expr_closure(self, closure);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

/// Returns the name of the function whose `fn` precedes these tokens, and the last line of its body.
fn function(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let name = match tokens {
        [TokenTree::Ident(name), ..] => name.to_string(),
        [TokenTree::Punct(sign), TokenTree::Ident(name), ..] if sign.as_char() == '$' => format!("${name}"),
        // The type of a function pointer.
        _ => return None,
    };
    let ends = |token: &&TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ';');
    tokens.iter().take_while(|token| !ends(token)).find_map(|token| match token {
        TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
            Some((name.clone(), body.span_close().end().line))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{FUNCTION_LINES, File, check};

    fn findings(text: String) -> Vec<(usize, String)> {
        let file = File { path: "crates/a/src/lib.rs".to_owned(), text };
        let mut findings = Vec::new();
        check(&file, &mut findings);
        findings.into_iter().map(|finding| (finding.line, finding.text)).collect()
    }

    #[test]
    fn a_function_is_measured_from_its_signature_to_its_brace() {
        let function = |body: usize| {
            format!("struct A;\nimpl A {{\n/// Doc.\nfn f() {{\n{}}}\n}}\n", "f();\n".repeat(body))
        };
        assert_eq!(findings(function(FUNCTION_LINES - 2)), []);
        let found = findings(function(FUNCTION_LINES - 1));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 4);
        assert!(found[0].1.contains("`f` has 61 lines"), "{}", found[0].1);
    }

    #[test]
    fn a_closure_outside_any_function_is_measured_too() {
        let closure = |body: usize| {
            format!("const A: [fn(); 1] = [\n|| match b {{\n{}}},\n];\n", "c => d,\n".repeat(body))
        };
        assert_eq!(findings(closure(FUNCTION_LINES - 2)), []);
        let found = findings(closure(FUNCTION_LINES - 1));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 2);
        assert!(found[0].1.contains("the closure has 61 lines"), "{}", found[0].1);
    }

    #[test]
    fn a_function_in_the_body_of_a_macro_is_measured_too() {
        for name in ["f", "$name"] {
            let macro_rules = |body: usize| {
                let calls = "f();\n".repeat(body);
                format!(
                    "macro_rules! m {{\n($name:ident) => {{\nfn a(b: fn(c));\nfn {name}() {{\n{calls}}}\n}};\n}}\n"
                )
            };
            assert_eq!(findings(macro_rules(FUNCTION_LINES - 2)), []);
            let found = findings(macro_rules(FUNCTION_LINES - 1));
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].0, 4);
            assert!(found[0].1.contains(&format!("`{name}` has 61 lines")), "{}", found[0].1);
        }
    }

    #[test]
    fn text_that_is_no_rust_is_found() {
        assert_eq!(findings("fn f( {}\n".to_owned()).len(), 1);
    }
}
