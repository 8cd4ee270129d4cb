//! The metadata of a published crate.

use cargo_metadata::Package;

/// The largest count of keywords that a registry accepts, and the greatest length of one.
const KEYWORDS: usize = 5;
const KEYWORD_LENGTH: usize = 20;

/// Returns what the manifest of a crate lacks, each with the remedy.
pub(crate) fn findings(package: &Package) -> Vec<String> {
    let lacks = [
        ("description", package.description.is_none()),
        ("license", package.license.is_none()),
        ("repository", package.repository.is_none()),
        ("readme", package.readme.is_none()),
        ("documentation", package.documentation.is_none()),
        ("rust-version", package.rust_version.is_none()),
        ("keywords", package.keywords.is_empty()),
    ];
    let lacks = lacks.into_iter().filter(|(_, lacks)| *lacks);
    let mut found: Vec<_> = lacks
        .map(|(key, _)| format!("{} has no `{key}`: write it into its Cargo.toml", package.name))
        .collect();
    if package.keywords.len() > KEYWORDS || package.keywords.iter().any(|word| word.len() > KEYWORD_LENGTH) {
        found.push(format!(
            "{}: at most {KEYWORDS} keywords of {KEYWORD_LENGTH} bytes are taken, shorten them",
            package.name
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::findings;
    use crate::release::fixture::Fixture;
    use crate::release::workspace::Workspace;

    #[test]
    fn what_a_published_crate_needs_is_named() {
        let fixture = Fixture::new();
        let found = || findings(&Workspace::read(fixture.root()).unwrap().crates[0]);
        assert_eq!(found(), Vec::<String>::new());
        fixture.replace("sample-zero/Cargo.toml", "license = \"MIT\"\n", "");
        fixture.replace("sample-zero/Cargo.toml", "rust-version = \"1.85\"\n", "");
        fixture.replace("sample-zero/Cargo.toml", "[\"sample\"]", "[\"a-word-of-more-than-20-bytes\"]");
        let found = found();
        assert_eq!(found[0], "sample-zero has no `license`: write it into its Cargo.toml");
        assert_eq!(found[1], "sample-zero has no `rust-version`: write it into its Cargo.toml");
        assert!(found[2].contains("at most 5 keywords of 20 bytes"), "{found:?}");
    }
}
