//! Fan-out through the whole server: 10 rooms of 50 members over mutual TLS on loopback, SQLite behind it.
//!
//! The server runs in a child process, so that its processor time and memory are its own (`/proc/<pid>`); this process
//! is the members. Stops by itself. `cargo bench -p parlor-server --bench fanout`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be set up fails where it stands"
)]

mod member;
mod process;
mod server;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use member::{Command, Room};
use process::Child;

/// Rooms, and members in each.
const ROOMS: usize = 10;
const MEMBERS: usize = 50;
/// Length of each measurement.
const MEASURED: Duration = Duration::from_secs(6);
/// Posts of a room under way when members post as fast as the server allows.
const WINDOW: usize = 4;
/// Posts per second over all rooms when paced: 5,000 deliveries, what the original's pool was tested with.
const PACE: u64 = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--serve") => server::run(Path::new(&arguments[1]), &arguments[2]),
        // Asked by test runners that list everything.
        Some("--list" | "--test") => {}
        _ => {
            for threads in ["1", "2"] {
                measure(threads);
            }
        }
    }
}

fn measure(threads: &str) {
    let folder = tempfile::tempdir().unwrap();
    server::prepare(folder.path());
    let mut child = Child::start(folder.path(), threads);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    println!(
        "server with {threads} worker thread(s), {ROOMS} rooms of {MEMBERS} members, mutual TLS, SQLite"
    );
    runtime.block_on(async {
        let deliveries = Arc::new(AtomicU64::new(0));
        let warm = Room::open(folder.path(), child.address, 0, 1, &deliveries).await;
        drop(warm);
        let before = child.resident();
        let mut rooms = Vec::new();
        for room in 0..ROOMS {
            rooms.push(Room::open(folder.path(), child.address, room, MEMBERS, &deliveries).await);
        }
        let idle = child.resident() - before;
        let connections = ROOMS * MEMBERS;
        println!(
            "  memory: {:.1} KB per idle joined TLS connection",
            idle as f64 / 1024.0 / connections as f64
        );

        let used = load(&child, &deliveries, || {
            for room in &rooms {
                room.command(Command::Flood { window: WINDOW });
            }
        })
        .await;
        println!("  as fast as it goes: {used}");
        for room in &rooms {
            room.command(Command::Stop);
        }
        settle(&deliveries).await;

        let used = load(&child, &deliveries, || {
            let every = Duration::from_micros(1_000_000 * ROOMS as u64 / PACE);
            for room in &rooms {
                room.command(Command::Pace { every });
            }
        })
        .await;
        println!("  {PACE} posts/s: {used}");
        for room in &rooms {
            room.command(Command::Stop);
        }
        settle(&deliveries).await;
        println!(
            "  memory after the load: {:.1} MB",
            child.resident() as f64 / 1024.0 / 1024.0
        );
    });
    child.stop();
}

/// What a stretch of load cost.
struct Used {
    seconds: f64,
    deliveries: u64,
    processor: Duration,
}

impl std::fmt::Display for Used {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let processor = self.processor.as_secs_f64();
        write!(
            f,
            "{:.0} deliveries/s, {:.2} us server CPU per delivery, {:.0} % of a core, {:.0} deliveries per CPU second",
            self.deliveries as f64 / self.seconds,
            processor * 1e6 / self.deliveries as f64,
            100.0 * processor / self.seconds,
            self.deliveries as f64 / processor,
        )
    }
}

async fn load(child: &Child, deliveries: &AtomicU64, begin: impl FnOnce()) -> Used {
    begin();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (began, first, processor) = (
        Instant::now(),
        deliveries.load(Ordering::Relaxed),
        child.processor(),
    );
    tokio::time::sleep(MEASURED).await;
    Used {
        seconds: began.elapsed().as_secs_f64(),
        deliveries: deliveries.load(Ordering::Relaxed) - first,
        processor: child.processor() - processor,
    }
}

/// Waits until nothing is delivered any more.
async fn settle(deliveries: &AtomicU64) {
    let mut last = u64::MAX;
    while last != deliveries.load(Ordering::Relaxed) {
        last = deliveries.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Who is whom, for both processes.
fn user(room: usize, member: usize) -> String {
    format!("sip:member{member}-{room}@example.com")
}

fn room_name(room: usize) -> String {
    format!("Room {room}")
}

type Address = SocketAddr;
