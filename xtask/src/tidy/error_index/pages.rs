//! The tables of a page.

use super::Code;

/// A row of a table that has a column `code` or `test`.
pub(super) struct Row {
    pub(super) line: usize,
    /// The word, with the crate that the heading above names.
    pub(super) code: Option<Code>,
    pub(super) tests: Vec<String>,
    /// Whether the page says why no test can produce it: `none:` and the reason.
    pub(super) is_excused: bool,
}

/// Returns the rows of all tables with a column `code` under a heading that names a crate, or a column `test`.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut package, mut head) = (None, Vec::new());
    for (index, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix('#') {
            let is_of_crate = |word: &&str| word.starts_with("octo-auth-");
            let words = |letter: char| !letter.is_alphanumeric() && letter != '-';
            package = heading.split(words).find(is_of_crate).map(str::to_owned);
        }
        let Some(cells) = cells(line) else {
            head.clear();
            continue;
        };
        if head.is_empty() {
            head = cells;
            continue;
        }
        let cell = |name| head.iter().position(|own| *own == name).and_then(|place| cells.get(place));
        let code = cell("code").and_then(|cell| quoted(cell).into_iter().next()).zip(package.clone());
        let tests = cell("test").map(|cell| quoted(cell)).unwrap_or_default();
        if code.is_some() || !tests.is_empty() {
            let is_excused = cell("test").is_some_and(|cell| cell.starts_with("none: "));
            let code = code.map(|(word, package)| (package, word));
            rows.push(Row { line: index + 1, code, tests, is_excused });
        }
    }
    rows
}

/// The cells of a line of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn a_row_has_the_crate_of_its_heading_and_the_names_in_backticks() {
        let text = "# In `octo-auth-config`\n\n| code | test |\n|---|---|\n| `a` | `b`, `c` |\n\n# Else\n\n| x | test |\n|---|---|\n| `d` | `e` |\n";
        let rows = rows(text);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].code, Some(("octo-auth-config".to_owned(), "a".to_owned())));
        assert_eq!((rows[0].line, &*rows[0].tests), (5, ["b".to_owned(), "c".to_owned()].as_slice()));
        assert!(rows[1].code.is_none() && rows[1].tests == ["e"]);
    }
}
