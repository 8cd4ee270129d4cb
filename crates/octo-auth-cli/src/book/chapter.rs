//! What a reader sees of a chapter: its name, its title and its text.

use octo_auth_manual::sources::Chapter;

/// Returns the name of a chapter, which is the name of its file.
pub(super) fn name(chapter: &Chapter) -> &'static str {
    let file = chapter.path.rsplit_once('/').map_or(chapter.path, |(_, file)| file);
    file.trim_end_matches(".md")
}

/// Returns the title, which is the first heading.
pub(super) fn title(chapter: &Chapter) -> &'static str {
    chapter.text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(chapter.path)
}

/// Returns the text of a chapter as a reader sees it, without the hidden lines of its Rust examples.
pub(super) fn text(chapter: &Chapter) -> String {
    let mut is_rust = false;
    let mut shown = String::with_capacity(chapter.text.len());
    for line in chapter.text.split_inclusive('\n') {
        if let Some(language) = line.strip_prefix("```") {
            is_rust = language.starts_with("rust");
        }
        if !(is_rust && (line.starts_with("# ") || line.trim_end() == "#")) {
            shown.push_str(line);
        }
    }
    shown
}
