//! Parts inside the text of a post: what is written, what is read, and that text stays text.

use parlor_xccos::format::{
    Emoticon, FormattedMessage, MessagePart, display_text, is_story, parse, parse_with_raw,
};
use proptest::prelude::*;

use crate::samples::room;

fn text(text: &str) -> MessagePart {
    MessagePart::Text(text.to_owned())
}

fn link(text: &str, target: &str) -> MessagePart {
    MessagePart::Hyperlink {
        text: text.to_owned(),
        target: target.parse().unwrap(),
    }
}

#[test]
fn every_part_is_read_as_it_was_written() {
    let mut message = FormattedMessage::story("Release [2.0]");
    message
        .append_text("See the ")
        .append_hyperlink("notes & more", "https://example.com/n?a=1&b=2")
        .unwrap()
        .append_text(" in ")
        .append_room_link("News", &room(1))
        .append_emoticon(Emoticon::Smile)
        .append_text("\r\nor ask");
    let chat = message.to_chat();
    assert_eq!(
        chat,
        "[STORY]Release [2.0][/STORY]See the <a href=\"https://example.com/n?a=1&b=2\">notes & more</a> in \
         <a href=\"ma-chan://example.com/00000000-0000-0000-0000-000000000001\">News</a>:)\r\nor ask"
    );
    assert_eq!(FormattedMessage::from_chat(&chat, true), message);
    assert_eq!(
        message.display_text(),
        "Release [2.0]\nSee the notes & more in News:)\r\nor ask"
    );
    assert_eq!(display_text(&chat), message.display_text());
    assert!(message.is_alert() && !message.clone().with_alert(false).is_alert());
    assert_eq!(message.story_title(), Some("Release [2.0]"));
}

#[test]
fn emoticons_are_found_where_they_are_typed() {
    let typed: String = Emoticon::EVERY
        .iter()
        .map(|emoticon| format!("{emoticon} "))
        .collect();
    let found: Vec<_> = parse(&typed)
        .into_iter()
        .filter(|part| matches!(part, MessagePart::Emoticon(_)))
        .collect();
    assert_eq!(found, Emoticon::EVERY.map(MessagePart::Emoticon));
    assert_eq!(parse("since 1978-)"), [text("since 1978-)")]);
    assert_eq!(
        parse("Hi:)"),
        [text("Hi"), MessagePart::Emoticon(Emoticon::Smile)]
    );
}

#[test]
fn anchors_are_read_leniently() {
    for anchor in [
        "<a href=\"https://e.x/\">t</a>",
        "<A target='_blank' HREF='https://e.x/' >t</A>",
        "<a\r\nhref=\"https://e.x/\" href=\"https://other.x/\">t</a>",
    ] {
        assert_eq!(parse(anchor), [link("t", "https://e.x/")], "{anchor}");
    }
}

#[test]
fn what_leads_nowhere_safe_stays_text() {
    for chat in [
        "<a href=\"javascript:alert(1)\">t</a>",
        "<a href=\"https://e.x/\">t",
        "<a href=\"https://e.x/>t</a>",
        "<a href=https://e.x/>t</a>",
        "<a >t</a>",
        "<a href=\"https://e.x/\"/>t</a>",
        "<b>t</b>",
        "<a",
        "<",
    ] {
        assert_eq!(parse(chat), [text(chat)], "{chat}");
    }
    assert_eq!(parse(""), []);
}

#[test]
fn files_have_name_and_size() {
    let file = |label: &str| {
        let chat = format!("<a href=\"ma-filelink://d/room/file.ext\">{label}</a>");
        let [MessagePart::FileLink(link)] = &parse(&chat)[..] else {
            panic!("{chat}")
        };
        assert_eq!(MessagePart::FileLink(link.clone()).raw_text(), chat);
        assert_eq!(link.target.as_str(), "ma-filelink://d/room/file.ext");
        (link.name.clone(), link.size)
    };
    assert_eq!(
        file("plan (2).doc (10 kilobytes)"),
        ("plan (2).doc".to_owned(), Some(10_240))
    );
    assert_eq!(file("a.txt (100 bytes)"), ("a.txt".to_owned(), Some(100)));
    assert_eq!(file("a (2).txt"), ("a (2).txt".to_owned(), None));
    assert_eq!(
        file("a (99999999999999999999 bytes)"),
        ("a (99999999999999999999 bytes)".to_owned(), None)
    );
}

#[test]
fn a_story_without_end_of_title_has_its_first_line_as_title() {
    let title = |text: &str| MessagePart::StoryTitle(text.to_owned());
    assert_eq!(parse("[story]Title\r\nbody"), [title("Title"), text("body")]);
    assert_eq!(parse("[STORY]Title"), [title("Title")]);
    assert_eq!(parse("[STORY][/STORY]"), [title("")]);
    assert!(is_story("[Story]x") && !is_story(" [STORY]x"));
    assert_eq!(parse(" [STORY]T[/STORY]"), [text(" [STORY]T[/STORY]")]);
}

