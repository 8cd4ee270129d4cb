//! The tables that document the telemetry names, as text. The tests compare them with the recorded telemetry.

use std::collections::BTreeSet;

const NAMES: &str = include_str!("../../../octo-auth-driver/src/telemetry/names.md");

/// Returns the rows under a heading that have this number of columns, each with its cells.
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

/// Returns the texts in code quotes in a cell, without links.
pub(crate) fn quoted(cell: &str) -> BTreeSet<String> {
    let parts: Vec<&str> = cell.split('`').collect();
    let pairs = parts.chunks_exact(2).filter(|pair| !pair[0].ends_with('['));
    pairs.map(|pair| pair[1].to_owned()).collect()
}

/// Returns the documented values of a field.
pub(crate) fn words(of: &str) -> BTreeSet<String> {
    let row = rows("Words", 2).into_iter().find(|row| row[0] == of);
    let mut words = quoted(row.expect("a row of words")[1]);
    if words.remove("kind") {
        words.extend(self::words("`kind`"));
    }
    words
}
