//! The tables, and how they change between releases.
//!
//! A change takes three releases. *Expand* adds tables or columns with a default, which older programs ignore.
//! *Migrate* uses them. *Contract* removes what no program uses any more. Each statement names its columns, so a
//! program works on the tables of a later expansion. A contraction removes or renames columns that older programs name,
//! so their statements fail instead of writing wrong data.

use crate::error::PostgresStoreError;

/// The version of the tables that this release creates.
pub const SCHEMA_VERSION: i32 = 1;

/// The oldest version whose programs still work on the tables of this release.
const OLDEST: i32 = 1;

/// The default schema of the tables.
const DEFAULT: &str = "octo_auth";

/// The name of a schema, safe to use in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) fn new(text: &str) -> Result<Self, PostgresStoreError> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= 40 && text.bytes().all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        let text = text.chars().take(64).flat_map(char::escape_debug).collect();
        Err(PostgresStoreError::SchemaName { text })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the channel of the notices.
    pub(crate) fn channel(&self) -> String {
        format!("octo_auth_{}", self.0)
    }

    /// Returns the query for the version of the tables, and for the oldest version whose programs work on them.
    pub(crate) fn version(&self) -> String {
        format!(r#"SELECT version, oldest FROM "{}".version"#, self.0)
    }

    /// Returns the statements that create the tables. Each can be repeated.
    pub(crate) fn creation(&self) -> [String; 5] {
        let schema = &self.0;
        [
            format!(r#"CREATE SCHEMA IF NOT EXISTS "{schema}""#),
            // Names are compared byte for byte. Each page keeps free space, so that an update stays on its page.
            format!(
                r#"CREATE TABLE IF NOT EXISTS "{schema}".record (
                    name text COLLATE "C" PRIMARY KEY,
                    version bigint NOT NULL CHECK (version > 0),
                    key text,
                    content bytea NOT NULL,
                    written timestamptz NOT NULL DEFAULT statement_timestamp()
                ) WITH (fillfactor = 70)"#
            ),
            format!(
                r#"CREATE TABLE IF NOT EXISTS "{schema}".claim (
                    name text COLLATE "C" PRIMARY KEY,
                    owner text NOT NULL,
                    until timestamptz NOT NULL
                ) WITH (fillfactor = 70)"#
            ),
            format!(
                r#"CREATE TABLE IF NOT EXISTS "{schema}".version (
                    one boolean PRIMARY KEY DEFAULT true CHECK (one),
                    version integer NOT NULL,
                    oldest integer NOT NULL
                )"#
            ),
            format!(
                r#"INSERT INTO "{schema}".version AS found (version, oldest) VALUES ({SCHEMA_VERSION}, {OLDEST})
                ON CONFLICT (one) DO UPDATE SET version = excluded.version, oldest = excluded.oldest
                WHERE found.version < excluded.version"#
            ),
        ]
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}