#[test]
fn text_that_looks_like_a_mark_stays_text() {
    let hostile = "[STORY]fake[/STORY] <a href=\"https://evil.example/\">your bank</a>";
    let mut message = FormattedMessage::new();
    message
        .append_text("[STO")
        .append_text("RY]")
        .append_text(&hostile[7..]);
    let parts = parse(&message.to_chat());
    assert_eq!(parts.len(), 1);
    let MessagePart::Text(read) = &parts[0] else {
        panic!("{parts:?}")
    };
    assert_eq!(read.replace('\u{2060}', ""), hostile);

    let mut message = FormattedMessage::story("a[/STORY]b\nc");
    message
        .append_hyperlink("x</a>y", "https://e.x/\"onclick")
        .unwrap();
    let parts = parse(&message.to_chat());
    assert_eq!(parts[0].display_text().replace('\u{2060}', ""), "a[/STORY]b c");
    assert_eq!(parts[1].display_text().replace('\u{2060}', ""), "x</a>y");
    assert_eq!(parts.len(), 2);
}

#[test]
fn many_unfinished_anchors_are_read_in_linear_time() {
    // 300 000 bytes: with a search to the end for each of them this would take minutes.
    let chat = "<a href=\"https://e.x/\">".repeat(13_000);
    assert_eq!(parse(&chat).len(), 1);
    let chat = "<a href=\"x\">".repeat(25_000) + "</a>";
    assert_eq!(parse(&chat).len(), 1);
}

#[test]
fn emptiness_is_what_a_reader_sees() {
    assert!(FormattedMessage::new().is_empty());
    assert!(FormattedMessage::story(" ").is_empty());
    assert!(!FormattedMessage::story("x").is_empty());
    let mut message = FormattedMessage::new();
    assert!(message.append_text(" \r\n").is_empty());
    assert!(!message.append_emoticon(Emoticon::Wink).is_empty());
}

#[test]
fn long_text_is_cut_at_line_ends_then_spaces_then_characters() {
    let chats = |text: &str, limit: usize| {
        let mut message = FormattedMessage::new();
        message.append_text(text);
        message
            .split_to(limit)
            .iter()
            .map(FormattedMessage::to_chat)
            .collect::<Vec<_>>()
    };
    let (line, word) = ("l".repeat(50), "w".repeat(30));
    assert_eq!(
        chats(&format!("{line}\r\n{word} {word}"), 64),
        [line.clone(), format!("{word} {word}")]
    );
    assert_eq!(
        chats(&format!("{word} {word} {word}"), 64),
        [format!("{word} {word}"), word]
    );
    assert_eq!(
        chats(&"ä".repeat(70), 65),
        ["ä".repeat(32), "ä".repeat(32), "ä".repeat(6)]
    );
    assert_eq!(chats("short", 1), ["short"]);
}

#[test]
fn links_stay_whole_where_they_fit() {
    let mut message = FormattedMessage::new();
    message
        .append_text(&"x".repeat(50))
        .append_hyperlink("link", "https://example.com/a/b/c")
        .unwrap();
    let pieces = message.split_to(64);
    assert_eq!(pieces[0].parts(), [text(&"x".repeat(50))]);
    assert_eq!(pieces[1].parts(), [link("link", "https://example.com/a/b/c")]);

    let target = format!("https://example.com/{}", "p".repeat(80));
    let mut message = FormattedMessage::new();
    message.append_hyperlink("link", &target).unwrap();
    let pieces = message.split_to(64);
    assert!(pieces.iter().all(|piece| {
        piece
            .parts()
            .iter()
            .all(|part| matches!(part, MessagePart::Text(_)))
    }));
    let shown: String = pieces.iter().map(FormattedMessage::display_text).collect();
    assert_eq!(shown, format!(" link {target}"));
}

#[test]
fn a_link_that_became_text_does_not_make_a_longer_mark_with_the_text_before_it() {
    // Joined, "<a" and the space before the label would be guarded by three bytes for which there is no room.
    let before = format!("{}<a", "x".repeat(40));
    let target = format!("https://example.com/{}", "p".repeat(80));
    let chat = format!("{before}<a href=\"{target}\">{}</a>", "l".repeat(20));
    let pieces = FormattedMessage::from_chat(&chat, false).split_to(64);
    assert!(pieces.iter().all(|piece| piece.wire_len() <= 64));
    assert_eq!(pieces[0].display_text(), before);
}

#[test]
fn more_pieces_than_are_numbered_still_fit() {
    let mut story = FormattedMessage::story("t".repeat(40));
    story.append_text(&"word ".repeat(60_000));
    let pieces = story.split_to(64);
    assert!(pieces.len() > 9_999);
    assert!(pieces.iter().all(|piece| piece.wire_len() <= 64));
}

