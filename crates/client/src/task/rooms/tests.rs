//! The order rules of a room's event stream, as stories and as a property.

use std::sync::Arc;

use parlor_xccos::{MessageId, Post, RoomId, RoomInfo, RoomUri, Timestamp};
use proptest::prelude::*;
use tokio::sync::{Notify, mpsc};

use super::{Next, Room};
use crate::events::RoomEvent;
use crate::room::RoomShared;
use crate::tuning::HELD_LIVE_POSTS;

const PAGE: usize = 4;

fn uri() -> RoomUri {
    RoomUri::new("example.com", RoomId::from_bytes([7; 16])).expect("a room")
}

fn post(id: i64) -> Post {
    let author = "sip:bob@example.com".parse().expect("a user");
    let mut post = Post::new(uri(), author, Timestamp::EPOCH, format!("message {id}"));
    post.id = Some(MessageId(id));
    post
}

fn posts(ids: std::ops::RangeInclusive<i64>) -> Vec<Post> {
    ids.map(post).collect()
}

fn room(queue: usize, after: Option<i64>) -> (Room, mpsc::Receiver<RoomEvent>) {
    let shared = RoomShared::new(RoomInfo::new(uri(), "News"), Vec::new(), Arc::new(Notify::new()));
    let (sender, events) = mpsc::channel(queue);
    (Room::new(Arc::new(shared), sender, after.map(MessageId)), events)
}

/// What the reader has got so far: numbers of posts, names of other events.
fn read(events: &mut mpsc::Receiver<RoomEvent>) -> Vec<String> {
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(match event {
            RoomEvent::Post(post) => post.id.map_or_else(|| "?".to_owned(), |id| id.to_string()),
            RoomEvent::Recovered { missed } => format!("recovered {missed}"),
            other => format!("{other:?}").to_lowercase(),
        });
    }
    seen
}

#[test]
fn a_join_starts_with_the_first_live_post_even_when_history_already_holds_it() {
    let (mut room, mut events) = room(16, None);
    room.live(post(5));
    room.live(post(6));
    assert_eq!(room.baseline(Some(MessageId(6)), PAGE), Next::Done);
    room.live(post(7));
    assert_eq!(read(&mut events), ["5", "6", "7"]);
}

#[test]
fn a_post_seen_before_is_not_delivered_again() {
    let (mut room, mut events) = room(16, None);
    room.baseline(Some(MessageId(4)), PAGE);
    for id in [4, 5, 5, 3, 6] {
        room.live(post(id));
    }
    assert_eq!(read(&mut events), ["5", "6"]);
}

#[test]
fn a_cursor_is_followed_page_by_page_and_then_live() {
    let (mut room, mut events) = room(16, Some(2));
    room.ask();
    assert_eq!(room.page(posts(3..=6), true, PAGE), Next::Page);
    room.live(post(9));
    assert_eq!(room.page(posts(7..=8), false, PAGE), Next::Done);
    room.live(post(10));
    assert_eq!(read(&mut events), ["3", "4", "5", "6", "7", "8", "9", "10"]);
}

#[test]
fn after_a_loss_what_was_missed_comes_once_and_before_what_is_live() {
    let (mut room, mut events) = room(16, None);
    room.baseline(Some(MessageId(0)), PAGE);
    room.live(post(1));
    room.lost();
    room.live(post(4));
    room.rejoined(RoomInfo::new(uri(), "News"), Vec::new());
    room.ask();
    assert_eq!(room.page(posts(2..=4), false, PAGE), Next::Done);
    assert_eq!(
        read(&mut events),
        ["1", "disconnected", "2", "3", "4", "recovered 3"]
    );
}

#[test]
fn a_reader_that_is_too_slow_hears_of_it_and_gets_everything() {
    let (mut room, mut events) = room(4, None);
    room.baseline(Some(MessageId(0)), 2);
    (1..=9).for_each(|id| room.live(post(id)));
    assert!(!room.resume(2), "the queue is still full");
    assert_eq!(read(&mut events), ["1", "2", "3", "4"]);
    assert!(room.resume(2));
    assert_eq!(
        room.page(posts(5..=6), true, 2),
        Next::Wait,
        "no room for another page yet"
    );
    assert_eq!(read(&mut events), ["lagged", "5", "6"]);
    assert!(room.resume(2));
    assert_eq!(room.page(posts(7..=8), true, 2), Next::Wait);
    assert_eq!(read(&mut events), ["7", "8"]);
    assert!(room.resume(2));
    assert_eq!(room.page(posts(9..=9), false, 2), Next::Done);
    room.live(post(10));
    assert_eq!(read(&mut events), ["9", "10"]);
}

#[test]
fn live_posts_beyond_what_is_held_are_fetched_instead() {
    let (mut room, mut events) = room(4096, Some(0));
    let newest = HELD_LIVE_POSTS as i64 + 10;
    room.ask();
    (11..=newest + 1).for_each(|id| room.live(post(id)));
    assert_eq!(
        room.page(posts(1..=10), false, 100),
        Next::Page,
        "dropped posts must be asked for"
    );
    room.live(post(newest + 2));
    assert_eq!(room.page(posts(11..=newest + 1), false, 100), Next::Done);
    let expected: Vec<_> = (1..=newest + 2).map(|id| id.to_string()).collect();
    assert_eq!(read(&mut events), expected);
}

