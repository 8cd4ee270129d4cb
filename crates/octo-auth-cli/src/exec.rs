//! `octo-auth exec`: runs another program with a token in its environment.
//!
//! The rule of this module: the token is only in the environment of that program. On Unix the program replaces this
//! one, so it has its own signals, exit code and terminal.

use std::io::ErrorKind;
use std::process::Command;

use octo_auth_config::{Form, SETTINGS};

use crate::arguments::ExecRequest;
use crate::failure::{Exit, Failure, shown};
use crate::token;

/// Gets a token and runs the program.
///
/// # Errors
///
/// Returns a [`Failure`] if there is no token, or if the program cannot be run.
pub(crate) fn run(request: &ExecRequest) -> Result<Exit, Failure> {
    let variable = &request.variable;
    let is_name = !variable.starts_with(|first: char| first.is_ascii_digit())
        && variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // The system itself reads these variables, and may show them.
    let is_of_the_system = variable == "PATH" || variable.starts_with("LD_") || variable.starts_with("DYLD_");
    if variable.is_empty() || !is_name || is_of_the_system {
        return Err(Failure::new(Exit::Usage, "the value of --variable is not a name of a variable")
            .with_remedy("write a name such as ACCESS_TOKEN"));
    }
    let (_, token) = token::stored(&request.client, &request.stored, request.deadline)?;
    let [program, arguments @ ..] = request.command.as_slice() else {
        return Err(Failure::new(Exit::Usage, "an argument is missing: <COMMAND>"));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for secret in SETTINGS.iter().filter(|setting| setting.form == Form::Secret) {
        command.env_remove(secret.variable());
    }
    command.env(variable, token.access_token().expose());
    drop(token);
    let error = match replaced(&mut command) {
        Ok(exit) => return Ok(exit),
        Err(error) => error,
    };
    let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::NotRunnable };
    Err(Failure::new(exit, format!("{} cannot be run", shown(program.to_string_lossy())))
        .because_of(Some(&error))
        .with_remedy("name a program that you may run, behind --"))
}

/// Replaces this program by the other. It returns only if that fails.
#[cfg(unix)]
fn replaced(command: &mut Command) -> Result<Exit, std::io::Error> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Runs the program, and ends with its exit code.
#[cfg(not(unix))]
fn replaced(command: &mut Command) -> Result<Exit, std::io::Error> {
    command.status().map(|status| std::process::exit(status.code().unwrap_or(1)))
}