#[test]
fn pieces_of_a_story_are_numbered_stories() {
    let mut story = FormattedMessage::story("Title");
    story.append_text(&"word ".repeat(60));
    let pieces = story.split_to(128);
    assert_eq!(pieces[0].story_title(), Some("Title (1/4)"));
    assert_eq!(pieces[3].story_title(), Some("Title (4/4)"));
    assert!(pieces.iter().all(FormattedMessage::is_alert));

    let long = FormattedMessage::story("t".repeat(300)).split_to(64);
    assert_eq!(long.len(), 1);
    assert_eq!(long[0].story_title(), Some("tt…"));
}

/// Text that is rich in marks and in halves of them.
fn hostile() -> impl Strategy<Value = String> {
    "(<a |<A\t|href=|\"|'|>|</a>|</A>|https://e\\.x/|ma-chan://|\\[STORY\\]|\\[/STORY\\]|\\[|<|:\\)|8-\\)|>:O|\u{2060}|[a-z \r\nä😀]){0,16}"
}

#[derive(Debug, Clone)]
enum Step {
    Text(String),
    Link(String, String),
    Room(String),
    Emoticon(Emoticon),
}

fn message() -> impl Strategy<Value = FormattedMessage> {
    let step = prop_oneof![
        3 => hostile().prop_map(Step::Text),
        2 => (hostile(), hostile()).prop_map(|(text, path)| Step::Link(text, path)),
        1 => hostile().prop_map(Step::Room),
        1 => prop::sample::select(Emoticon::EVERY.to_vec()).prop_map(Step::Emoticon),
    ];
    (prop::option::of(hostile()), prop::collection::vec(step, 0..6)).prop_map(|(title, steps)| {
        let mut message = title.map_or_else(FormattedMessage::new, FormattedMessage::story);
        for step in steps {
            match step {
                Step::Text(text) => message.append_text(&text),
                Step::Link(text, path) => message
                    .append_hyperlink(&text, &format!("https://e.x/{path}"))
                    .expect("a safe target"),
                Step::Room(name) => message.append_room_link(&name, &room(1)),
                Step::Emoticon(emoticon) => message.append_emoticon(emoticon),
            };
        }
        message
    })
}

fn without_joiners(text: &str) -> String {
    text.replace('\u{2060}', "")
}

/// Kinds of the parts that mean something, in order.
fn marks(parts: &[MessagePart]) -> Vec<String> {
    let mark = |part: &MessagePart| match part {
        MessagePart::Hyperlink { target, .. } => Some(target.to_string()),
        MessagePart::RoomLink { room, .. } => Some(room.to_string()),
        MessagePart::StoryTitle(_) => Some("title".to_owned()),
        _ => None,
    };
    parts.iter().filter_map(mark).collect()
}

proptest! {
    #[test]
    fn only_what_was_meant_as_a_mark_is_read_as_one(message in message()) {
        let read = parse(&message.to_chat());
        prop_assert_eq!(marks(&read), marks(message.parts()));
        let shown = message.display_text();
        let shown = match message.story_title() {
            // A title is one line.
            Some(title) => title.replace(['\r', '\n'], " ") + &shown[title.len()..],
            None => shown,
        };
        prop_assert_eq!(without_joiners(&display_text(&message.to_chat())), without_joiners(&shown));
    }

    #[test]
    fn reading_and_writing_again_changes_nothing(message in message()) {
        let chat = message.to_chat();
        prop_assert_eq!(FormattedMessage::from_chat(&chat, false).to_chat(), chat);
    }

    #[test]
    fn the_raw_texts_make_up_the_whole(chat in hostile()) {
        let raw: String = parse_with_raw(&chat).iter().map(|(raw, _)| *raw).collect();
        prop_assert_eq!(raw, chat);
    }

    #[test]
    fn every_piece_fits_and_nothing_but_space_is_lost(message in message(), limit in 0usize..200) {
        let pieces = message.split_to(limit);
        let mut shown = String::new();
        for piece in &pieces {
            prop_assert!(piece.wire_len() <= limit.max(64), "{} in {piece:?}", piece.wire_len());
            prop_assert!(pieces.len() == 1 || !piece.is_empty());
            let body = piece.display_text();
            shown.push_str(piece.story_title().map_or(&body, |title| &body[title.len()..]));
        }
        let degraded = message.parts().iter().any(|part| part.raw_text().len() > limit.max(64) / 2);
        if message.story_title().is_none() && !degraded {
            let letters = |text: &str| text.chars().filter(|one| !one.is_whitespace() && *one != '\u{2060}').collect::<String>();
            prop_assert_eq!(letters(&shown), letters(&message.display_text()));
        }
    }
}
