//! The links of a README as a registry shows it: a link to a file outside the package is broken.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag};

/// Returns the targets of links and images that are neither absolute URLs nor files of the package.
pub(crate) fn leading_out(text: &str, files: &BTreeSet<String>) -> Vec<String> {
    let targets = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    targets.filter(|target| !is_whole(target) && !files.contains(file(target))).collect()
}

/// Whether a target is an absolute URL or an anchor on the same page.
fn is_whole(target: &str) -> bool {
    target.starts_with('#')
        || ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme))
}

/// Returns the file of a relative link, without its anchor.
fn file(target: &str) -> &str {
    let file = target.split_once('#').map_or(target, |(file, _)| file);
    file.strip_prefix("./").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::leading_out;

    #[test]
    fn only_what_is_in_the_package_or_a_whole_address_leads_somewhere() {
        let files = BTreeSet::from(["src/lib.rs".to_owned()]);
        let text = "[a](https://example.com/x) [b](./src/lib.rs#L3) [c](#here) [d]\n\n[d]: ../other.md\n";
        assert_eq!(leading_out(text, &files), ["../other.md"]);
    }

    #[test]
    fn a_link_in_an_example_of_code_is_no_link() {
        assert!(leading_out("```md\n[a](nowhere.md)\n```\n", &BTreeSet::new()).is_empty());
    }
}
