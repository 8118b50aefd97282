//! Durable posts per second, and reading the last 25. Run with `cargo bench -p parlor-store --bench append`, with one of
//! the words batches, writers, backchat, load behind `--` for a part, and on the disk that counts (`TMPDIR`).
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints what it measured"
)]

use std::time::{Duration, Instant};

use parlor_rooms::conformance::{block_on, category_id, draft, join_all, time, user};
use parlor_rooms::{Category, Change, NewPost, Retention, Room, RoomSettings, Store};
use parlor_store::{Integrity, Options, SqliteStore};
use parlor_xccos::RoomId;
use tempfile::TempDir;

const ROOMS: u32 = 1000;
const TIME: Duration = Duration::from_secs(2);

fn room(number: u32) -> RoomId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    // Ids of rooms are random in life; scattering them keeps the index honest.
    bytes[0] = number.wrapping_mul(2_654_435_761).to_be_bytes()[0];
    RoomId::from_bytes(bytes)
}

fn new_post(number: u32) -> NewPost {
    let words = "the quick brown fox of the trading desk jumps over a lazy limit order, and back, once more ";
    let author = format!("user{}", number % 500);
    NewPost {
        room: room(number % ROOMS),
        timestamp: time(i64::from(number)),
        draft: draft(&author, &format!("{number} {words}"), &format!("key-{number}")),
        retention: Retention::Keep,
    }
}

fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.integrity = Integrity::Never;
    let store = SqliteStore::open(&folder.path().join("rooms.db"), options).unwrap();
    let category = Category::new(category_id(1), "Category");
    let mut changes = vec![Change::CategoryAdded(category)];
    changes.extend((0..ROOMS).map(|number| {
        Change::RoomAdded(Room::new(
            room(number),
            RoomSettings::new(category_id(1), format!("Room {number}")),
        ))
    }));
    block_on(store.apply(changes)).unwrap();
    (folder, store)
}

/// One caller that appends `batch` posts at a time.
fn batches(batch: u32) {
    let (_folder, store) = store();
    let (start, mut posts) = (Instant::now(), 0);
    let mut spent_outside = Duration::ZERO;
    while start.elapsed() - spent_outside < TIME {
        let making = Instant::now();
        let next: Vec<_> = (posts..posts + batch).map(new_post).collect();
        spent_outside += making.elapsed();
        block_on(store.append(next)).unwrap();
        posts += batch;
    }
    report(
        &format!("one writer, batches of {batch}"),
        posts,
        start.elapsed() - spent_outside,
    );
}

/// `writers` callers with one post each under way.
fn writers(writers: u32) {
    let (_folder, store) = store();
    let start = Instant::now();
    let counts = block_on(join_all((0..writers).map(|writer| {
        let store = &store;
        async move {
            let mut posts = 0;
            while start.elapsed() < TIME {
                store
                    .append(vec![new_post(posts * writers + writer)])
                    .await
                    .unwrap();
                posts += 1;
            }
            posts
        }
    })));
    report(
        &format!("{writers} writers, one post each"),
        counts.iter().sum(),
        start.elapsed(),
    );
}

fn report(what: &str, posts: u32, time: Duration) {
    println!(
        "{what:<32} {:>9.0} posts/s",
        f64::from(posts) / time.as_secs_f64()
    );
}

/// The last 25 posts of rooms with 300 to 400 posts each.
fn backchat() {
    let (_folder, store) = store();
    for batch in 0..350 {
        block_on(store.append((batch * 1000..(batch + 1) * 1000).map(new_post).collect())).unwrap();
    }
    let mut times: Vec<_> = (0..20_000u32)
        .map(|n| {
            let start = Instant::now();
            let posts = block_on(store.last(room(n.wrapping_mul(7919) % ROOMS), 25)).unwrap();
            assert_eq!(posts.len(), 25);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    println!(
        "last 25 of 350,000 posts         p50 {:?}, p99 {:?}, thread hand-over included",
        at(0.5),
        at(0.99)
    );
}

/// The directory of the original's capacity sample: 33,077 rooms with 15 members.
fn load() {
    let (_folder, store) = store();
    let members: Vec<_> = (0..20_000).map(|n| user(&format!("user{n}"))).collect();
    let changes = (ROOMS..33_077).map(|number| {
        let settings = RoomSettings::new(category_id(1), format!("Room {number}"));
        let mut new = Room::new(room(number), settings);
        new.members = (0..15)
            .map(|n| members[(number as usize * 31 + n * 977) % members.len()].clone())
            .collect();
        Change::RoomAdded(new)
    });
    let start = Instant::now();
    block_on(store.apply(changes.collect())).unwrap();
    let stored = start.elapsed();
    let start = Instant::now();
    let snapshot = block_on(store.load()).unwrap();
    let read = start.elapsed();
    let start = Instant::now();
    let directory = parlor_rooms::Directory::from_snapshot(snapshot).unwrap();
    println!(
        "{} rooms, 481,155 members        stored in {stored:.2?}, read in {read:.2?}, checked in {:.2?}",
        directory.rooms().count(),
        start.elapsed()
    );
}

fn main() {
    // Cargo adds flags of its own; the first other word picks one part.
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let runs = |part: &str| wanted.as_deref().is_none_or(|wanted| part == wanted);
    if runs("batches") {
        [1, 10, 100, 1000].into_iter().for_each(batches);
    }
    if runs("writers") {
        [1, 10, 100, 1000].into_iter().for_each(writers);
    }
    if runs("backchat") {
        backchat();
    }
    if runs("load") {
        load();
    }
}