#[test]
fn a_server_that_says_more_and_gives_nothing_new_ends_in_a_gap() {
    let (mut room, mut events) = room(16, Some(3));
    room.ask();
    assert_eq!(room.page(posts(1..=3), true, PAGE), Next::Done);
    assert_eq!(read(&mut events), ["gap { after: some(messageid(3)) }"]);
}

/// What may happen next in a room's life.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Somebody posts.
    Post,
    /// The server reads history for the oldest open question; the answer goes out later.
    Read,
    /// The oldest answer goes on the wire.
    Answer,
    /// The client takes one thing off the wire.
    Receive,
    /// The reader takes so many events.
    Take(usize),
    /// The connection breaks.
    Lose,
    /// The room is joined again.
    Rejoin,
}

enum Wire {
    Live(i64),
    Page {
        question: u32,
        posts: Vec<Post>,
        more: bool,
    },
}

/// A server with contiguous numbers, a wire that keeps order, and a reader.
struct World {
    room: Room,
    events: mpsc::Receiver<RoomEvent>,
    page: usize,
    joined: bool,
    posted: i64,
    wire: std::collections::VecDeque<Wire>,
    questions: std::collections::VecDeque<(u32, i64)>,
    answers: std::collections::VecDeque<Wire>,
    taken: Vec<i64>,
}

impl World {
    fn new(queue: usize, page: usize) -> Self {
        let (mut room, events) = room(queue, Some(0));
        room.ask();
        let questions = [(room.question, 0)].into();
        Self {
            room,
            events,
            page,
            joined: true,
            posted: 0,
            wire: std::collections::VecDeque::new(),
            questions,
            answers: std::collections::VecDeque::new(),
            taken: Vec::new(),
        }
    }

    fn ask(&mut self) {
        let after = self.room.last.map_or(0, |last| last.0);
        self.questions.push_back((self.room.question, after));
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Post => {
                self.posted += 1;
                if self.joined {
                    self.wire.push_back(Wire::Live(self.posted));
                }
            }
            Step::Read => {
                if let Some((question, after)) = self.questions.pop_front() {
                    let last = self.posted.min(after + self.page as i64);
                    let posts: Vec<_> = (after + 1..=last).map(post).collect();
                    let more = posts.len() >= self.page;
                    self.answers.push_back(Wire::Page {
                        question,
                        posts,
                        more,
                    });
                }
            }
            Step::Answer => self.wire.extend(self.answers.pop_front()),
            Step::Receive => self.receive(),
            Step::Take(count) => {
                for _ in 0..count {
                    if let Ok(RoomEvent::Post(post)) = self.events.try_recv() {
                        self.taken.extend(post.id.map(|id| id.0));
                    }
                }
                if self.room.resume(self.page) {
                    self.ask();
                }
            }
            Step::Lose if self.joined => {
                self.joined = false;
                self.wire.clear();
                self.questions.clear();
                self.answers.clear();
                self.room.lost();
            }
            Step::Rejoin if !self.joined => {
                self.joined = true;
                self.room.rejoined(RoomInfo::new(uri(), "News"), Vec::new());
                if self.room.ask_page(self.page) == Next::Page {
                    self.ask();
                }
            }
            Step::Lose | Step::Rejoin => {}
        }
    }

    fn receive(&mut self) {
        match self.wire.pop_front() {
            Some(Wire::Live(id)) => self.room.live(post(id)),
            Some(Wire::Page {
                question,
                posts,
                more,
            }) => {
                let current = question == self.room.question;
                if current && self.room.page(posts, more, self.page) == Next::Page {
                    self.ask();
                }
            }
            None => {}
        }
    }

    /// Lets everything settle and gives what the reader got.
    fn settle(mut self) -> (Vec<i64>, i64) {
        self.step(Step::Rejoin);
        for _ in 0..(self.posted * 8 + 64) {
            for step in [Step::Read, Step::Answer, Step::Receive, Step::Take(1)] {
                self.step(step);
            }
        }
        (self.taken, self.posted)
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Post),
        3 => Just(Step::Read),
        3 => Just(Step::Answer),
        8 => Just(Step::Receive),
        4 => (1..6usize).prop_map(Step::Take),
        1 => Just(Step::Lose),
        2 => Just(Step::Rejoin),
    ];
    proptest::collection::vec(step, 0..400)
}

proptest! {
    #[test]
    fn every_post_reaches_the_reader_once_and_in_order(steps in steps(), queue in 2..24usize, page in 1..12usize) {
        let mut world = World::new(queue, page.min(queue / 2).max(1));
        steps.into_iter().for_each(|step| world.step(step));
        let (taken, posted) = world.settle();
        prop_assert_eq!(taken, (1..=posted).collect::<Vec<_>>());
    }
}
