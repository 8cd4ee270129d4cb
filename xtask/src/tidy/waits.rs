//! Finds tests that wait, or that measure durations.
//!
//! The rule of this module: a test uses the clock that it moves. A fake may define a method with such a name; only
//! calls are findings.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::{File, Finding};

const MOVE: &str = "move the clock instead of waiting";

/// Functions and methods that no test may call, with the alternatives.
const CALLS: [(&str, &str); 4] = [
    ("sleep", MOVE),
    ("sleep_until", MOVE),
    ("park_timeout", MOVE),
    ("elapsed", "judge what happened, not how long it took"),
];

/// Searches the whole of a test file, and the test functions of any other file.
pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if !file.is_rust() {
        return;
    }
    // A text that is not Rust is reported by the check of functions.
    let Ok(parsed) = syn::parse_file(&file.text) else { return };
    let mut waits = Waits { in_test: file.is_test(), found: Vec::new() };
    waits.visit_file(&parsed);
    for (line, text) in waits.found {
        findings.push(Finding::new(file, line, text));
    }
}

struct Waits {
    in_test: bool,
    found: Vec<(usize, String)>,
}

impl Waits {
    fn call(&mut self, name: &Ident) {
        let rule = CALLS.iter().find(|(forbidden, _)| self.in_test && name == forbidden);
        if let Some((_, remedy)) = rule {
            let line = name.span().start().line;
            self.found.push((line, format!("a test calls `{name}` here: {remedy}")));
        }
    }

    /// Searches the input of a macro: a name followed by parentheses is a call.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut last = None;
        for token in tokens {
            if let TokenTree::Group(group) = &token {
                if group.delimiter() == Delimiter::Parenthesis
                    && let Some(TokenTree::Ident(name)) = &last
                {
                    self.call(name);
                }
                self.tokens(group.stream());
            }
            last = Some(token);
        }
    }
}

impl<'ast> Visit<'ast> for Waits {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let last = |attribute: &syn::Attribute| attribute.path().segments.last().map(|it| it.ident.clone());
        let outside = self.in_test;
        self.in_test |= item.attrs.iter().filter_map(last).any(|name| name == "test");
        visit::visit_item_fn(self, item);
        self.in_test = outside;
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func
            && let Some(last) = function.path.segments.last()
        {
            self.call(&last.ident);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.call(&call.method);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn found(path: &str, text: &str) -> Vec<usize> {
        crate::tidy::lines_found(check, path, text)
    }

    const WAITS: [&str; 6] = [
        "thread::sleep(wait);",
        "tokio::time::sleep_until (at).await;",
        "std::thread::park_timeout(wait);",
        "assert!(start.elapsed() < limit);",
        "assert!(\nInstant::elapsed(&start) < limit);",
        "let took = start.elapsed(); assert!(took < limit);",
    ];

    #[test]
    fn a_test_that_waits_or_judges_time_is_found() {
        for wait in WAITS {
            let test = format!("#[tokio::test]\nasync fn f() {{ {wait} }}");
            assert_eq!(found("crates/a/src/lib.rs", &test).len(), 1, "{wait}");
            assert_eq!(found("crates/a/src/lib.rs", &format!("mod tests {{ {test} }}")).len(), 1, "{wait}");
            assert_eq!(found("tests/tests/a.rs", &format!("fn f() {{ {wait} }}")).len(), 1, "{wait}");
        }
    }

    #[test]
    fn other_code_that_waits_and_fakes_of_its_name_are_not_found() {
        for wait in WAITS {
            assert!(found("crates/a/src/lib.rs", &format!("fn f() {{ {wait} }}")).is_empty(), "{wait}");
        }
        for fake in ["impl A for B { fn sleep(&self) {} }", "fn f() { a.elapsed; } // sleep(1)"] {
            assert!(found("tests/tests/a.rs", fake).is_empty(), "{fake}");
        }
    }
}
