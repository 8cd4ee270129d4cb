//! The length of functions, and tests that wait.

use syn::visit::{self, Visit};

use super::{File, Finding};

/// The longest a function may be, in lines, from its signature to its closing brace.
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
        let lines = last + 1 - first;
        if lines > FUNCTION_LINES {
            let name = &signature.ident;
            let text =
                format!("`{name}` has {lines} lines, {FUNCTION_LINES} are allowed: take a step out of it");
            self.findings.push(Finding::new(self.file, first, text));
        }
    }

    /// Reports a test inside a source file that waits; whole test files are searched by word.
    fn waits(&mut self, item: &syn::ItemFn) {
        let is_test = item
            .attrs
            .iter()
            .any(|attribute| attribute.path().segments.last().is_some_and(|segment| segment.ident == "test"));
        if !is_test || self.file.is_test() {
            return;
        }
        let mut waits = Waits(Vec::new());
        waits.visit_block(&item.block);
        for line in waits.0 {
            self.findings.push(Finding::new(self.file, line, "a test waits here: move the clock instead"));
        }
    }
}

/// The lines of a test on which it waits.
struct Waits(Vec<usize>);

impl<'ast> Visit<'ast> for Waits {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func {
            let name = function.path.segments.last().map(|segment| &segment.ident);
            if let Some(name) = name.filter(|name| *name == "sleep" || *name == "sleep_until") {
                self.0.push(name.span().start().line);
            }
        }
        visit::visit_expr_call(self, call);
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        self.waits(item);
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
    fn a_test_that_waits_is_found_and_other_code_that_waits_is_not() {
        let wait = "fn f() {\n    sleep(1);\n}\n";
        assert_eq!(findings(wait.to_owned()), []);
        assert_eq!(findings(format!("#[tokio::test]\nasync {wait}")).len(), 1);
    }

    #[test]
    fn text_that_is_no_rust_is_found() {
        assert_eq!(findings("fn f( {}\n".to_owned()).len(), 1);
    }
}
