//! Generates `llms.txt`: the pages of the manual, each with its address and its first paragraph, for programs that read
//! documentation.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const BOOK: &str = "crates/octo-auth-manual/book";
const SITE: &str = "https://github.com/octo-auth/octo-auth/blob/main";

/// Returns the text of `llms.txt`.
pub(super) fn text(root: &Path, readme: &str) -> Result<String> {
    let read = |page: &str| {
        let path = root.join(BOOK).join(page);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    contents(readme, &read("SUMMARY.md")?, read)
}

fn contents(readme: &str, summary: &str, read: impl Fn(&str) -> Result<String>) -> Result<String> {
    let about = paragraph(readme).context("README.md has no paragraph below its title")?;
    let mut contents =
        format!("# octo-auth\n\n> {about}\n\n- [README]({SITE}/README.md): installation, examples, limits\n");
    for line in summary.lines() {
        if let Some(part) = line.strip_prefix("# ").filter(|part| *part != "Summary") {
            writeln!(contents, "\n## {part}\n")?;
        }
        let link = line.trim_start_matches("- ").strip_prefix('[').and_then(|rest| rest.split_once("]("));
        let Some((title, page)) = link.and_then(|(title, rest)| Some((title, rest.strip_suffix(')')?)))
        else {
            continue;
        };
        let first =
            paragraph(&read(page)?).with_context(|| format!("{page} has no paragraph below its title"))?;
        writeln!(contents, "- [{title}]({SITE}/{BOOK}/{page}): {first}")?;
    }
    Ok(contents)
}

/// Returns the first paragraph of a page as one line, without the labels of its links.
fn paragraph(page: &str) -> Option<String> {
    let (_, below) = page.split_once("\n\n")?;
    let first = below.split("\n\n").next()?;
    let mut words = first.split_whitespace().collect::<Vec<_>>().join(" ");
    while let Some(end) = words.find("][") {
        let close = words[end + 1..].find(']')? + end + 1;
        let open = words[..end].rfind('[')?;
        let label = words[open + 1..end].to_owned();
        words.replace_range(open..=close, &label);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::contents;

    #[test]
    fn each_page_has_its_address_and_its_first_paragraph() {
        let summary = "# Summary\n\n[About](index.md)\n\n# How to\n\n- [Cron](how-to/cron.md)\n";
        let page = |page: &str| Ok(format!("# {page}\n\nIt is of\n[errors][errors].\n\nMore.\n"));
        let text = contents("# octo-auth\n\nTokens.\n", summary, page).unwrap();
        let site = "https://github.com/octo-auth/octo-auth/blob/main/crates/octo-auth-manual/book";
        assert!(text.starts_with("# octo-auth\n\n> Tokens.\n"), "{text}");
        assert!(
            text.contains(&format!("- [About]({site}/index.md): It is of errors.\n\n## How to\n\n")),
            "{text}"
        );
        assert!(text.ends_with(&format!("- [Cron]({site}/how-to/cron.md): It is of errors.\n")), "{text}");
    }
}
