//! The README, the manual and the pages of the core: their shell blocks are run, and their TOML blocks are read.
//!
//! A block `console` has commands after `$ ` and what they write, which is compared. The commands of a block `sh` must
//! succeed. `OCTO_AUTH_RECORD=1 cargo test -p octo-auth-cli --test cli pages` records what the commands write.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use octo_auth_config::Settings;
use octo_auth_core::Profile;

use crate::session::{Computer, lasting};

/// Shell blocks that are not run: the page, the first line, and why.
const NOT_RUN: [(&str, &str, &str); 3] = [
    ("README.md", "cargo xtask test", "it runs this test, among others"),
    ("CONTRIBUTING.md", "$ cargo xtask quick", "they run this test, among others"),
    (
        "crates/octo-auth-manual/book/tutorial/first_token.md",
        "git clone https://github.com/",
        "it needs the network",
    ),
];

/// The languages of blocks that are compiled with the documentation or that no program reads. The statements in SQL are a
/// pattern; the example `sqlite_store` of the test kit runs its own form of them.
const OTHERS: [&str; 6] = ["", "jsonc", "rust", "rust,no_run", "sql", "text"];

/// A fenced block of a page.
struct Block {
    language: String,
    text: String,
    line: usize,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the project")
}

/// Returns all pages, each with its path in the project.
fn pages() -> Vec<(String, String)> {
    let root = root();
    let mut folders = vec![root.clone(), root.join("crates/octo-auth-core/src/manual")];
    folders.extend(files(&root.join("crates")));
    let book = root.join("crates/octo-auth-manual/book");
    folders.extend(files(&book).into_iter().filter(|path| path.is_dir()));
    folders.push(book);
    let pages = folders.iter().flat_map(|folder| files(folder));
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a page");
        (path.strip_prefix(&root).expect("a page of the project").display().to_string(), text)
    };
    pages.map(read).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), blocks.last_mut()) {
            (Some(_), Some(_)) if is_open => is_open = false,
            (Some(language), _) => {
                is_open = true;
                blocks.push(Block { language: language.to_owned(), text: String::new(), line: index + 1 });
            }
            (None, Some(block)) if is_open => block.text.push_str(&format!("{line}\n")),
            (None, _) => {}
        }
    }
    assert!(!is_open, "the last block does not end");
    blocks
}

#[test]
#[expect(clippy::print_stdout, reason = "it says what it skips")]
fn every_shell_block_runs_and_writes_what_the_page_shows() {
    let has_curl = Command::new("curl").arg("-V").output().is_ok();
    let mut unused = NOT_RUN.to_vec();
    let mut ran = 0;
    for (page, text) in pages() {
        let mut settings = None;
        for block in blocks(&text) {
            let at = format!("{page}, line {}", block.line);
            if block.language == "toml" && kind(&block.text) == Kind::Settings {
                settings = Some(block.text);
                continue;
            }
            if !matches!(&*block.language, "sh" | "console") || is_install(&page, &block.text) {
                continue;
            }
            if let Some(index) =
                unused.iter().position(|(on, first, _)| *on == page && block.text.starts_with(first))
            {
                unused.remove(index);
                continue;
            }
            if block.text.contains("curl ") && !has_curl {
                println!("skipped: {at} needs curl");
                continue;
            }
            ran += 1;
            let computer = Computer::new(&format!("pages-{ran}"));
            if let Some(settings) = &settings {
                computer.configure(settings);
            }
            if block.language == "sh" {
                computer.run(&format!("set -e\n{}", block.text));
                continue;
            }
            let commands: Vec<_> = block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
            assert!(!commands.is_empty(), "{at}: no line begins with `$ `");
            let written: String =
                commands.iter().map(|line| format!("$ {line}\n{}", computer.run(line))).collect();
            if std::env::var_os("OCTO_AUTH_RECORD").is_some() {
                let path = root().join(&page);
                let present = fs::read_to_string(&path).expect("a page");
                fs::write(&path, present.replacen(&block.text, &written, 1))
                    .expect("the page can be written");
                continue;
            }
            assert_eq!(lasting(&written), lasting(&block.text), "{at}: record it with OCTO_AUTH_RECORD=1");
        }
    }
    assert!(unused.is_empty(), "no page has the block: {unused:?}");
    assert!(ran >= 4, "{ran} blocks were run");
}

/// Whether a block is that of a crate's README which installs this crate. It needs a registry, so it is compared instead of
/// run; the release rehearsal installs the crates from one.
fn is_install(page: &str, text: &str) -> bool {
    let Some(name) = page.strip_prefix("crates/").and_then(|page| page.strip_suffix("/README.md")) else {
        return false;
    };
    [format!("cargo add {name}\n"), format!("cargo add --dev {name}\n"), format!("cargo install {name}\n")]
        .iter()
        .any(|line| line == text)
}

/// What a TOML block is.
#[derive(PartialEq)]
enum Kind {
    Manifest,
    Profile,
    Settings,
}

fn kind(text: &str) -> Kind {
    if text.contains("path = \"../octo-auth/crates/") {
        Kind::Manifest
    } else if text.contains("[calls.") {
        Kind::Profile
    } else {
        Kind::Settings
    }
}

#[test]
fn every_toml_block_is_read_by_its_reader() {
    let mut read = 0;
    for (page, text) in pages() {
        for block in blocks(&text).iter().filter(|block| block.language == "toml") {
            let at = format!("{page}, line {}", block.line);
            match kind(&block.text) {
                Kind::Manifest => assert_resolves(&at, &block.text, read),
                Kind::Profile => {
                    Profile::from_toml(&block.text).unwrap_or_else(|error| panic!("{at}: {error}"));
                }
                Kind::Settings => {
                    let home = ("HOME".into(), "/home/ann".into());
                    let checked = Settings::read(Some((&at, &block.text)), [home])
                        .and_then(|settings| settings.client().and_then(|_| settings.check()));
                    checked.unwrap_or_else(|error| panic!("{error}"));
                }
            }
            read += 1;
        }
    }
    assert!(read >= 5, "{read} blocks were read");
}

/// Has cargo resolve the dependencies of a package beside a copy of the repository.
fn assert_resolves(at: &str, dependencies: &str, number: usize) {
    let folder = std::env::temp_dir().join(format!("octo-auth-manifest-{number}-{}", std::process::id()));
    let package = folder.join("hello");
    fs::create_dir_all(package.join("src")).expect("a folder");
    std::os::unix::fs::symlink(root(), folder.join("octo-auth")).expect("a link");
    let table = if dependencies.starts_with("[dependencies]") { "" } else { "[dependencies]\n" };
    let manifest =
        format!("[package]\nname = \"hello\"\nedition = \"2024\"\n\n[workspace]\n\n{table}{dependencies}");
    fs::write(package.join("Cargo.toml"), manifest).expect("a file");
    fs::write(package.join("src/main.rs"), "fn main() {}\n").expect("a file");
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).expect("a file");
    let output = Command::new(env!("CARGO")).args(["tree", "--offline"]).current_dir(&package).output();
    let output = output.expect("cargo");
    fs::remove_dir_all(&folder).expect("a folder");
    assert!(output.status.success(), "{at}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_block_is_in_a_language_that_no_test_knows() {
    for (page, text) in pages() {
        for block in blocks(&text) {
            let is_known = matches!(&*block.language, "sh" | "console" | "toml");
            assert!(
                is_known || OTHERS.contains(&&*block.language),
                "{page}, line {}: `{}`",
                block.line,
                block.language
            );
        }
    }
}
