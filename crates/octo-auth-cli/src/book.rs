//! `octo-auth book`: the manual of this version, without a network.

mod chapter;
mod page;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use octo_auth_manual::sources::{CHAPTERS, Chapter};

use chapter::{name, text, title};

use crate::arguments::BookRequest;
use crate::failure::{Exit, Failure};
use crate::output::{Output, tell};

/// Prints the list of chapters or one chapter, or writes the whole manual to a file.
///
/// # Errors
///
/// Returns a [`Failure`] for a chapter that does not exist, and for a file that cannot be written or exists already.
pub(crate) fn run(request: &BookRequest, output: &mut Output) -> Result<Exit, Failure> {
    match (&request.html, &request.chapter) {
        (Some(path), _) => write(path)?,
        (None, Some(name)) => output.line(text(find(name)?).trim_end())?,
        (None, None) => {
            let width = CHAPTERS.iter().map(|chapter| name(chapter).len()).max().unwrap_or_default();
            for chapter in CHAPTERS {
                output.line(format_args!("{:width$}  {}", name(chapter), title(chapter)))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn write(path: &Path) -> Result<(), Failure> {
    // A file of the user is never overwritten.
    let written = File::create_new(path).and_then(|mut file| file.write_all(page::of(CHAPTERS).as_bytes()));
    written.map_err(|error| {
        Failure::new(Exit::Configuration, format!("{} cannot be written", path.display()))
            .because_of(Some(&error))
            .with_remedy("name a file that does not exist yet, in a folder in which you can write")
    })?;
    tell(&format!("the manual is in {}: open it in a browser", path.display()));
    Ok(())
}

fn find(wanted: &str) -> Result<&'static Chapter, Failure> {
    CHAPTERS.iter().find(|chapter| name(chapter) == wanted).ok_or_else(|| {
        Failure::new(Exit::Usage, "the manual has no chapter of this name")
            .with_remedy("octo-auth book lists the names of the chapters")
    })
}
