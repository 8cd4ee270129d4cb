//! Another library behind a command: it reads the row from standard input, and prints its facts on standard output.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::facts::Facts;
use super::row::Row;

/// Returns the facts that the command prints for a row; `None` if it prints nothing or `null`, because it cannot run
/// the row.
pub(super) fn observe(row: &Row, program: &Path) -> Result<Option<Facts>, String> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    let question = json!({"id": row.id, "group": row.group, "input": row.input}).to_string();
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input cannot judge the row.
        let _ = stdin.write_all(question.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("the command ended with {}", output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    match serde_json::from_str(text.trim()) {
        _ if text.trim().is_empty() => Ok(None),
        Ok(Value::Null) => Ok(None),
        Ok(Value::Object(facts)) => Ok(Some(facts)),
        Ok(_) => Err("the command printed JSON that is no object".to_owned()),
        Err(error) => Err(format!("the command printed something that is not JSON: {error}")),
    }
}
