//! Measures a save and a load against a plain file, and the listing of many records.
//!
//! ```sh
//! cargo run --release --package octo-auth-store-file --example measure_files -- DIRECTORY
//! ```
//!
//! The example creates a directory in the given one, which should be on the disk to measure, and removes it at the end.
//! A save makes its content and its name outlive a crash of the machine, so the disk takes most of its time.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use octo_auth_core::{RecordBytes, RecordName, Saved, Store, Version};
use octo_auth_store_file::FileStore;

/// How often each operation runs; the median counts.
const ROUNDS: u64 = 200;

/// The count of records in the list.
const RECORDS: u32 = 100_000;

/// The size of a record with tokens of a usual length, in bytes.
const SIZE: usize = 1500;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let above = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = above.join(format!("octo-auth-measure-{}", std::process::id()));
    let store = FileStore::open(&folder)?;
    let content = RecordBytes::from(vec![b'x'; SIZE]);
    let (inn, plain, new) = (name(0)?, folder.join("plain"), folder.join("new"));
    let mut version = None;
    let mut save = || match store.compare_and_swap(&inn, version, &content)? {
        Saved::Done(done) => {
            version = Some(done);
            Ok(())
        }
        Saved::Conflict(_) => Err("a conflict".into()),
    };
    let write = || fs::write(&plain, content.as_ref()).map_err(Into::into);
    let replace = || {
        fs::write(&new, content.as_ref())?;
        File::open(&new)?.sync_all()?;
        fs::rename(&new, &plain)?;
        File::open(&folder)?.sync_all().map_err(Into::into)
    };
    let load = || store.load(&inn).map(drop).map_err(Into::into);
    let read = || fs::read(&plain).map(drop).map_err(Into::into);
    // Each round runs every operation, so that all meet the same state of the disk.
    let mut acts: [(&str, &mut dyn FnMut() -> Outcome); 5] = [
        ("save", &mut save),
        ("fs::write", &mut { write }),
        ("write, sync, rename, sync", &mut { replace }),
        ("load", &mut { load }),
        ("fs::read", &mut { read }),
    ];
    let mut times = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        for ((_, act), times) in acts.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            act()?;
            times.push(begun.elapsed());
        }
    }
    let medians = times.map(median);
    for ((title, _), median) in acts.iter().zip(medians) {
        println!("{title:<26} {:>10.3} ms", millis(median));
    }
    let [save, write, replace, load, read] = medians.map(millis);
    println!(
        "a save takes {:.1} times an fs::write, {:.2} times one that outlives a crash",
        save / write,
        save / replace
    );
    println!("a load takes {:.1} times an fs::read", load / read);
    list(&store, &inn)?;
    assert_eq!(version, Some(Version(ROUNDS)));
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Measures the listing of many records, each a copy of this record's file.
fn list(store: &FileStore, of: &RecordName) -> Outcome {
    // The files are written directly, because saving each would take minutes.
    let text = fs::read(store.directory().join(format!("{of}.record")))?;
    for number in 1..RECORDS {
        fs::write(store.directory().join(format!("{}.record", name(number)?)), &text)?;
    }
    let begun = Instant::now();
    let listed = store.list("")?.len();
    println!("a list of {listed} records takes {:.1} ms", millis(begun.elapsed()));
    Ok(())
}

fn name(number: u32) -> Result<RecordName, Box<dyn Error>> {
    let text = format!("host.example.client-1.0123456789abcdef.account.inn-{number}.{number:032x}");
    Ok(RecordName::parse(&text)?)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
