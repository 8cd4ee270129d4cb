//! The checks of the server.

use std::time::{Duration, SystemTime};

use octo_auth_store_kit::Finding;
use tokio_postgres::Row;

use crate::engine::{Connections, Engine};
use crate::error::PostgresStoreError;
use crate::schema::SCHEMA_VERSION;

/// The largest difference between the clocks of the server and of this process that is not reported.
const CLOCKS_APART: Duration = Duration::from_secs(5);

/// One query for everything that does not need the tables.
const LOOK: &str = "SELECT
    current_setting('server_version_num')::int AS version,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('default_transaction_isolation') AS isolation,
    current_setting('synchronous_standby_names') AS synchronous_standbys,
    pg_is_in_recovery() AS is_standby,
    (SELECT count(*) FROM pg_stat_replication) AS standbys,
    (SELECT extract(epoch FROM max(replay_lag))::float8 FROM pg_stat_replication) AS lag,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS has_tls,
    inet_client_addr() IS NULL OR host(inet_client_addr()) = ANY ('{127.0.0.1,::1}') AS is_local,
    extract(epoch FROM clock_timestamp())::float8 AS clock,
    pg_backend_pid() AS session";

/// The query for the session in which a statement runs.
const SESSION: &str = "SELECT pg_backend_pid() AS session";

impl<C: Connections> Engine<C> {
    pub(crate) async fn doctor(&self) -> Result<Vec<Finding>, PostgresStoreError> {
        let asked = SystemTime::now();
        let rows = self.send_repeatable(LOOK, &[]).await?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let mut findings = settings(row)?;
        findings.extend(clock(row, asked)?);
        findings.push(self.tables().await?);
        findings.push(self.pooler(get(row, "session")?).await?);
        findings.sort_by_key(|finding| finding.severity);
        Ok(findings)
    }

    async fn tables(&self) -> Result<Finding, PostgresStoreError> {
        let schema = self.schema().as_str();
        Ok(match self.version().await? {
            None => Finding::refused(
                "tables",
                format!("the schema `{schema}` has no tables of octo-auth: run `migrate`"),
            ),
            Some((_, oldest)) if oldest > SCHEMA_VERSION => Finding::refused(
                "tables",
                format!("the tables work with programs of version {oldest} and later: upgrade this program"),
            ),
            Some((version, _)) if version < SCHEMA_VERSION => Finding::warning(
                "tables",
                format!("the tables have version {version}, this program {SCHEMA_VERSION}: run `migrate`"),
            ),
            Some((version, _)) => Finding::fine("tables", format!("the tables have version {version}")),
        })
    }

    async fn pooler(&self, first: i32) -> Result<Finding, PostgresStoreError> {
        for _ in 0..3 {
            let rows = self.send_repeatable(SESSION, &[]).await?;
            if rows.first().and_then(|row| row.try_get::<_, i32>("session").ok()) != Some(first) {
                let text = "statements run in different sessions, as behind a pool or a pooler in transaction mode: \
                            the store works so; notices of changes need `Options::listen` with the server's own address";
                return Ok(Finding::fine("pooler", text.to_owned()));
            }
        }
        Ok(Finding::fine("pooler", "statements run in one session".to_owned()))
    }
}

/// Judges the settings of the server.
fn settings(row: &Row) -> Result<Vec<Finding>, PostgresStoreError> {
    let mut findings = Vec::new();
    for (setting, loss) in [
        ("fsync", "a crash of the machine can lose or damage records"),
        ("full_page_writes", "a crash of the machine can damage records"),
        ("synchronous_commit", "a crash can lose the last refresh tokens, which ends their consent"),
    ] {
        let value: String = get(row, setting)?;
        findings.push(match value.as_str() {
            "off" => Finding::refused(setting, format!("`{setting}` is off: {loss}; switch it on")),
            value => Finding::fine(setting, format!("`{setting}` is {value}")),
        });
    }
    let isolation: String = get(row, "isolation")?;
    findings.push(match isolation.as_str() {
        "read committed" => Finding::fine("isolation", "transactions are read committed".to_owned()),
        other => Finding::warning(
            "isolation",
            format!("transactions are `{other}` by default: the store works, and repeats statements that meet others"),
        ),
    });
    findings.push(match get(row, "is_standby")? {
        true => Finding::refused(
            "standby",
            "the server is a standby and only reads: connect to the primary".to_owned(),
        ),
        false => Finding::fine("standby", "the server is a primary".to_owned()),
    });
    findings.extend(replication(row)?);
    findings.push(match (get(row, "has_tls")?, get(row, "is_local")?) {
        (true, _) => Finding::fine("tls", "the connection uses TLS".to_owned()),
        (false, true) => {
            Finding::fine("tls", "the connection stays on this computer, without TLS".to_owned())
        }
        (false, false) => Finding::warning(
            "tls",
            "the connection crosses a network without TLS: set `sslmode=require`".to_owned(),
        ),
    });
    Ok(findings)
}

fn replication(row: &Row) -> Result<Option<Finding>, PostgresStoreError> {
    let (standbys, lag): (i64, Option<f64>) = (get(row, "standbys")?, get(row, "lag")?);
    let synchronous: String = get(row, "synchronous_standbys")?;
    if standbys == 0 {
        return Ok(None);
    }
    let lag = lag.map_or_else(String::new, |seconds| format!(", {seconds:.1} s behind"));
    Ok(Some(if synchronous.is_empty() {
        Finding::warning(
            "replication",
            format!(
                "{standbys} standbys follow asynchronously{lag}: a failover can lose the last refresh tokens; set \
                 `synchronous_standby_names`"
            ),
        )
    } else {
        Finding::fine("replication", format!("{standbys} standbys follow{lag}, some of them synchronously"))
    }))
}

fn clock(row: &Row, asked: SystemTime) -> Result<Option<Finding>, PostgresStoreError> {
    let server = Duration::try_from_secs_f64(get(row, "clock")?).unwrap_or_default();
    let asked = asked.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let apart = server.abs_diff(asked);
    Ok(Some(if apart > CLOCKS_APART {
        Finding::warning(
            "clock",
            format!(
                "the clocks of the server and of this computer are {} s apart: claims run by the server's, but times of \
                 tokens by those of the processes; synchronise them",
                apart.as_secs()
            ),
        )
    } else {
        Finding::fine("clock", "the clocks of the server and of this computer agree".to_owned())
    }))
}

fn get<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: &str,
) -> Result<T, PostgresStoreError> {
    row.try_get(column).map_err(|_| PostgresStoreError::Server {
        code: "unknown".to_owned(),
        message: format!("it does not say `{column}` as PostgreSQL does"),
    })
}
