//! Many mutants in one source file, each switched by its number, so that one build serves all.
//!
//! Each edit inserts text or replaces an operator, so that mutants inside each other's operands do not interfere. An
//! operand occurs once, whatever the count of mutants. A value that is needed at compile time, such as a constant,
//! cannot be switched.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Result;
use syn::BinOp;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::list::Mutant;

/// The code added to the root of the crate: it tells whether a mutant is switched on.
pub(super) const SWITCH: &str = r#"
fn mutant(number: usize) -> bool {
    static NUMBER: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let read = || std::env::var("OCTO_AUTH_MUTANT").ok().and_then(|number| number.parse().ok());
    *NUMBER.get_or_init(|| read().unwrap_or(0)) == number
}
"#;

/// The variable that [`SWITCH`] reads.
pub(super) const VARIABLE: &str = "OCTO_AUTH_MUTANT";

/// A source file with mutants, and the position of each.
pub(super) struct Embedded {
    pub(super) text: String,
    pub(super) places: Vec<(usize, Range<usize>)>,
}

/// Embeds those numbered mutants that can be switched.
///
/// # Errors
///
/// Returns an error if the text is not Rust.
pub(super) fn embed(source: &str, mutants: &[(usize, &Mutant)]) -> Result<Embedded> {
    let mut at: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &(number, mutant) in mutants {
        at.entry((&*mutant.genre, mutant.place.start)).or_default().push((number, &*mutant.replacement));
    }
    let mut embedder = Embedder { source, at, edits: Vec::new() };
    embedder.visit_file(&syn::parse_file(source)?);
    // At one position, the edits keep the order of the visit: the outer edit starts first and ends last.
    embedder.edits.sort_by_key(|(place, _)| place.start);
    let (mut text, mut done) = (String::new(), 0);
    for (place, edit) in &embedder.edits {
        text.push_str(&source[done..place.start]);
        text.push_str(edit);
        done = place.end;
    }
    text.push_str(&source[done..]);
    let places = places(&text);
    Ok(Embedded { text, places })
}

/// Marks the code of one mutant, for [`places`].
fn marked(number: usize, code: &str) -> String {
    format!("/*<{number}>*/{code}/*</>*/")
}

fn places(text: &str) -> Vec<(usize, Range<usize>)> {
    let parts = text.match_indices("/*<").filter_map(|(start, _)| {
        let number = text[start + 3..].split('>').next()?.parse().ok()?;
        Some((number, start..start + text[start..].find("/*</>*/")?))
    });
    parts.collect()
}

struct Embedder<'a> {
    source: &'a str,
    /// The numbers and replacements of the mutants of a genre that begin at a byte.
    at: BTreeMap<(&'a str, usize), Vec<(usize, &'a str)>>,
    edits: Vec<(Range<usize>, String)>,
}

type Here<'a> = Vec<(usize, &'a str)>;

impl<'a> Embedder<'a> {
    fn here(&self, genre: &'a str, place: &Range<usize>) -> Here<'a> {
        self.at.get(&(genre, place.start)).cloned().unwrap_or_default()
    }

    fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.edits.push((at..at, text.into()));
    }

    fn function(&mut self, signature: &syn::Signature, body: Option<&syn::Block>) {
        let Some(first) = body.and_then(|body| body.stmts.first()) else { return };
        // All returned values must have one type, which such a signature does not name.
        let is_named = match &signature.output {
            syn::ReturnType::Type(_, returned) => !matches!(**returned, syn::Type::ImplTrait(_)),
            syn::ReturnType::Default => true,
        };
        let place = first.span().byte_range();
        for (number, value) in self.here("FnValue", &place) {
            if is_named {
                let code = marked(number, &format!("return {value};"));
                self.insert(place.start, format!("if crate::mutant({number}) {{ {code} }} "));
            }
        }
    }

    /// Writes the parts of an expression: texts to insert, with operands between them, and the texts that they replace.
    fn binary(&mut self, binary: &syn::ExprBinary, [before, between, after]: [&str; 3]) {
        let operator = binary.op.span().byte_range();
        self.insert(binary.left.span().byte_range().start, before);
        self.visit_expr(&binary.left);
        self.edits.push((operator, between.to_owned()));
        self.visit_expr(&binary.right);
        self.insert(binary.right.span().byte_range().end, after);
    }
}

/// Selects between the mutants of an operator and the operator itself.
fn choice(mutants: &Here<'_>, operator: &str, write: impl Fn(&str) -> String) -> String {
    let mutants = mutants.iter().map(|(number, operator)| {
        format!("if crate::mutant({number}) {{ {} }} else ", marked(*number, &write(operator)))
    });
    format!("{}{{ {} }}", mutants.collect::<String>(), write(operator))
}

