//! Secrets that settings name but do not hold.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

/// The longest secret, in bytes; more is a wrong file.
const LONGEST: usize = 4096;

/// Where a secret is: `file:hook.secret` (beside the configuration), `file:///etc/parlor/hook.secret`, or `env:NAME`,
/// a variable of the environment. A settings file is copied and shown around; what stands here may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// In a file, without the line's end after it.
    File(PathBuf),
    /// In a variable of the environment.
    Environment(String),
}

/// A secret. Shown it is `…`, dropped it is overwritten.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The text names no place.
    #[error("not the place of a secret; write \"file:hook.secret\" or \"env:HOOK_SECRET\"")]
    Form,
    /// The file cannot be read.
    #[error("cannot read the secret in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The variable is not set.
    #[error("the variable `{0}`, which should hold a secret, is not set")]
    Unset(String),
    /// It has too few characters to be one, or too many.
    #[error("the secret in {place} has {bytes} bytes; {shortest} to {LONGEST} are accepted")]
    Length {
        /// Where it is.
        place: String,
        /// How long it is.
        bytes: usize,
        /// The fewest that are accepted.
        shortest: usize,
    },
}

impl SecretSource {
    /// With a relative file's path starting at `folder`.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            variable @ Self::Environment(_) => variable,
        }
    }

    /// Reads the secret, of at least `shortest` bytes.
    ///
    /// # Errors
    /// All but [`SecretError::Form`].
    pub fn read(&self, shortest: usize) -> Result<Secret, SecretError> {
        let mut bytes = Zeroizing::new(Vec::new());
        match self {
            Self::File(path) => {
                let read = std::fs::File::open(path)
                    .and_then(|file| file.take(LONGEST as u64 + 3).read_to_end(&mut bytes));
                read.map_err(|source| SecretError::Unreadable {
                    path: path.clone(),
                    source,
                })?;
                // What an editor puts at the end.
                if bytes.ends_with(b"\n") {
                    bytes.pop();
                }
                if bytes.ends_with(b"\r") {
                    bytes.pop();
                }
            }
            Self::Environment(name) => match std::env::var(name) {
                Ok(value) => *bytes = value.into_bytes(),
                Err(_) => return Err(SecretError::Unset(name.clone())),
            },
        }
        if bytes.len() < shortest || bytes.len() > LONGEST {
            return Err(SecretError::Length {
                place: self.to_string(),
                bytes: bytes.len(),
                shortest,
            });
        }
        Ok(Secret(bytes))
    }
}

impl Secret {
    /// Its bytes; never to be shown.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for SecretSource {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("env:") {
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
            return if !name.is_empty() && name.chars().all(letter) {
                Ok(Self::Environment(name.to_owned()))
            } else {
                Err(SecretError::Form)
            };
        }
        let rest = text.strip_prefix("file:").ok_or(SecretError::Form)?;
        let path = match rest.strip_prefix("//") {
            Some(path) if path.starts_with('/') => path,
            Some(_) => return Err(SecretError::Form),
            None => rest,
        };
        if path.is_empty() || path.contains('\0') {
            return Err(SecretError::Form);
        }
        Ok(Self::File(PathBuf::from(path)))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "the variable `{name}`"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What stands there may be the secret itself, by mistake: it is not repeated.
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_from_where_settings_say() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hook"), "0123456789abcdef\r\n").unwrap();
        let read = |text: &str, shortest: usize| {
            let source: SecretSource = text.parse().unwrap();
            source.relative_to(folder.path()).read(shortest)
        };
        let secret = read("file:hook", 16).unwrap();
        assert_eq!(secret.bytes(), b"0123456789abcdef");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(matches!(
            read("file:hook", 17),
            Err(SecretError::Length { bytes: 16, .. })
        ));
        assert!(matches!(
            read("file:gone", 1),
            Err(SecretError::Unreadable { .. })
        ));
        assert!(matches!(
            read("env:PARLOR_TEST_NOBODY_SETS_THIS", 1),
            Err(SecretError::Unset(_))
        ));
        std::fs::write(folder.path().join("long"), "x".repeat(LONGEST + 100)).unwrap();
        assert!(matches!(read("file:long", 1), Err(SecretError::Length { .. })));
        for wrong in ["", "hunter2hunter2", "env:", "env:A B", "file:", "file://host/x"] {
            let error = wrong.parse::<SecretSource>().unwrap_err();
            assert!(matches!(error, SecretError::Form), "{wrong}");
            assert!(
                !error.to_string().contains("hunter2"),
                "a misplaced secret is not repeated"
            );
        }
    }
}
