//! Measures 100,000 accounts in PostgreSQL.
//!
//! ```sh
//! cargo run --release --package octo-auth-store-postgres --features blocking --example measure_postgres -- postgres://user@host/db
//! ```
//!
//! The example creates the schema `octo_auth_measure` and removes it at the end.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::{Duration, Instant};

use octo_auth_core::{RecordBytes, RecordName, Saved, Store};
use octo_auth_store_postgres::Options;
use octo_auth_store_postgres::blocking::PostgresStore;

/// The accounts in the database.
const ACCOUNTS: u32 = 100_000;

/// The accounts that one process uses.
const USED: u32 = 1000;

/// How often each operation runs; the median counts.
const ROUNDS: u64 = 300;

/// The size of a record with tokens of a usual length, in bytes.
const SIZE: usize = 1500;

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("name the URL of a database")?;
    let store = PostgresStore::connect(url.parse()?, Options::default().schema("octo_auth_measure"))?;
    let mut client = postgres::Client::connect(&url, postgres::NoTls)?;
    store.migrate()?;
    // The rows are inserted directly, because saving each would take minutes. The contents are random, like sealed
    // ones.
    let fill = format!(
        "INSERT INTO octo_auth_measure.record (name, version, content)
        SELECT 'auth.example.client.0123456789abcdef.account.inn-' || number || '.' || md5(number::text), 1,
            (SELECT string_agg(decode(md5(number::text || part), 'hex'), '') FROM generate_series(1, {SIZE} / 16) part)
        FROM generate_series(1, {ACCOUNTS}) number"
    );
    client.batch_execute(&fill)?;
    let names = client.query(
        "SELECT name FROM octo_auth_measure.record ORDER BY md5(name || 'x') LIMIT $1",
        &[&i64::from(USED)],
    )?;
    let names: Vec<RecordName> =
        names.iter().map(|row| RecordName::parse(row.get(0))).collect::<Result<_, _>>()?;
    let begun = Instant::now();
    for name in &names {
        store.load(name)?.ok_or("a record is gone")?;
    }
    println!("{USED} accounts read one after the other in {:.0} ms", millis(begun.elapsed()));
    let (inn, content) = (&names[0], RecordBytes::from(vec![b'x'; SIZE]));
    let mut version = store.load(inn)?.map(|stored| stored.version);
    row("load", || store.load(inn).map(drop).map_err(Into::into))?;
    row("claim", || store.claim(inn, "one", Duration::from_secs(75)).map(drop).map_err(Into::into))?;
    row("release", || store.release(inn, "one").map_err(Into::into))?;
    row("save", || {
        match store.compare_and_swap(inn, version, &content)? {
            Saved::Done(next) => version = Some(next),
            Saved::Conflict(_) => return Err("a conflict".into()),
        }
        Ok(())
    })?;
    let begun = Instant::now();
    let listed = store.list("")?.len();
    println!("{listed} names listed in {:.0} ms", millis(begun.elapsed()));
    let size = client.query_one(
        "SELECT pg_table_size('octo_auth_measure.record'), pg_indexes_size('octo_auth_measure.record')",
        &[],
    )?;
    let (table, index): (i64, i64) = (size.get(0), size.get(1));
    let each = |bytes: i64| bytes / i64::from(ACCOUNTS);
    println!("bytes a record of {SIZE}: {} in the table, {} in its index", each(table), each(index));
    client.batch_execute("DROP SCHEMA octo_auth_measure CASCADE")?;
    Ok(())
}

/// Prints the median duration of an operation.
fn row(what: &str, mut act: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        act()?;
        times.push(begun.elapsed());
    }
    times.sort();
    println!("{what:<10} {:>8.2} ms", millis(times[times.len() / 2]));
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
