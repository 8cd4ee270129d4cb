//! The Markdown sources of this manual, for programs that show it without a network.

/// A chapter of the manual.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Chapter {
    /// The path in the folder of the book, such as `how-to/cron_job.md`. Relative links between chapters use these paths.
    pub path: &'static str,
    /// The text in Markdown. Lines of its Rust examples that begin with `# ` are hidden by rustdoc and by mdbook.
    pub text: &'static str,
}

macro_rules! chapters {
    ($($path:literal,)*) => {
        &[$(Chapter { path: $path, text: include_str!(concat!("../book/", $path)) }),*]
    };
}

/// All chapters, in the order of the book.
pub const CHAPTERS: &[Chapter] = chapters![
    "index.md",
    "tutorial/first_token.md",
    "tutorial/web_sign_in.md",
    "how-to/many_tenants.md",
    "how-to/cron_job.md",
    "how-to/replicas.md",
    "how-to/shared_store.md",
    "how-to/own_transport.md",
    "how-to/own_store.md",
    "how-to/own_provider.md",
    "how-to/emulator_tests.md",
    "how-to/from_hand_written.md",
    "explanation/two_clocks.md",
    "explanation/doubt.md",
    "explanation/budgets.md",
    "explanation/threats.md",
    "reference/settings.md",
    "reference/profile_fields.md",
    "reference/telemetry.md",
    "errors.md",
    "deviations.md",
];

/// A Markdown definition of each picture of the chapters, with the picture as a `data:` address.
///
/// Place it before the text of a chapter: the first definition of a name counts.
pub const PICTURES: &str = include_str!("pictures.md");
