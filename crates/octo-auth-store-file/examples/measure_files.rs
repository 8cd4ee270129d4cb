//! What a save and a load cost beside a plain file, and what a list of many records costs.
//!
//! ```sh
//! cargo run --release --package octo-auth-store-file --example measure_files -- DIRECTORY
//! ```
//!
//! The directory is on the disk to be measured; a directory in it is created and removed. A save makes its content and its name
//! outlive a crash of the machine, so most of its time is the disk's.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use octo_auth_core::{RecordBytes, RecordName, Saved, Store, Version};
use octo_auth_store_file::FileStore;

/// How often each is done; the median counts.
const ROUNDS: u64 = 200;

/// The records of the list.
const RECORDS: u32 = 100_000;

/// The size of a record with tokens of a usual length, in bytes.
const SIZE: usize = 1500;

fn main() -> Result<(), Box<dyn Error>> {
    let above = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = above.join(format!("octo-auth-measure-{}", std::process::id()));
    let store = FileStore::open(&folder)?;
    let content = RecordBytes::from(vec![b'x'; SIZE]);
    let (inn, plain) = (name(0)?, folder.join("plain"));
    let mut version = None;
    row("save", || {
        match store.compare_and_swap(&inn, version, &content)? {
            Saved::Done(done) => version = Some(done),
            Saved::Conflict(_) => return Err("a conflict".into()),
        }
        Ok(())
    })?;
    row("load", || store.load(&inn).map(drop).map_err(Into::into))?;
    row("fs::write", || fs::write(&plain, content.as_ref()).map_err(Into::into))?;
    row("fs::write and fsync", || {
        fs::write(&plain, content.as_ref())?;
        File::open(&plain)?.sync_all().map_err(Into::into)
    })?;
    row("fs::read", || fs::read(&plain).map(drop).map_err(Into::into))?;
    // Written by another program, as a save of each would take minutes.
    let text = fs::read(folder.join(format!("{inn}.record")))?;
    for number in 1..RECORDS {
        fs::write(folder.join(format!("{}.record", name(number)?)), &text)?;
    }
    let begun = Instant::now();
    let listed = store.list("")?.len();
    println!("{:<24} {:>12.1} ms for {listed} records", "list", millis(begun.elapsed()));
    assert_eq!(version, Some(Version(ROUNDS)));
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn name(number: u32) -> Result<RecordName, Box<dyn Error>> {
    let text = format!("host.example.client-1.0123456789abcdef.account.inn-{number}.{number:032x}");
    Ok(RecordName::parse(&text)?)
}

/// Prints the median time of an operation.
fn row(title: &str, mut act: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        act()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("{title:<24} {:>12.3} ms", millis(times[times.len() / 2]));
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
