//! A copy of the workspace for the mutants, and the tests built from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::embed::{self, Embedded};
use super::list::Mutant;

/// The packages that run often: optimised, but with the checks of a debug build.
const OPTIMIZED: [&str; 3] = [super::CORE, "octo-auth-testkit", super::TESTS[0]];

/// A copy of the workspace.
pub(super) struct Tree {
    root: PathBuf,
    copy: PathBuf,
    /// The original texts of the files, by path below the workspace.
    texts: BTreeMap<String, String>,
}

/// A test binary, and the folder in which cargo would run it.
pub(super) struct Binary {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
}

/// The result of switching mutants.
#[derive(Default)]
pub(super) struct Switched {
    pub(super) numbers: BTreeSet<usize>,
    /// The mutants whose own code does not compile.
    pub(super) unviable: BTreeSet<usize>,
}

impl Tree {
    /// Copies all files that git tracks or would track.
    pub(super) fn new(root: &Path) -> Result<Self> {
        let copy = root.join("target/mutants");
        if copy.exists() {
            fs::remove_dir_all(&copy).with_context(|| format!("cannot empty {}", copy.display()))?;
        }
        let mut texts = BTreeMap::new();
        for crate::tidy::File { path, text } in crate::tidy::files(root)? {
            write(&copy.join(&path), &text)?;
            texts.insert(path, text);
        }
        Ok(Self { root: root.to_owned(), copy, texts })
    }

    /// Inserts all mutants that can be switched and compile, numbered consecutively from 1.
    pub(super) fn switch(&self, mutants: &[Mutant]) -> Result<Switched> {
        let mut switched = Switched { numbers: (1..=mutants.len()).collect(), ..Switched::default() };
        let library = format!("{}/src/lib.rs", super::FOLDER);
        write(&self.copy.join(&library), &[self.source(&library)?, embed::SWITCH].concat())?;
        loop {
            let mut files = BTreeMap::<&str, Vec<_>>::new();
            for (number, mutant) in (1..).zip(mutants) {
                let here = files.entry(&mutant.file).or_default();
                here.extend(switched.numbers.contains(&number).then_some((number, mutant)));
            }
            let mut embedded = BTreeMap::new();
            for (file, here) in files {
                let done = embed::embed(self.source(file)?, &here)?;
                write(&self.copy.join(file), &done.text)?;
                switched.numbers.retain(|number| {
                    mutants[number - 1].file != file || done.text.contains(&format!("::mutant({number})"))
                });
                embedded.insert(file, done);
            }
            let errors = self.build(&["check", "--package", super::CORE, "--lib"])?.1;
            if errors.is_empty() {
                return Ok(switched);
            }
            for error in errors {
                switched.drop(&error, &embedded)?;
            }
        }
    }

    /// Replaces only the text of one mutant.
    pub(super) fn replace(&self, mutant: &Mutant) -> Result<()> {
        let mut text = self.source(&mutant.file)?.to_owned();
        text.replace_range(mutant.place.clone(), &mutant.replacement);
        write(&self.copy.join(&mutant.file), &text)
    }

    /// Restores the files of these mutants.
    pub(super) fn restore(&self, mutants: &[Mutant]) -> Result<()> {
        let files: BTreeSet<_> = mutants.iter().map(|mutant| &*mutant.file).collect();
        files.into_iter().try_for_each(|file| write(&self.copy.join(file), self.source(file)?))
    }

    fn source(&self, file: &str) -> Result<&str> {
        self.texts.get(file).map(String::as_str).with_context(|| format!("git does not know {file}"))
    }

    /// Builds tests, sorted by name; `None` if they do not compile.
    pub(super) fn tests(&self, (package, tests): (&[&str], &[&str])) -> Result<Option<Vec<Binary>>> {
        let mut arguments = vec!["test", "--no-run", "--package"];
        arguments.extend(package);
        arguments.extend(tests.iter().flat_map(|test| ["--test", test]));
        let (mut built, errors) = self.build(&arguments)?;
        // Building tests also builds the programs of their package.
        built.retain(|binary| tests.contains(&&*binary.name));
        built.sort_by_key(|binary| tests.iter().position(|name| *name == binary.name));
        Ok(errors.is_empty().then_some(built))
    }

    /// Runs cargo. Returns the test binaries, and the compiler's errors.
    fn build(&self, arguments: &[&str]) -> Result<(Vec<Binary>, Vec<Value>)> {
        let output = crate::cargo()
            .args(arguments)
            .arg("--message-format=json")
            .args(
                OPTIMIZED.iter().map(|package| format!("--config=profile.dev.package.{package}.opt-level=1")),
            )
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .current_dir(&self.copy)
            .stderr(Stdio::null())
            .output()
            .context("cannot run cargo")?;
        let (mut built, mut errors) = (Vec::new(), Vec::new());
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")) {
            let message: Value = serde_json::from_slice(line).context("cargo's message is no JSON")?;
            if message["message"]["level"] == "error" {
                errors.push(message["message"].clone());
            }
            let manifest = message["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
            if let (Some(program), Some(folder)) = (message["executable"].as_str(), manifest) {
                let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
                built.push(Binary { name, program: program.into(), folder: folder.to_owned() });
            }
        }
        ensure!(output.status.success() || !errors.is_empty(), "cargo failed in {}", self.copy.display());
        Ok((built, errors))
    }
}

impl Switched {
    /// Removes the mutants that a compiler error names. The others may still compile alone.
    fn drop(&mut self, error: &Value, embedded: &BTreeMap<&str, Embedded>) -> Result<()> {
        for span in error["spans"].as_array().into_iter().flatten().filter(|span| span["is_primary"] == true)
        {
            let mut span = span;
            while span["expansion"].is_object() {
                span = &span["expansion"]["span"];
            }
            let at = |end: &str| usize::try_from(span[end].as_u64().unwrap_or_default());
            let place = at("byte_start")?..at("byte_end")?;
            let file = span["file_name"].as_str().unwrap_or_default();
            let Some(Embedded { text, places }) = embedded.get(file) else { continue };
            let own = inside(places, &place);
            if !own.is_empty() {
                self.numbers.retain(|number| !own.contains(number));
                self.unviable.extend(own);
                return Ok(());
            }
            // The lines of the error, including the surrounding code.
            let start = text[..place.start].rfind('\n').unwrap_or(0);
            let end = text[place.end..].find('\n').map_or(text.len(), |length| place.end + length);
            let before = self.numbers.len();
            self.numbers.retain(|number| !text[start..end].contains(&format!("::mutant({number})")));
            if self.numbers.len() < before {
                return Ok(());
            }
        }
        // The final summary of the errors has no location.
        let has_place = error["spans"].as_array().is_some_and(|spans| !spans.is_empty());
        if has_place {
            bail!("the mutants do not compile: {}", error["rendered"].as_str().unwrap_or_default());
        }
        Ok(())
    }
}

/// Returns the mutants whose code contains a location.
fn inside(places: &[(usize, Range<usize>)], place: &Range<usize>) -> Vec<usize> {
    let holds = |own: &Range<usize>| own.start <= place.start && place.end <= own.end;
    places.iter().filter(|(_, own)| holds(own)).map(|(number, _)| *number).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
