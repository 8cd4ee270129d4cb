//! The operations of the store, written once for both forms. Each step is one unnamed statement, so it works behind a
//! pooler that may use another connection for each statement.

use std::fmt;
use std::time::Duration;

use octo_auth_core::{Claimed, RecordBytes, RecordName, Saved, Stored, Version};
use octo_auth_store_kit::{Sealed, Sealing, next_version};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::error::PostgresStoreError;
use crate::schema::{SCHEMA_VERSION, Schema};

/// How often a statement is sent if it is repeatable, or if the server rolled it back.
const TRIES: u32 = 3;

/// The count of records that `rekey` reads with one statement.
const BATCH: i64 = 500;

/// The value of a parameter and its type.
pub type Parameter<'p> = (&'p (dyn ToSql + Sync), Type);

/// Sends a statement over any connection.
pub(crate) trait Connections: Sync {
    fn send(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, crate::PoolError>> + Send;
}

/// The store over a kind of connections.
pub(crate) struct Engine<C> {
    connections: C,
    schema: Schema,
    sealing: Sealing,
    statements: Statements,
}

/// The statements, which contain the name of the schema.
struct Statements {
    load: String,
    create: String,
    update: String,
    claim: String,
    release: String,
    list: String,
    sealed_otherwise: String,
    reseal: String,
}

/// The result of `rekey`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rekeyed {
    /// The count of records that were sealed with the key that writes.
    pub sealed: usize,
    /// One error for each record that was left unchanged.
    pub failed: Vec<PostgresStoreError>,
}