impl<'ast> Visit<'ast> for Embedder<'_> {
    // Evaluated at compile time.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.sig.constness.is_none() {
            self.function(&item.sig, Some(&item.block));
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.constness.is_none() {
            self.function(&item.sig, Some(&item.block));
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.default.as_ref());
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let place = binary.op.span().byte_range();
        let mutants = self.here("BinaryOperator", &place);
        let Some((number, _)) = mutants.first() else { return visit::visit_expr_binary(self, binary) };
        let operator = &self.source[place.clone()];
        match binary.op {
            BinOp::And(_) | BinOp::Or(_) => {
                let goes_on = if matches!(binary.op, BinOp::And(_)) { "!=" } else { "==" };
                let between = format!("; if left_ {goes_on} crate::mutant({number}) {{");
                self.binary(binary, ["({ let left_ = ", &between, " } else { left_ } })"]);
            }
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                let chosen = choice(&mutants, operator, |operator| format!("*left_ {operator} *right_"));
                let after = format!(")) {{ (left_, right_) => {chosen} }})");
                self.binary(binary, ["(match (&(", "), &(", &after]);
            }
            _ if operator.ends_with('=') => {
                let left = binary.left.span().byte_range();
                let target = &self.source[left.clone()];
                let chosen = choice(&mutants, operator, |operator| format!("{target} {operator} right_;"));
                self.edits.push((left.start..place.end, "({ let right_ = ".to_owned()));
                self.visit_expr(&binary.right);
                self.insert(binary.right.span().byte_range().end, format!("; {chosen} }})"));
            }
            _ => {
                let chosen = choice(&mutants, operator, |operator| format!("left_ {operator} right_"));
                let after = format!(")) {{ (left_, right_) => {chosen} }})");
                self.binary(binary, ["(match ((", "), (", &after]);
            }
        }
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let place = unary.op.span().byte_range();
        let mutants = self.here("UnaryOperator", &place);
        if mutants.is_empty() {
            return visit::visit_expr_unary(self, unary);
        }
        let chosen = choice(&mutants, &self.source[place.clone()], |operator| format!("{operator}operand_"));
        self.edits.push((place, "(match (".to_owned()));
        self.visit_expr(&unary.expr);
        self.insert(unary.expr.span().byte_range().end, format!(") {{ operand_ => {chosen} }})"));
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let takes_all = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_)) && arm.guard.is_none();
        if expression.arms.iter().any(takes_all) {
            for arm in &expression.arms {
                for (number, _) in self.here("MatchArm", &arm.span().byte_range()) {
                    self.insert(arm.pat.span().byte_range().end, format!(" if !crate::mutant({number})"));
                }
            }
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            let place = guard.span().byte_range();
            let mutants = self.here("MatchArmGuard", &place);
            for (number, value) in &mutants {
                let condition = if *value == "true" { "crate" } else { "!crate" };
                let goes_on = if *value == "true" { "||" } else { "&&" };
                self.insert(place.start, format!("({condition}::mutant({number}) {goes_on} "));
            }
            self.visit_expr(guard);
            self.insert(place.end, ")".repeat(mutants.len()));
        }
        self.visit_expr(&arm.body);
    }

    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

#[cfg(test)]
mod tests {
    use super::{Mutant, embed};

    const SOURCE: &str = "const DAY: u32 = 24 * 60;\n\
        fn is_due(age: u32, left: u32) -> bool {\n    age < left + 1 && !is_over(age)\n}\n\
        fn word(age: u32) -> u32 {\n    match age {\n        0 if is_over(age) => 1,\n        1 => 2,\n        _ => 3,\n    }\n}\n";

    /// Returns the mutants that replace these texts, each of which occurs once in the source.
    fn mutants(all: &[(&str, &str, &str)]) -> Vec<Mutant> {
        let mutant = |(genre, text, replacement): &(&str, &str, &str)| {
            let start = SOURCE.find(text).unwrap();
            let (name, file) = (String::new(), String::new());
            let (genre, replacement) = ((*genre).to_owned(), (*replacement).to_owned());
            Mutant { name, file, line: 1, genre, place: start..start + text.len(), replacement }
        };
        all.iter().map(mutant).collect()
    }

    fn embedded(all: &[(&str, &str, &str)]) -> String {
        let mutants = mutants(all);
        embed(SOURCE, &(1..).zip(&mutants).collect::<Vec<_>>()).unwrap().text
    }

    #[test]
    fn a_source_without_mutants_stays_as_it_is() {
        assert_eq!(embedded(&[]), SOURCE);
    }

    #[test]
    fn mutants_within_the_operands_of_others_are_each_switched_once() {
        let text = embedded(&[
            ("FnValue", "age < left + 1 && !is_over(age)", "true"),
            ("BinaryOperator", "<", "=="),
            ("BinaryOperator", "<", "<="),
            ("BinaryOperator", "+", "-"),
            ("BinaryOperator", "&&", "||"),
            ("UnaryOperator", "!", ""),
            ("MatchArmGuard", "is_over(age) =>", "true"),
            ("MatchArmGuard", "is_over(age) =>", "false"),
            ("MatchArm", "1 => 2,", ""),
        ]);
        syn::parse_file(&text).unwrap();
        for number in 1..=9 {
            assert_eq!(text.matches(&format!("::mutant({number})")).count(), 1, "{number}: {text}");
        }
        assert!(
            text.contains("if left_ != crate::mutant(5)") && text.contains("*left_ <= *right_"),
            "{text}"
        );
    }

    #[test]
    fn a_constant_is_not_switched() {
        assert_eq!(embedded(&[("BinaryOperator", "*", "+")]), SOURCE);
    }
}
