//! Reading passwords: hidden on a terminal, the first line of anything else; never from the command line.

use std::io::IsTerminal as _;

use crate::failure::Failure;

/// Asks on the terminal, which does not show what is typed; `None` when standard input is none.
pub(super) fn typed(prompt: &str) -> Result<Option<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    rpassword::prompt_password(prompt)
        .map(Some)
        .map_err(|error| Failure::caused("cannot read the password", &error))
}

/// A text up to the end of its first line.
pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn a_password_ends_with_its_line_and_keeps_its_spaces() {
        assert_eq!(first_line(" a b \r\nc\n"), " a b ");
        assert_eq!(first_line(""), "");
    }
}
