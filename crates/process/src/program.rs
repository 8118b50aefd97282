//! What a program is started with.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Variables of this process that a program gets without being asked: where programs and temporary files are, whose they
/// are, and the language. Everything else may be a secret.
pub const INHERITED: [&str; 8] = [
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
];

/// A program that is a bot.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// The kind of bot that it is in the configuration.
    pub name: String,
    /// The program and its arguments. A program with a `/` in it starts at `folder`, another is looked for in `PATH`.
    pub command: Vec<String>,
    /// Its working folder.
    pub folder: PathBuf,
    /// Variables for it alone; values may be secrets.
    pub environment: BTreeMap<String, String>,
    /// Variables of this process that it gets beside [`INHERITED`].
    pub inherit: Vec<String>,
    /// How much memory each of its processes may take, in bytes; `None` is no limit.
    pub memory: Option<u64>,
    /// How long it may take from its start to being ready.
    pub start: Duration,
}

impl Program {
    /// How much memory it may take unless configured, in bytes: several times what an interpreter with a few libraries
    /// takes, little enough that a leak does not hurt others.
    pub const MEMORY: u64 = 512 << 20;
    /// How long it may take to start unless configured: interpreters on a busy machine take seconds.
    pub const START: Duration = Duration::from_secs(20);

    /// A program with defaults for everything but these.
    pub fn new(name: impl Into<String>, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: name.into(),
            command: command.into_iter().map(Into::into).collect(),
            folder: PathBuf::from("."),
            environment: BTreeMap::new(),
            inherit: Vec::new(),
            memory: cfg!(target_os = "linux").then_some(Self::MEMORY),
            start: Self::START,
        }
    }

    /// The process as it will be: its own group, so that it ends with all that it starts and no Ctrl-C of a terminal
    /// reaches it; nothing of this process' environment that it was not given.
    pub(crate) fn process(&self) -> Command {
        let folder = whole(&self.folder);
        let (program, arguments) = match &self.command[..] {
            [] => (PathBuf::new(), &[][..]),
            [program, arguments @ ..] if program.contains('/') => (folder.join(program), arguments),
            [program, arguments @ ..] => (PathBuf::from(program), arguments),
        };
        let mut process = Command::new(program);
        process
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut process, 0);
        for name in INHERITED
            .into_iter()
            .chain(self.inherit.iter().map(String::as_str))
        {
            if let Some(value) = std::env::var_os(name) {
                process.env(name, value);
            }
        }
        process.envs(&self.environment);
        process
    }

    /// What changes when the program does: how it is started, and the files that the command names.
    pub(crate) fn revision(&self) -> String {
        let files: Vec<_> = self
            .command
            .iter()
            .map(|word| stamp(&self.folder.join(word)))
            .collect();
        format!("{self:?} {:?} {files:?}", self.environment)
    }
}

/// A folder by its whole path, which means the same for a process that works elsewhere.
pub(crate) fn whole(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// What changes when a file does; none when there is no such file.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((found.modified().ok()?, found.len()))
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("name", &self.name)
            .field("command", &self.command)
            .field("folder", &self.folder)
            // Not their values.
            .field("environment", &self.environment.keys())
            .field("inherit", &self.inherit)
            .field("memory", &self.memory)
            .field("start", &self.start)
            .finish()
    }
}
