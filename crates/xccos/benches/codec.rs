//! Cost of the codec on one core: `cargo bench -p parlor-xccos`.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use parlor_xccos::format::{display_text, parse};
use parlor_xccos::{
    CommandName, CommandRef, EncodeOptions, EnvelopeId, JoinedRoom, MessageId, Participant, Post, Reply,
    ReplyData, Rights, RoomId, RoomInfo, RoomUri, SipUri, Timestamp, decode, encode,
};

fn main() {
    divan::main();
}

fn room(number: u8) -> RoomUri {
    RoomUri::new("example.com", RoomId::from_bytes([number; 16])).expect("a domain")
}

fn user(number: usize) -> SipUri {
    format!("sip:user{number}@example.com").parse().expect("a user")
}

/// A post whose document has 450 bytes.
fn post() -> Post {
    let mut post = Post::new(room(1), user(1), Timestamp::from_millis(1_795_199_927_120), "");
    post.author_name = Some("Some Body".to_owned());
    post.id = Some(MessageId(123_456));
    post.chat = "Fish & chips <today>, ".to_owned();
    let rest = 450 - encode::post(EnvelopeId::from(u64::MAX), &post).len();
    post.chat.push_str(&"as every Friday. ".repeat(30)[..rest]);
    post
}

/// The answer to a join of `rooms` rooms with 30 participants each.
fn joined(rooms: u8) -> Reply {
    let room = |number| JoinedRoom {
        info: RoomInfo::new(room(number), "A room with a name"),
        participants: (0..30)
            .map(|user_number| {
                let rights = if user_number < 2 {
                    Rights::MANAGER
                } else {
                    Rights::MEMBER
                };
                Participant {
                    display: "Some Body".to_owned(),
                    ..Participant::new(user(user_number), rights)
                }
            })
            .collect(),
    };
    let to = CommandRef {
        envelope: EnvelopeId::from(139_132_350),
        seq: 1,
    };
    let data = ReplyData::Joined {
        rooms: (0..rooms).map(room).collect(),
        failed: vec![room(200).info.uri],
    };
    Reply::ok(CommandName::BatchJoin, to, data)
}

#[divan::bench]
fn post_encode(bencher: Bencher<'_, '_>) {
    let post = post();
    let id = EnvelopeId::from(u64::MAX);
    assert_eq!(encode::post(id, &post).len(), 450);
    bencher
        .counter(ItemsCount::new(1usize))
        .bench(|| encode::post(black_box(id), black_box(&post)));
}

#[divan::bench]
fn post_decode(bencher: Bencher<'_, '_>) {
    let document = encode::post(EnvelopeId::from(u64::MAX), &post());
    bencher
        .counter(ItemsCount::new(1usize))
        .bench(|| decode(black_box(&document)));
}

#[divan::bench(args = [1, 20])]
fn bjoin_encode(bencher: Bencher<'_, '_>, rooms: u8) {
    let reply = joined(rooms);
    let options = EncodeOptions::default();
    let len = encode::reply(EnvelopeId::from(1), &reply, options).len();
    bencher
        .counter(BytesCount::new(len))
        .bench(|| encode::reply(EnvelopeId::from(1), black_box(&reply), options));
}

#[divan::bench(args = [1, 20])]
fn bjoin_decode(bencher: Bencher<'_, '_>, rooms: u8) {
    let document = encode::reply(EnvelopeId::from(1), &joined(rooms), EncodeOptions::default());
    bencher
        .counter(BytesCount::new(document.len()))
        .bench(|| decode(black_box(&document)));
}

#[divan::bench]
fn format_parse(bencher: Bencher<'_, '_>) {
    let chat =
        r#"[STORY]News[/STORY]Read <a href="https://example.com/1">this</a> :) and tell us what you think"#
            .repeat(4);
    bencher
        .counter(BytesCount::new(chat.len()))
        .bench(|| parse(black_box(&chat)));
}

#[divan::bench]
fn format_display_text(bencher: Bencher<'_, '_>) {
    let chat = "plain text as nearly all posts are, without any mark in it; ".repeat(4);
    bencher
        .counter(BytesCount::new(chat.len()))
        .bench(|| display_text(black_box(&chat)));
}
