//! A process that is killed while it appends loses nothing it was answered for.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parlor_rooms::conformance::{block_on, category_id, post, room_id};
use parlor_rooms::{Appended, Category, Change, MAX_READ, Room, RoomSettings, Store};
use parlor_store::{Options, SqliteStore};
use parlor_xccos::{MessageId, RoomId};

const CHILD: &str = "PARLOR_STORE_CHILD";
const ROOMS: u8 = 4;
const ROUNDS: usize = 3;
/// Answers after which the child is killed.
const ANSWERS: usize = 150;

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Options::default()).unwrap()
}

/// Not a test of its own: the process that is killed. Each line it prints is an answer: room, id, text.
#[test]
#[ignore = "started by the test below"]
fn child() {
    let Some(path) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let store = open(&path);
    let appends = |number: u8| {
        let store = &store;
        move || {
            for n in 0.. {
                let text = |part: i32| format!("{}-{n}-{part}", std::process::id());
                let posts = (0..3)
                    .map(|part| post(room_id(number), &text(part), &text(part)))
                    .collect();
                let answers = block_on(store.append(posts)).unwrap();
                let mut lines = String::new();
                for (answer, part) in answers.iter().zip(0..) {
                    let Appended::Stored(MessageId(id)) = answer else {
                        panic!("{answer:?}")
                    };
                    lines.push_str(&format!("ANSWER {number} {id} {}\n", text(part)));
                }
                std::io::stdout().write_all(lines.as_bytes()).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 1..=ROOMS {
            scope.spawn(appends(number));
        }
    });
}

/// Lets a child append until it has answered often enough, kills it, and returns what it was answered.
fn run_and_kill(path: &Path) -> Vec<(u8, i64, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let Some((_, answer)) = line.split_once("ANSWER ") else {
            continue;
        };
        let mut words = answer.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        // The last line may be cut short by the kill.
        if let (Ok(room), Ok(id), text) = (word().parse(), word().parse(), word())
            && text.matches('-').count() == 2
        {
            answers.push((room, id, text));
        }
        if answers.len() == ANSWERS {
            // SIGKILL; what is in the pipe by then is still read.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        answers.len() >= ANSWERS,
        "the child ended by itself after {} answers",
        answers.len()
    );
    answers.pop();
    answers
}

fn history(store: &SqliteStore, room: RoomId) -> BTreeMap<i64, String> {
    let mut posts = BTreeMap::new();
    let mut last = MessageId(0);
    loop {
        let page = block_on(store.after(room, last, MAX_READ)).unwrap();
        let Some(end) = page.last() else { return posts };
        last = end.id;
        posts.extend(page.into_iter().map(|post| (post.id.0, post.chat)));
    }
}

#[test]
fn every_answered_append_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    let store = open(&path);
    let mut changes = vec![Change::CategoryAdded(Category::new(category_id(1), "Category"))];
    changes.extend((1..=ROOMS).map(|number| {
        let settings = RoomSettings::new(category_id(1), format!("Room {number}"));
        Change::RoomAdded(Room::new(room_id(number), settings))
    }));
    block_on(store.apply(changes)).unwrap();
    drop(store);

    let mut answered = Vec::new();
    for _ in 0..ROUNDS {
        answered.extend(run_and_kill(&path));
        let store = open(&path);
        let histories: Vec<_> = (1..=ROOMS)
            .map(|number| history(&store, room_id(number)))
            .collect();
        for (room, id, text) in &answered {
            assert_eq!(
                histories[usize::from(*room) - 1].get(id),
                Some(text),
                "room {room} lost post {id}"
            );
        }
        for (posts, number) in histories.iter().zip(1..) {
            // Ids without a gap, and appends of three posts whole.
            assert!(posts.keys().copied().eq(1..=posts.len() as i64));
            assert_eq!(posts.len() % 3, 0, "room {number} has half an append");
            let head = block_on(store.head(room_id(number))).unwrap();
            assert_eq!(head.last.map(|(id, _)| id.0), posts.keys().last().copied());
        }
    }
}
