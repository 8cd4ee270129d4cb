//! The project's invariants, and the tests that check each.
//!
//! The rule of this module: an invariant that is due has a test whose name begins with its number, such as
//! `i04_with_a_valid_token_no_failure_reaches_the_caller`. No test names an invariant that is not in the list.

mod list;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use list::{Due, INVARIANTS, Invariant};

/// The folders of the tests.
const FOLDERS: [&str; 2] = ["crates", "tests"];

/// The tests of each invariant by its number, such as `I17b`.
type Held = BTreeMap<String, Vec<String>>;

/// Prints each invariant with its tests. Returns whether every due invariant has a test and no test names an unknown
/// one.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let held = held(root)?;
    let mut is_sound = true;
    for Invariant { number, sentence, due } in &INVARIANTS {
        println!("{number:<5} {sentence}");
        match held.get(*number) {
            Some(tests) => tests.iter().for_each(|test| println!("      -> {test}")),
            None => {
                is_sound = false;
                println!("      NO TEST");
            }
        }
        if let Due::Partly(open) = due {
            println!("      open: {open}");
        }
    }
    for (number, tests) in held.iter().filter(|(number, _)| !is_known(number)) {
        is_sound = false;
        println!("{number:<5} is no invariant, and is named by {}", tests.join(", "));
    }
    let tests: usize = held.values().map(Vec::len).sum();
    let open = INVARIANTS.iter().filter(|own| own.due != Due::Now).count();
    println!("invariants: {}, {open} of them open in part, {tests} tests", INVARIANTS.len());
    Ok(is_sound)
}

fn is_known(number: &str) -> bool {
    INVARIANTS.iter().any(|invariant| invariant.number == number)
}

/// Collects the tests that name an invariant.
fn held(root: &Path) -> Result<Held> {
    let mut held = Held::new();
    for folder in FOLDERS {
        for path in rust_files(&root.join(folder))? {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            for (number, name) in named(&text) {
                held.entry(number).or_default().push(format!("{place}: {name}"));
            }
        }
    }
    Ok(held)
}

/// Lists the Rust files of a folder, sorted; skips build folders.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "target" {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Finds the tests of a text that name an invariant: the number and the test's name. A text that is not Rust has none.
fn named(text: &str) -> Vec<(String, String)> {
    tests(text).into_iter().filter_map(|name| Some((number(&name)?, name))).collect()
}

/// Returns the names of the tests of a text. Text that is no Rust has none.
pub(crate) fn tests(text: &str) -> Vec<String> {
    let Ok(file) = syn::parse_file(text) else { return Vec::new() };
    let mut tests = Tests { found: Vec::new() };
    tests.visit_file(&file);
    tests.found
}

/// The functions marked `#[test]`, also inside macros such as `proptest!`.
struct Tests {
    found: Vec<String>,
}

impl Tests {
    /// Searches the input of a macro for `#[test]`, followed by `fn` and the name.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut is_test = false;
        let mut after_fn = false;
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    is_test |= is_test_attribute(&group.stream());
                    self.tokens(group.stream());
                }
                TokenTree::Ident(name) if after_fn => {
                    if is_test {
                        self.found.push(name.to_string());
                    }
                    (is_test, after_fn) = (false, false);
                }
                TokenTree::Ident(word) => after_fn = word == "fn",
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// Whether the tokens in brackets mark a test: `test` or a path that ends with it.
fn is_test_attribute(tokens: &TokenStream) -> bool {
    let last = tokens.clone().into_iter().filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    });
    last.last().is_some_and(|word| word == "test")
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let last = |attribute: &syn::Attribute| attribute.path().segments.last().map(|it| it.ident.clone());
        if item.attrs.iter().filter_map(last).any(|name| name == "test") {
            self.found.push(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

/// Returns the number of the invariant with which a test's name begins: `I17b` for `i17b_…`.
fn number(name: &str) -> Option<String> {
    let (first, sentence) = name.strip_prefix('i')?.split_once('_')?;
    let digits = first.strip_suffix(|last: char| last.is_ascii_lowercase()).unwrap_or(first);
    let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
    (is_number && !sentence.is_empty()).then(|| format!("I{first}"))
}

#[cfg(test)]
mod tests {
    use super::{INVARIANTS, named};

    #[test]
    fn tests_are_found_as_functions_and_inside_macros() {
        let text = "
            #[test] fn i04_a_valid_token_is_served() {}
            #[tokio::test] async fn i17b_time_goes_on() {}
            proptest! { #![proptest_config(x)] #[test] fn i05_it_can_stand(a in 0..3) { prop_assert!(f(a)) } }
            mod inner { #[test] #[should_panic] fn i36_gone() {} }";
        let found: Vec<_> = named(text).into_iter().map(|(number, _)| number).collect();
        assert_eq!(found, ["I04", "I17b", "I05", "I36"]);
    }

    #[test]
    fn what_is_no_test_or_has_no_number_is_not_found() {
        for text in [
            "fn i04_helps() {}",
            "#[test] fn it_works() {}",
            "#[test] fn i4_is_short() {}",
            "#[test] fn i040_is_long() {}",
            "proptest! { fn i05_is_no_test(a in 0..3) {} }",
            "#[test] fn i06() {}",
            "no rust",
        ] {
            assert!(named(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_list_is_in_order_and_each_invariant_is_a_sentence() {
        assert!(INVARIANTS.windows(2).all(|pair| pair[0].number < pair[1].number));
        for invariant in &INVARIANTS {
            assert!(invariant.sentence.ends_with('.'), "{}", invariant.number);
        }
    }
}
