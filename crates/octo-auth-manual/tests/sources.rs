//! The sources of the pages, as other programs get them.

use octo_auth_manual::sources::CHAPTERS;

#[test]
fn the_pages_are_those_of_the_summary_in_its_order() {
    let summary = include_str!("../book/SUMMARY.md");
    let listed: Vec<_> =
        summary.split("](").skip(1).map(|rest| rest.split_once(')').map_or(rest, |(path, _)| path)).collect();
    let paths: Vec<_> = CHAPTERS.iter().map(|page| page.path).collect();
    assert_eq!(paths, listed);
}
