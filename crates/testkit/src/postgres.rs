//! A private PostgreSQL for tests: one cluster for each test program, one schema for each test.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What the first start of a cluster may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections of all tests that run at once.
const CONNECTIONS: u32 = 200;
/// Waits for the end of its input, which is the end of the test program however that comes, and cleans up.
const GUARD: &str = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 & read -r _; kill -TERM $!; kill -QUIT $!; wait; rm -rf "$folder""#;

/// A schema that nobody else uses; programs find it at [`Schema::address`].
#[derive(Debug)]
pub struct Schema {
    name: String,
}

impl Schema {
    /// Makes an empty one in the cluster of this test program, which is started with the first.
    ///
    /// # Panics
    /// Without the programs of PostgreSQL, and when they fail.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster().run(&format!("CREATE SCHEMA {name}"));
        Self { name }
    }

    /// Its name, and that of connections to [`Schema::address`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address, for whoever connects.
    pub fn address(&self) -> String {
        let folder = cluster().folder.display();
        let options = format!("-c search_path={}", self.name)
            .replace(' ', "%20")
            .replace('=', "%3D");
        format!(
            "postgresql:///postgres?host={folder}&user=parlor&application_name={}&options={options}",
            self.name
        )
    }

    /// Runs statements in it, as an administrator would.
    ///
    /// # Panics
    /// When they fail.
    pub fn run(&self, sql: &str) {
        cluster().run(&format!("SET search_path = {}; {sql}", self.name));
    }
}

impl Schema {
    /// Cuts all connections of programs that have its address.
    ///
    /// # Panics
    /// When that fails.
    pub fn cut(&self) {
        self.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
            self.name
        ));
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Cluster {
    /// The socket is here too.
    folder: PathBuf,
    /// Of no use but to be held: see [`GUARD`].
    _guard: Child,
    programs: PathBuf,
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

impl Cluster {
    fn start() -> Self {
        let programs = programs().expect(
            "the tests need PostgreSQL: install it (Debian: apt-get install postgresql), or put initdb on the PATH",
        );
        let folder = tempfile::Builder::new()
            .prefix("parlor-pg-")
            .tempdir()
            .unwrap()
            .keep();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        let data = folder.join("data");
        let made = as_owner(programs.join("initdb"), owner)
            .args([
                "--no-sync",
                "--auth=trust",
                "--username=parlor",
                "--locale=C",
                "--encoding=UTF8",
                "-D",
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let settings = [
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", folder.display()),
            format!("max_connections={CONNECTIONS}"),
            // Nothing survives the machine's crash, which no test is about.
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "shared_buffers=32MB".to_owned(),
        ];
        let mut guard = as_owner("sh", owner);
        guard.args(["-c", GUARD, "guard"]).arg(&folder);
        guard.arg(programs.join("postgres")).arg("-D").arg(&data);
        for setting in &settings {
            guard.args(["-c", setting]);
        }
        let cluster = Self {
            _guard: guard.stdin(Stdio::piped()).spawn().unwrap(),
            folder,
            programs,
        };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let begun = Instant::now();
        while !self.psql("SELECT 1").status.success() {
            let log = self.folder.join("log");
            assert!(
                begun.elapsed() < PATIENCE,
                "PostgreSQL does not start: {}",
                fs::read_to_string(log).unwrap_or_default()
            );
            sleep(Duration::from_millis(50));
        }
    }

    fn run(&self, sql: &str) {
        let ran = self.psql(sql);
        assert!(
            ran.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }

    fn psql(&self, sql: &str) -> std::process::Output {
        Command::new(self.programs.join("psql"))
            .args([
                "-q",
                "-X",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "parlor",
                "-d",
                "postgres",
                "-h",
            ])
            .arg(&self.folder)
            .args(["-c", sql])
            .output()
            .unwrap()
    }
}

/// The folder of `initdb`: the first on the `PATH`, else the newest where Debian has them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    // A link on the path leads to the folder that has all of them.
    let mut found = folders
        .into_iter()
        .filter_map(|folder| folder.join("initdb").canonicalize().ok());
    Some(found.next()?.parent()?.to_owned())
}

/// Whom the cluster belongs to when tests run as root, which PostgreSQL refuses to.
fn owner() -> Option<(u32, u32)> {
    let mut status = String::new();
    fs::File::open("/proc/self/status")
        .ok()?
        .read_to_string(&mut status)
        .ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    if ids.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let user = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            let [name, _, user, group, ..] = fields.as_slice() else {
                return None;
            };
            (*name == wanted).then_some((user.parse().ok()?, group.parse().ok()?))
        })
    };
    user("postgres").or_else(|| user("nobody"))
}

fn as_owner(program: impl AsRef<OsStr>, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    // A group of its own: an interrupt of the tests reaches it through the guard.
    command.process_group(0).current_dir(Path::new("/"));
    command
}
