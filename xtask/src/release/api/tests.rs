use super::{ACCEPTED, Compared, run};
use crate::release::fixture::Fixture;

/// Returns a sample whose API texts are accepted.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.write(
        "sample-zero/src/lib.rs",
        "//! A.\n/// A.\npub struct Count { /** A. */ pub of: u32 }\n/// A.\npub enum Kind { /** A. */ One }\n\
         /// A.\npub trait Draw { /** A. */ fn draw(&self); }\n/// A.\npub const ZERO: u32 = 0;\n",
    );
    // One crate is enough.
    fixture.replace("Cargo.toml", "sample-*", "sample-zero");
    fixture.replace("Cargo.toml", "sample-middle = { path = \"sample-middle\", version = \"0.1.0\" }\n", "");
    assert_eq!(run(fixture.root(), Some("the first text")).unwrap(), Compared::AsBefore);
    fixture
}

#[test]
fn changes_of_the_code_are_found_until_they_are_accepted_for_a_reason() {
    let fixture = fixture();
    let source = "sample-zero/src/lib.rs";
    fixture.replace(source, "pub of: u32", "pub of: u64, _own: std::rc::Rc<()>");
    fixture.replace(source, "One", "One, /** A. */ Two");
    fixture.replace(
        source,
        "fn draw(&self);",
        "fn draw(&self); /** A. */ fn fill(&self); /** A. */ fn clear(&self) {}",
    );
    assert_eq!(run(fixture.root(), None).unwrap(), Compared::Differs);
    assert!(run(fixture.root(), Some(" ")).is_err());
    assert_eq!(run(fixture.root(), Some("a count may be larger")).unwrap(), Compared::AsBefore);
    assert_eq!(fixture.text(ACCEPTED), "breaking sample-zero: a count may be larger\n");
    let text = fixture.text("xtask/release/api/sample-zero.txt");
    for line in [
        "rust-version 1.85.0\n",
        "pub sample_zero::Count::of: u64\n",
        "pub sample_zero::Kind::Two\n",
        "pub fn sample_zero::Draw::fill(&self) // required\n",
        "pub fn sample_zero::Draw::clear(&self)\n",
        "impl !core::marker::Send for sample_zero::Count\n",
        "impl core::marker::Send for sample_zero::Kind\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
