//! The parts of a picture as SVG text, and how wide a text is.
//!
//! The rule kept here: no picture is wider than [`WIDTH`], which is what a telephone shows of a page, and no text is smaller
//! than 12 units.

use std::fmt::Write as _;
use std::time::Duration;

/// The width of a picture. A page on a screen of 390 pixels has this space between its margins.
pub(super) const WIDTH: usize = 356;
/// The height of a line of text.
pub(super) const LINE: usize = 15;

/// The texts have a contrast of at least 4.5 with a white page and, in the dark variant, with a black one; the bars one of
/// at least 3.
const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}\
.head{font-weight:600}.soft{fill:#57606a}\
.life{stroke:#8c959f;fill:none}.line{stroke:#424a53;fill:none;stroke-width:1.5}\
.net{stroke:#0757b0;fill:none;stroke-width:1.5}.bad{stroke:#b3212b;fill:none;stroke-width:1.5}\
.back{stroke-dasharray:5 3}.dots{stroke-dasharray:2 3}\
.fresh{fill:#2a9d4a}.due{fill:#7a8f1f}.stale{fill:#b07d00}.expired{fill:#b3212b}.gone{fill:none;stroke:#8c959f;stroke-dasharray:3 2}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#a3adb8}.life{stroke:#7d8590}.line{stroke:#c3ccd5}\
.net{stroke:#6cb2ff}.bad{stroke:#ff8a84}.fresh{fill:#3fb950}.due{fill:#94b13c}.stale{fill:#e0ac29}.expired{fill:#ff8a84}.gone{stroke:#8b949e}}";

/// Where a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
}

/// A picture that grows.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    /// Adds one line of text.
    pub(super) fn text(&mut self, (x, y): (usize, usize), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.element(&format!("<text x=\"{x}\" y=\"{y}\"{anchor}{class}>{}</text>", escaped(text)));
    }

    /// Adds lines, given in the notation of `d`.
    pub(super) fn path(&mut self, class: &str, d: &str) {
        self.element(&format!("<path class=\"{class}\" d=\"{d}\"/>"));
    }

    /// Adds a small cross.
    pub(super) fn cross(&mut self, (x, y): (usize, usize)) {
        let (left, right, top, bottom) = (x - 4, x + 4, y - 4, y + 4);
        self.path("bad", &format!("M{left} {top}L{right} {bottom}M{right} {top}L{left} {bottom}"));
    }

    fn element(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// Returns the picture with its title and its description in words. A page shows it a third larger if it has the space.
    pub(super) fn finish(self, height: usize, title: &str, description: &str) -> String {
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"480\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n<desc id=\"desc\">{description}</desc>\n\
             <style>{STYLE}</style>\n{}</svg>\n",
            self.body
        )
    }
}

/// Returns the space that a text needs in the widest of the usual fonts.
pub(super) fn width(text: &str) -> usize {
    let tenths = |letter: char| match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 40,
        'f' | 't' | 'r' | '(' | ')' | '-' | '/' | '_' => 52,
        'm' | 'w' | 'M' | 'W' => 112,
        'A'..='Z' => 86,
        _ => 74,
    };
    text.chars().map(tenths).sum::<usize>().div_ceil(10)
}

/// Breaks a text at its blanks into lines that fit.
pub(super) fn wrapped(text: &str, space: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + width(" ") + width(word) <= space => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes a duration as scenarios do, such as `1h30m`.
pub(super) fn spelt(time: Duration) -> String {
    let mut left = time.as_secs();
    let mut text = String::new();
    for (unit, length) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        if left >= length {
            text.push_str(&format!("{}{unit}", left / length));
            left %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Returns a picture as an address that contains it.
pub(super) fn data_url(picture: &str) -> String {
    let mut url = "data:image/svg+xml,".to_owned();
    for byte in picture.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:/=,;".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Anchor, Canvas, data_url, spelt, width, wrapped};

    #[test]
    fn a_text_keeps_its_signs_and_the_picture_its_text_alternative() {
        let mut canvas = Canvas::default();
        canvas.text((1, 2), Anchor::Start, "", "a < b & c");
        let picture = canvas.finish(40, "A & B", "What <happens>.");
        assert!(picture.contains(">a &lt; b &amp; c</text>"));
        assert!(picture.contains("<title id=\"title\">A &amp; B</title>"));
        assert!(picture.contains("<desc id=\"desc\">What &lt;happens&gt;.</desc>"));
        assert!(picture.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn a_long_text_is_broken_at_its_blanks_and_loses_no_word() {
        let text = "no token (refresh_token_rejected; sign in)";
        let lines = wrapped(text, 200);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line) <= 200), "{lines:?}");
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_duration_is_spelt_as_in_a_scenario() {
        for (seconds, text) in [(0, "0s"), (60, "1m"), (74, "1m14s"), (5400, "1h30m"), (86_400, "1d")] {
            assert_eq!(spelt(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn an_address_of_a_picture_has_no_sign_that_markdown_reads() {
        let url = data_url("<svg a=\"(b) #c\">\n</svg>");
        assert_eq!(url, "data:image/svg+xml,%3Csvg%20a=%22%28b%29%20%23c%22%3E%0A%3C/svg%3E");
    }
}
