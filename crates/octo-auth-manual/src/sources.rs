//! The Markdown sources of this manual, for programs that show it without a network.

/// A page of the manual.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Page {
    /// The path in the folder of the book, such as `how-to/cron_job.md`. Relative links between pages use these paths.
    pub path: &'static str,
    /// The text in Markdown. Lines of its Rust examples that begin with `# ` are hidden by rustdoc and by mdbook.
    pub text: &'static str,
}

macro_rules! pages {
    ($($path:literal,)*) => {
        &[$(Page { path: $path, text: include_str!(concat!("../book/", $path)) }),*]
    };
}

/// All pages, in the order of the book.
pub const PAGES: &[Page] = pages![
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

/// A Markdown definition of each picture of the pages, with the picture as a `data:` address.
///
/// Place it before the text of a page: the first definition of a name counts.
pub const PICTURES: &str = include_str!("pictures.md");
