//! A workspace of three tiny crates in a temporary folder, for the tests of the release.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::content::LIST;

/// `sample-app` depends on `sample-middle`, that on `sample-zero`.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap() };
        fixture.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"sample-*\"]\n\n\
             # One version for all.\n[workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [workspace.dependencies]\n\
             sample-middle = { path = \"sample-middle\", version = \"0.1.0\" }\n\
             sample-zero = { path = \"sample-zero\", version = \"0.1.0\" } # the base\n",
        );
        fixture.member("sample-zero", "", "/// A number.\npub const ZERO: u32 = 0;\n");
        fixture.member("sample-middle", "sample-zero.workspace = true\n", "pub use sample_zero::ZERO;\n");
        fixture.member("sample-app", "sample-middle.workspace = true\n", "pub use sample_middle::ZERO;\n");
        fixture.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- sample-zero: a number\n");
        fixture.write(".gitignore", "/target\n");
        fixture.git(&["init", "--quiet"]);
        fixture.commit();
        fixture
    }

    /// Returns the sample with the list of what its packages contain.
    pub(crate) fn listed() -> Self {
        let fixture = Self::new();
        let files =
            ["Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "README.md", ".cargo_vcs_info.json", "src/**.rs"];
        fixture.write(LIST, &files.map(|file| format!("* {file}\n")).concat());
        fixture.commit();
        fixture
    }

    fn member(&self, name: &str, dependencies: &str, source: &str) {
        self.write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
                 rust-version = \"1.85\"\ndescription = \"A sample\"\nlicense = \"MIT\"\nreadme = \"README.md\"\n\
                 repository = \"https://example.com/sample\"\ndocumentation = \"https://docs.rs/{name}\"\n\
                 keywords = [\"sample\"]\n\n[dependencies]\n{dependencies}"
            ),
        );
        self.write(&format!("{name}/README.md"), "# Sample\n\nSee [the source](src/lib.rs).\n");
        self.write(&format!("{name}/src/lib.rs"), source);
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.text(path) + text));
    }

    /// Replaces a text, which must exist.
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{path} lacks {from}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "all"]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        assert!(Command::new("git").args(arguments).current_dir(self.root()).status().unwrap().success());
    }
}