impl Statements {
    fn new(schema: &Schema, notifies: bool) -> Self {
        let (name, channel) = (schema.as_str(), schema.channel());
        let notice = if notifies { format!(", pg_notify('{channel}', name)") } else { String::new() };
        Self {
            load: format!(r#"SELECT version, key, content FROM "{name}".record WHERE name = $1"#),
            create: format!(
                r#"INSERT INTO "{name}".record (name, version, key, content) VALUES ($1, $2, $3, $4)
                ON CONFLICT DO NOTHING RETURNING version{notice}"#
            ),
            update: format!(
                r#"UPDATE "{name}".record SET version = $2, key = $3, content = $4,
                    written = statement_timestamp()
                WHERE name = $1 AND version = $5 RETURNING version{notice}"#
            ),
            // This always returns one row: the owner of the claim now, and its remaining milliseconds.
            claim: format!(
                r#"INSERT INTO "{name}".claim AS held (name, owner, until)
                VALUES ($1, $2, statement_timestamp() + $3 * interval '1 millisecond')
                ON CONFLICT (name) DO UPDATE SET
                    owner = CASE WHEN held.owner = $2 OR held.until <= statement_timestamp()
                        THEN excluded.owner ELSE held.owner END,
                    until = CASE WHEN held.owner = $2 OR held.until <= statement_timestamp()
                        THEN excluded.until ELSE held.until END
                RETURNING owner = $2 AS is_own,
                    (extract(epoch FROM until - statement_timestamp()) * 1000)::bigint AS left_over"#
            ),
            release: format!(r#"DELETE FROM "{name}".claim WHERE name = $1 AND owner = $2"#),
            list: format!(r#"SELECT name FROM "{name}".record WHERE starts_with(name, $1)"#),
            sealed_otherwise: format!(
                r#"SELECT name, version, key, content FROM "{name}".record
                WHERE name > $1 AND key IS DISTINCT FROM $2 ORDER BY name LIMIT $3"#
            ),
            reseal: format!(
                r#"UPDATE "{name}".record SET key = $2, content = $3
                WHERE name = $1 AND version = $4 AND key IS NOT DISTINCT FROM $5 RETURNING version"#
            ),
        }
    }
}

impl<C: Connections> Engine<C> {
    pub(crate) fn new(connections: C, schema: Schema, sealing: Sealing, notifies: bool) -> Self {
        let statements = Statements::new(&schema, notifies);
        Self { connections, schema, sealing, statements }
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Formats the store under this name, without its connections.
    pub(crate) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sealed = self.sealing.writing().is_some();
        f.debug_struct(name)
            .field("schema", &self.schema.as_str())
            .field("is_sealed", &is_sealed)
            .finish_non_exhaustive()
    }

    /// Sends a statement, and again if the server rolled it back because of another transaction.
    async fn send(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, PostgresStoreError> {
        for _ in 1..TRIES {
            match self.send_once(statement, parameters).await {
                Err(PostgresStoreError::Contention { .. }) => {}
                sent => return sent,
            }
        }
        self.send_once(statement, parameters).await
    }

    /// Sends a statement that can be repeated without effect, and again if its connection ended.
    pub(crate) async fn send_repeatable(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, PostgresStoreError> {
        match self.send(statement, parameters).await {
            Err(PostgresStoreError::Lost { .. }) => self.send(statement, parameters).await,
            sent => sent,
        }
    }

    async fn send_once(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, PostgresStoreError> {
        let sent = self.connections.send(statement, parameters).await;
        sent.map_err(|error| error.of_statement(self.schema.as_str()))
    }

    pub(crate) async fn load(&self, name: &RecordName) -> Result<Option<Stored>, PostgresStoreError> {
        let rows = self.send_repeatable(&self.statements.load, &[(&name.as_str(), Type::TEXT)]).await?;
        rows.first().map(|row| self.read(name.as_str(), row)).transpose()
    }

    /// Reads the columns `version`, `key` and `content` of a row.
    fn read(&self, name: &str, row: &Row) -> Result<Stored, PostgresStoreError> {
        let (version, key) = version_and_key(name, row)?;
        let content: &[u8] = row.try_get("content").map_err(|_| malformed(name))?;
        let content = self.sealing.open(name, version, key, content.into());
        let content = content.map_err(|problem| seal(name, problem))?;
        Ok(Stored { version, content })
    }

    pub(crate) async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, PostgresStoreError> {
        let version = next_version(expected);
        let sealed = self.sealing.seal(name.as_str(), version, content);
        let Sealed { key, bytes } = sealed.map_err(|problem| seal(name.as_str(), problem))?;
        let (name_text, bytes) = (name.as_str(), bytes.as_ref());
        // A version that does not fit is compared as 0, which no record has.
        let number = |version: Version| i64::try_from(version.0).unwrap_or(0);
        let new = number(version);
        let mut parameters: Vec<Parameter<'_>> =
            vec![(&name_text, Type::TEXT), (&new, Type::INT8), (&key, Type::TEXT), (&bytes, Type::BYTEA)];
        let compared = expected.map(number);
        let statement = match &compared {
            None => &self.statements.create,
            Some(compared) => {
                parameters.push((compared, Type::INT8));
                &self.statements.update
            }
        };
        match self.send(statement, &parameters).await?.is_empty() {
            false => Ok(Saved::Done(version)),
            true => Ok(Saved::Conflict(self.load(name).await?)),
        }
    }

    pub(crate) async fn claim(
        &self,
        name: &RecordName,
        owner: &str,
        ttl: Duration,
    ) -> Result<Claimed, PostgresStoreError> {
        let ttl = ttl.as_secs_f64() * 1000.0;
        let parameters: [Parameter<'_>; 3] =
            [(&name.as_str(), Type::TEXT), (&owner, Type::TEXT), (&ttl, Type::FLOAT8)];
        let rows = self.send_repeatable(&self.statements.claim, &parameters).await?;
        let malformed = || malformed(name.as_str());
        let row = rows.first().ok_or_else(malformed)?;
        if row.try_get("is_own").map_err(|_| malformed())? {
            return Ok(Claimed::Granted);
        }
        let left: i64 = row.try_get("left_over").map_err(|_| malformed())?;
        Ok(Claimed::Held(Duration::from_millis(u64::try_from(left).unwrap_or(0).max(1))))
    }

    pub(crate) async fn release(&self, name: &RecordName, owner: &str) -> Result<(), PostgresStoreError> {
        let parameters: [Parameter<'_>; 2] = [(&name.as_str(), Type::TEXT), (&owner, Type::TEXT)];
        self.send_repeatable(&self.statements.release, &parameters).await.map(drop)
    }

    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, PostgresStoreError> {
        let rows = self.send_repeatable(&self.statements.list, &[(&prefix, Type::TEXT)]).await?;
        let name = |row: &Row| RecordName::parse(row.try_get("name").ok()?).ok();
        Ok(rows.iter().filter_map(name).collect())
    }

    /// Returns the version of the tables, and the oldest version whose programs work on them.
    pub(crate) async fn version(&self) -> Result<Option<(i32, i32)>, PostgresStoreError> {
        match self.send_repeatable(&self.schema.version(), &[]).await {
            Ok(rows) => Ok(rows.first().and_then(|row| row.try_get(0).ok().zip(row.try_get(1).ok()))),
            Err(PostgresStoreError::NotMigrated { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn migrate(&self) -> Result<(), PostgresStoreError> {
        match self.version().await? {
            Some((_, oldest)) if oldest > SCHEMA_VERSION => {
                let message = format!("they work with programs of version {oldest} and later");
                return Err(PostgresStoreError::NewerSchema { schema: self.schema.as_str().into(), message });
            }
            Some((version, _)) if version >= SCHEMA_VERSION => return Ok(()),
            _ => {}
        }
        for statement in self.schema.creation() {
            self.create(&statement).await?;
        }
        Ok(())
    }

    /// Sends a statement that creates an object unless it exists. Two concurrent statements can both find that it does
    /// not exist.
    async fn create(&self, statement: &str) -> Result<(), PostgresStoreError> {
        for _ in 1..TRIES {
            match self.send_repeatable(statement, &[]).await {
                Err(PostgresStoreError::Server { code, .. }) if is_there_already(&code) => {}
                created => return created.map(drop),
            }
        }
        self.send_repeatable(statement, &[]).await.map(drop)
    }

    pub(crate) async fn rekey(&self) -> Result<Rekeyed, PostgresStoreError> {
        let (mut rekeyed, mut after) = (Rekeyed::default(), String::new());
        let writing = self.sealing.writing().map(str::to_owned);
        loop {
            let parameters: [Parameter<'_>; 3] =
                [(&after, Type::TEXT), (&writing, Type::TEXT), (&BATCH, Type::INT8)];
            let rows = self.send_repeatable(&self.statements.sealed_otherwise, &parameters).await?;
            let Some(last) = rows.last() else { return Ok(rekeyed) };
            after = last.try_get("name").map_err(|_| malformed(&after))?;
            for row in &rows {
                match self.reseal(row).await {
                    Ok(sealed) => rekeyed.sealed += usize::from(sealed),
                    Err(error) => rekeyed.failed.push(error),
                }
            }
        }
    }

    /// Seals a record again and keeps its version. Returns `false` if another process has changed the record meanwhile,
    /// and thereby sealed it.
    async fn reseal(&self, row: &Row) -> Result<bool, PostgresStoreError> {
        let name: &str = row.try_get("name").map_err(|_| malformed(""))?;
        let (version, earlier) = version_and_key(name, row)?;
        let content = match earlier {
            Some(_) => self.read(name, row)?.content,
            None => row.try_get::<_, &[u8]>("content").map_err(|_| malformed(name))?.into(),
        };
        let sealed = self.sealing.seal(name, version, &content);
        let Sealed { key, bytes } = sealed.map_err(|problem| seal(name, problem))?;
        let (bytes, version) = (bytes.as_ref(), i64::try_from(version.0).unwrap_or(0));
        let parameters: [Parameter<'_>; 5] = [
            (&name, Type::TEXT),
            (&key, Type::TEXT),
            (&bytes, Type::BYTEA),
            (&version, Type::INT8),
            (&earlier, Type::TEXT),
        ];
        Ok(!self.send_repeatable(&self.statements.reseal, &parameters).await?.is_empty())
    }
}

fn version_and_key<'r>(name: &str, row: &'r Row) -> Result<(Version, Option<&'r str>), PostgresStoreError> {
    let version = row.try_get::<_, i64>("version").ok().and_then(|version| u64::try_from(version).ok());
    let key = row.try_get("key").ok();
    let (version, key) = version.filter(|version| *version > 0).zip(key).ok_or_else(|| malformed(name))?;
    Ok((Version(version), key))
}

/// Whether the error says that a schema, table, type or row of that name was created meanwhile.
fn is_there_already(code: &str) -> bool {
    ["42P06", "42P07", "42710", "23505"].contains(&code)
}

fn malformed(name: &str) -> PostgresStoreError {
    PostgresStoreError::Malformed { name: name.to_owned() }
}

fn seal(name: &str, problem: octo_auth_store_kit::SealError) -> PostgresStoreError {
    PostgresStoreError::Seal { name: name.to_owned(), problem }
}
