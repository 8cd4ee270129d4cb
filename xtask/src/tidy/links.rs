//! Links of the pages that people read: those at the top of the project and those of the manual; and where the manual lists
//! its pages.
//!
//! The rule kept here: a link to a file of this project leads to a file or folder that exists, relative or by its address on
//! the repository's site, and a place on a page is one of its headings.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::{File, Finding};

const BOOK: &str = "crates/octo-auth-manual/book/";

/// Where each page of the manual stands, how, and what it is for.
const LISTS: [(&str, &str, &str); 2] = [
    ("crates/octo-auth-manual/book/SUMMARY.md", "(PAGE)", "the book has it"),
    ("crates/octo-auth-manual/src/lib.rs", "\"../book/PAGE\"", "its examples are tested"),
];

/// How addresses of files and folders on the repository's site begin.
const SITE: [&str; 2] = [
    "https://github.com/octo-auth/octo-auth/blob/main/",
    "https://github.com/octo-auth/octo-auth/tree/main/",
];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let texts: BTreeMap<&str, &str> = files.iter().map(|file| (&*file.path, &*file.text)).collect();
    let is_page = |file: &&File| {
        file.path.ends_with(".md") && (!file.path.contains('/') || file.path.starts_with(BOOK))
    };
    unlisted(&texts, findings);
    for page in files.iter().filter(is_page) {
        let (links, undefined) = links(&page.text);
        for (line, label) in undefined {
            findings.push(Finding::new(
                page,
                line,
                format!("`[{label}]` is not defined: add `[{label}]: FILE`"),
            ));
        }
        for (line, target) in links {
            if let Err(problem) = follow(&texts, &page.path, &target) {
                findings.push(Finding::new(
                    page,
                    line,
                    format!("the link `{target}` leads nowhere: {problem}"),
                ));
            }
        }
    }
}

/// Finds pages of the manual that a list lacks.
fn unlisted(texts: &BTreeMap<&str, &str>, findings: &mut Vec<Finding>) {
    for (list, form, purpose) in LISTS {
        let text = texts.get(list).copied().unwrap_or_default();
        let pages =
            texts.keys().filter_map(|path| path.strip_prefix(BOOK)).filter(|page| page.ends_with(".md"));
        for page in pages.filter(|page| *page != "SUMMARY.md" && !text.contains(&form.replace("PAGE", page)))
        {
            let text = format!("`{page}` is not listed: add it, so that {purpose}");
            findings.push(Finding { path: list.to_owned(), line: 1, text });
        }
    }
}

/// A line, and what is linked there.
type At = (usize, String);

/// Returns the targets of the links of a page, and the labels that no definition has.
fn links(text: &str) -> (Vec<At>, Vec<At>) {
    let line = |place: usize| text[..place].matches('\n').count() + 1;
    let mut undefined = Vec::new();
    let missing = |link: BrokenLink<'_>| {
        // `[words]` alone may be just that.
        if link.link_type == LinkType::Reference {
            undefined.push((line(link.span.start), link.reference.to_string()));
        }
        None
    };
    let parser = Parser::new_with_broken_link_callback(text, Options::ENABLE_TABLES, Some(missing));
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    };
    let links = parser
        .into_offset_iter()
        .filter_map(|(event, place)| Some((line(place.start), target(event)?)))
        .collect();
    (links, undefined)
}

/// Follows a link of a page to its file and its place there. Addresses of other sites are not looked at.
fn follow(texts: &BTreeMap<&str, &str>, page: &str, target: &str) -> Result<(), String> {
    let (address, anchor) =
        target.split_once('#').map_or((target, None), |(address, anchor)| (address, Some(anchor)));
    let path = match SITE.iter().find_map(|site| address.strip_prefix(site)) {
        Some(path) => path.to_owned(),
        None if address.contains(':') => return Ok(()),
        None if address.is_empty() => page.to_owned(),
        None => joined(page, address).ok_or("it leads out of the project")?,
    };
    let path = path.trim_end_matches('/');
    let folder = format!("{path}/");
    let is_folder = path.is_empty() || texts.keys().any(|file| file.starts_with(&*folder));
    match (texts.get(path), anchor) {
        (None, _) if !is_folder => Err(format!("there is no file or folder `{path}`")),
        (Some(text), Some(anchor)) if path.ends_with(".md") && !anchors(text).contains(anchor) => {
            Err(format!("`{path}` has no heading `#{anchor}`"))
        }
        _ => Ok(()),
    }
}

