//! A password that a table names: in a file or in the environment, so that the configuration can be shown to people.

use super::document::Section;

/// What a table says of a password.
pub(super) enum Named {
    /// Nothing.
    Not,
    /// It cannot be had; the problem is noted.
    Wrong,
    It(String),
}

/// Reads `password_file` or `password_env`.
pub(super) fn read(table: &Section<'_, '_>) -> Named {
    let file = table.path("password_file");
    let variable: Option<String> = table.optional("password_env");
    let (key, password) = match (file, variable) {
        (None, None) => return Named::Not,
        (Some(_), Some(_)) => {
            let message = "`password_file` and `password_env` exclude each other";
            table.problem("password_env", message, None);
            return Named::Wrong;
        }
        (Some(file), None) => match std::fs::read_to_string(&file) {
            Ok(text) => (
                "password_file",
                text.lines().next().unwrap_or_default().to_owned(),
            ),
            Err(error) => {
                let message = format!("cannot read {}: {error}", file.display());
                table.problem("password_file", message, None);
                return Named::Wrong;
            }
        },
        (None, Some(variable)) => match std::env::var(&variable) {
            Ok(password) => ("password_env", password),
            Err(_) => {
                let message = format!("the variable {variable} is not set");
                table.problem("password_env", message, None);
                return Named::Wrong;
            }
        },
    };
    if password.is_empty() {
        table.problem(key, "the password is empty", None);
        return Named::Wrong;
    }
    Named::It(password)
}
