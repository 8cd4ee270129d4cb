//! The tables in which the names are documented, as text: whoever hears or measures something compares it with them.

use std::collections::BTreeSet;

const NAMES: &str = include_str!("../../../octo-auth-driver/src/telemetry/names.md");

/// The rows of so many columns that stand under a heading, each with its cells.
pub(crate) fn rows(heading: &str, columns: usize) -> Vec<Vec<&'static str>> {
    let mut sections = NAMES.split("\n# ");
    let section = sections.find(|section| section.starts_with(heading)).expect("a section of that name");
    let cells = |line: &'static str| {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split('|').map(str::trim).collect::<Vec<_>>())
    };
    let is_entry = |cells: &Vec<&str>| cells.len() == columns && cells[0].starts_with('`');
    section.lines().filter_map(cells).filter(is_entry).collect()
}

/// What stands in code quotes in a cell, links left out.
pub(crate) fn quoted(cell: &str) -> BTreeSet<String> {
    let parts: Vec<&str> = cell.split('`').collect();
    let pairs = parts.chunks_exact(2).filter(|pair| !pair[0].ends_with('['));
    pairs.map(|pair| pair[1].to_owned()).collect()
}

/// The words that something can be.
pub(crate) fn words(of: &str) -> BTreeSet<String> {
    let row = rows("Words", 2).into_iter().find(|row| row[0] == of);
    let mut words = quoted(row.expect("a row of words")[1]);
    if words.remove("kind") {
        words.extend(self::words("`kind`"));
    }
    words
}