/// The path that a relative address means on a page; `None` if it leads out of the project.
fn joined(page: &str, address: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in address.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page's headings, as the repository's site makes them: in lower case, with `-` for blanks, without
/// punctuation, and with a number where there is more than one.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let again = (1..).map(|number| format!("{slug}-{number}"));
                let free = std::iter::once(slug.clone()).chain(again).find(|anchor| !found.contains(anchor));
                found.extend(free);
            }
            _ => {}
        }
    }
    found
}

fn slug(heading: &str) -> String {
    let kept = |letter: char| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || "-_".contains(letter) => Some(letter),
        _ => None,
    };
    heading.to_lowercase().chars().filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::{File, check};

    /// What is found on a page of the manual beside another one.
    fn found(text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("crates/octo-auth-manual/book/how-to/a.md", text),
            file("crates/octo-auth-manual/book/b.md", "# Errors, and `code`\n\n# Twice\n\n# Twice\n"),
            file("crates/octo-auth-manual/book/pictures/c.svg", ""),
            file("crates/octo-auth-manual/book/SUMMARY.md", "[A](how-to/a.md) [B](b.md)\n"),
            file("crates/octo-auth-manual/src/lib.rs", "\"../book/how-to/a.md\" \"../book/b.md\"\n"),
            file("README.md", "# Licence\n"),
        ];
        let mut findings = Vec::new();
        check(&files, &mut findings);
        findings.into_iter().map(|finding| format!("{}: {}", finding.line, finding.text)).collect()
    }

    #[test]
    fn links_to_files_folders_headings_and_other_sites_are_accepted() {
        for target in [
            "../b.md",
            "../b.md#errors-and-code",
            "../b.md#twice-1",
            "#here",
            "..",
            "../../../../README.md#licence",
            "https://github.com/octo-auth/octo-auth/blob/main/README.md",
            "https://github.com/octo-auth/octo-auth/tree/main/crates/octo-auth-manual",
            "https://example.com/nowhere",
            "mailto:a@example.com",
        ] {
            let found = found(&format!("# Here\n\n| [a]({target}) |\n|---|\n"));
            assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found_with_their_line() {
        for target in [
            "b.md",
            "../b.md#error",
            "../b.md#twice-2",
            "#there",
            "../../../../../outside.md",
            "https://github.com/octo-auth/octo-auth/blob/main/crates/nowhere.rs",
        ] {
            let found = found(&format!("# Here\n\nSee [a]({target}).\n"));
            let expected = format!("3: the link `{target}` leads nowhere");
            assert!(found.len() == 1 && found[0].starts_with(&expected), "{target}: {found:?}");
        }
    }

    #[test]
    fn a_label_without_a_definition_is_found_and_words_in_brackets_are_not() {
        let found = found("See [the page][page], [other][b] and [this].\n\n[b]: ../b.md\n");
        assert_eq!(found, ["1: `[page]` is not defined: add `[page]: FILE`"]);
    }

    #[test]
    fn a_page_that_the_book_or_the_tests_lack_is_found_and_a_picture_is_no_page() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("crates/octo-auth-manual/book/a.md", ""),
            file("crates/octo-auth-manual/book/b.md", ""),
            file("crates/octo-auth-manual/book/SUMMARY.md", "[A](a.md)\n"),
            file("crates/octo-auth-manual/src/lib.rs", "\"../book/b.md\"\n"),
        ];
        let mut findings = Vec::new();
        check(&files, &mut findings);
        let found: Vec<_> = findings.iter().map(|finding| &*finding.text).collect();
        assert_eq!(
            found,
            [
                "`b.md` is not listed: add it, so that the book has it",
                "`a.md` is not listed: add it, so that its examples are tested"
            ]
        );
    }

    #[test]
    fn a_link_in_an_example_is_no_link() {
        assert!(found("```md\n[a](nowhere.md)\n```\n").is_empty());
    }
}
