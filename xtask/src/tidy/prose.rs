//! Words and sentences that cost a reader more than they tell.
//!
//! The only file whose own words are not checked is this one.

use super::{File, Finding};

const SELF: &str = "xtask/src/tidy/prose.rs";

/// The largest count of words in a sentence.
const LONGEST: usize = 40;

/// An expression that may not stand in comments, documentation and messages, and what to write in its place.
const FLAGGED: [(&str, &str); 16] = [
    ("whoever", "name the actor: the caller, another process, the server"),
    ("whomever", "name the actor"),
    ("somebody", "name the actor"),
    ("nobody", "name the actor, and negate the verb"),
    ("anew", "write `again` or `new`"),
    ("such a one", "name the thing"),
    ("so long as it", "write `while`"),
    ("of which nothing", "begin a new sentence"),
    ("wherever they", "write `everywhere`, or name the places"),
    ("takes note of", "write `records`"),
    ("puts down", "write `stores`"),
    ("what is to be", "name the thing"),
    ("what was told", "name the text or the value"),
    ("lets go of", "write `releases`"),
    ("draws the consequences", "say what is done"),
    ("is no longer there", "write `is gone` or `was removed`"),
];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if file.path == SELF || !(file.is_rust() || file.path.ends_with(".md")) {
        return;
    }
    words(file, findings);
    sentences(file, findings);
}

fn words(file: &File, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        let line = line.to_lowercase();
        for (expression, remedy) in FLAGGED.iter().filter(|(expression, _)| stands_in(&line, expression)) {
            findings.push(Finding::new(file, index + 1, format!("`{expression}` stands here: {remedy}")));
        }
    }
}

/// Returns whether an expression stands in a line on its own, rather than within a word.
fn stands_in(line: &str, expression: &str) -> bool {
    line.match_indices(expression).any(|(at, _)| {
        let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        !is_part(line[..at].chars().next_back()) && !is_part(line[at + expression.len()..].chars().next())
    })
}

/// Reports sentences of more than [`LONGEST`] words. Tables, headings and examples have none.
fn sentences(file: &File, findings: &mut Vec<Finding>) {
    let (mut begin, mut words, mut is_example) = (0, 0, false);
    for (index, line) in file.text.lines().enumerate() {
        let text = if file.is_rust() { comment(line) } else { Some(line.trim()) };
        let is_fence = text.is_some_and(|text| text.starts_with("```"));
        is_example ^= is_fence;
        let Some(text) = text.filter(|text| !is_fence && !is_example && is_prose(text)) else {
            words = 0;
            continue;
        };
        if text.starts_with(['-', '*', '>']) {
            words = 0;
        }
        for word in text.split_whitespace() {
            if words == 0 {
                begin = index + 1;
            }
            words += usize::from(word.contains(char::is_alphanumeric));
            if words == LONGEST + 1 {
                let text = format!("a sentence has more than {LONGEST} words: make it two");
                findings.push(Finding::new(file, begin, text));
            }
            if word.trim_end_matches([')', '*', '_', '"', '`']).ends_with(['.', '!', '?', ':', ';']) {
                words = 0;
            }
        }
    }
}

/// The text of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//").map(|text| text.trim_start_matches(['/', '!']).trim())
}

fn is_prose(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['#', '|', '<'])
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::lines_found;

    #[test]
    fn a_flagged_expression_is_found_in_comments_and_messages_and_not_within_a_word() {
        let text = "/// Whoever asks.\nlet x = \"somebody asks\";\nfn nobody_asks() {}\nlet anewer = 1;\n";
        assert_eq!(lines_found(check, "crates/a/src/lib.rs", text), [1, 2, 3]);
        assert_eq!(lines_found(check, "README.md", "Nobody else.\nA renewal.\n"), [1]);
    }

    #[test]
    fn a_long_sentence_is_found_at_its_first_line() {
        let twenty = "word ".repeat(20);
        let text = format!("/// Short. {twenty}\n/// {twenty}\n/// end.\n");
        assert_eq!(lines_found(check, "crates/a/src/lib.rs", &text), [1]);
        let text = format!("/// {twenty}.\n/// {twenty}.\n");
        assert_eq!(lines_found(check, "crates/a/src/lib.rs", &text), [] as [usize; 0]);
        let table = format!("| {twenty} | {twenty} | {twenty} |\n");
        assert_eq!(lines_found(check, "README.md", &table), [] as [usize; 0]);
    }

    #[test]
    fn an_example_has_no_sentences() {
        let line = format!("/// {}\n", "word ".repeat(41));
        let text = format!("/// ```\n{line}/// ```\n");
        assert_eq!(lines_found(check, "crates/a/src/lib.rs", &text), [] as [usize; 0]);
    }
}
