//! What the feed bot makes of items.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use parlor_bot::testkit::{Posted, TestKit};
use parlor_bot::{FeedItem, FirstRun, Limits, Message, MessagePart, Room, Setup};
use parlor_bot_feed::Feed;
use serde_json::{Value, json};

fn item(title: &str, summary: &str) -> FeedItem {
    FeedItem {
        feed_title: Some("Example News".to_owned()),
        id: "tag:example.com,2026:1".to_owned(),
        title: title.to_owned(),
        link: Some("https://example.com/1".to_owned()),
        author: Some("Ann".to_owned()),
        published: Some("2026-03-29T08:55:00Z".parse().unwrap()),
        categories: vec!["Rust".to_owned()],
        summary: summary.to_owned(),
        ..FeedItem::default()
    }
}

async fn kit(settings: Value) -> TestKit {
    TestKit::of::<Feed>(settings)
        .rooms(["News", "Ops"])
        .start()
        .await
        .unwrap()
}

async fn problem(settings: Value) -> String {
    TestKit::of::<Feed>(settings)
        .rooms(["News", "Ops"])
        .start()
        .await
        .unwrap_err()
        .to_string()
}

/// Settings with one feed, and `extra` in the feed.
fn one(extra: Value) -> Value {
    let mut feed = json!({"url": "https://example.com/feed.xml", "rooms": ["News"]});
    feed.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"feeds": [feed]})
}

async fn post(settings: Value, item: FeedItem) -> Posted {
    let mut kit = kit(settings).await;
    kit.feed_item(item).await.unwrap();
    let posts = kit.take_posts();
    assert_eq!(posts.len(), 1);
    posts.into_iter().next().unwrap()
}

fn links(message: &Message) -> Vec<(String, String)> {
    let link = |part: &MessagePart| match part {
        MessagePart::Hyperlink { text, target } => Some((text.clone(), target.as_str().to_owned())),
        _ => None,
    };
    message.parts().iter().filter_map(link).collect()
}

#[tokio::test]
async fn an_item_becomes_a_text_a_story_or_an_alert() {
    let text = post(one(json!({})), item("Release 1.0", "It is out."))
        .await
        .message;
    assert!(
        text.display_text().starts_with("Release 1.0\nIt is out.\n"),
        "{}",
        text.display_text()
    );
    assert_eq!(
        links(&text),
        [(
            "https://example.com/1".to_owned(),
            "https://example.com/1".to_owned()
        )]
    );
    assert_eq!((text.title(), text.is_alert()), (None, false));

    let story = post(
        one(json!({"post_as": "story", "link_text": "Read on"})),
        item("Release", "It is out."),
    )
    .await
    .message;
    assert_eq!((story.title(), story.is_alert()), (Some("Release"), true));
    assert_eq!(
        links(&story),
        [("Read on".to_owned(), "https://example.com/1".to_owned())]
    );

    let alert = post(
        one(json!({"post_as": "alert", "link": false})),
        item("Release", ""),
    )
    .await
    .message;
    assert_eq!(
        (alert.display_text().as_str(), alert.is_alert()),
        ("Release", true)
    );
}

#[tokio::test]
async fn templates_have_all_of_an_item() {
    let text = "{{ feed }}|{{ feed_title }}|{{ title|upper }}|{{ summary|short(8) }}|{{ author }}|{{ published }}|{{ categories|join(',') }}|{{ id }}|{{ room }}";
    let settings = one(json!({"text": text, "link": false, "name": "example"}));
    let full = post(settings.clone(), item("Hi", "one two three")).await.message;
    assert_eq!(
        full.display_text(),
        "example|Example News|HI|one two…|Ann|2026-03-29 08:55|Rust|tag:example.com,2026:1|News"
    );
    let bare = FeedItem {
        id: "1".to_owned(),
        title: "Hi".to_owned(),
        ..FeedItem::default()
    };
    assert_eq!(
        post(settings, bare).await.message.display_text(),
        "example||HI|||||1|News"
    );
}

#[tokio::test]
async fn words_decide_what_is_wanted() {
    let settings = json!({
        "exclude": ["sponsored"],
        "feeds": [{"url": "https://example.com/feed.xml", "include": ["rust", "cargo"]}],
    });
    let mut kit = kit(settings).await;
    let plain = |title: &str| FeedItem {
        categories: vec![],
        ..item(title, "")
    };
    kit.feed_item(plain("About gardening")).await.unwrap();
    kit.feed_item(plain("Rust, Sponsored")).await.unwrap();
    kit.feed_item(plain("Crusty bread")).await.unwrap();
    assert_eq!(
        kit.skipped(),
        [
            "none of the words to include",
            "excluded by `sponsored`",
            "none of the words to include"
        ]
    );
    kit.feed_item(plain("Rust 1.0")).await.unwrap();
    kit.feed_item(item("By category", "")).await.unwrap();
    let rooms: Vec<_> = kit
        .take_posts()
        .into_iter()
        .map(|post| post.room.to_string())
        .collect();
    assert_eq!(rooms, ["News", "Ops", "News", "Ops"]);
}

#[tokio::test]
async fn long_items_are_cut_but_keep_their_link() {
    let long = "word ".repeat(10_000);
    let cut = post(
        one(json!({"text": "{{ summary }}", "max_length": 200})),
        item("x", &long),
    )
    .await
    .message;
    assert!(
        cut.wire_len() <= 200 && cut.wire_len() > 150,
        "{}",
        cut.wire_len()
    );
    assert_eq!(links(&cut).len(), 1);
    assert!(cut.display_text().contains("word…"));

    let story = post(one(json!({"post_as": "story"})), item("x", &long.repeat(2)))
        .await
        .message;
    assert!(story.wire_len() <= Limits::default().story && story.wire_len() > 60_000);
}

#[tokio::test]
async fn feeds_are_asked_for_as_configured() {
    let settings = json!({
        "every": "1h",
        "first_run": "last(3)",
        "feeds": [
            {"url": "https://example.com/a"},
            {"url": "file:news.xml", "every": "5s", "first_run": "since(2d)", "name": "local", "per_poll": 5},
            {"url": "http://10.0.0.1/x", "allow_private": true, "first_run": "none"},
        ],
    });
    let setup = Setup::new("test", "sip:bot@example.com".parse().unwrap())
        .with_rooms([Room::new("News")])
        .with_folder("/etc/parlor");
    let kit = TestKit::of::<Feed>(settings).setup(setup).start().await.unwrap();
    let [a, b, c] = kit.feeds() else {
        panic!("three feeds")
    };
    assert_eq!(
        (a.id.as_str(), a.every, a.first_run),
        (
            "https://example.com/a",
            Duration::from_secs(3600),
            FirstRun::Last(3)
        )
    );
    assert_eq!(
        (b.id.as_str(), b.url.to_string().as_str()),
        ("local", "file:///etc/parlor/news.xml")
    );
    assert_eq!(
        (b.every, b.first_run, b.per_poll),
        (
            Duration::from_secs(5),
            FirstRun::Since(Duration::from_secs(172_800)),
            5
        )
    );
    assert_eq!((c.allow_private, c.first_run), (true, FirstRun::None));
}

#[tokio::test]
async fn wrong_settings_are_located() {
    for (extra, expected) in [
        (
            json!({"url": "ftp://example.com/x"}),
            "feeds[0].url: `ftp://example.com/x`: `ftp:` addresses are not read; http:, https: and file: are",
        ),
        (
            json!({"url": "example.com/x"}),
            "feeds[0].url: `example.com/x`: not an address (relative URL without a base); write for example \"https://example.com/feed.xml\" or \"file:news.xml\"",
        ),
        (
            json!({"url": "https://me:secret@example.com/"}),
            "feeds[0].url: a user name or password in the address",
        ),
        (
            json!({"url": "file://host/x"}),
            "feeds[0].url: `file://host/x`: not a file's path; write for example \"file:news.xml\" or \"file:///var/lib/news.xml\"",
        ),
        (
            json!({"every": "10s"}),
            "feeds[0].every: too often; at most each 1m",
        ),
        (
            json!({"first_run": "all"}),
            "feeds[0].first_run: `all`: not a first-run policy; write \"none\", \"last(5)\" or \"since(2d)\"",
        ),
        (
            json!({"per_poll": 0}),
            "feeds[0].per_poll: with 0 nothing would ever be posted",
        ),
        (
            json!({"rooms": ["Nowhere"]}),
            "feeds[0].rooms[0]: `Nowhere` is not one of this bot's rooms (News, Ops)",
        ),
        (
            json!({"text": "{{ titel }}"}),
            "feeds[0].text: there is no variable `titel`; there are `title`, `summary`, `link`, `author`, `published`, `categories`, `feed`, `feed_title`, `id`, `room`",
        ),
        (json!({"include": [""]}), "feeds[0].include: word 1 is empty"),
        (
            json!({"max_length": 3}),
            "feeds[0].max_length: 3 bytes show nothing; at least 40 are needed",
        ),
        (
            json!({"post_as": "poem"}),
            "feeds[0].post_as: unknown variant `poem`, expected one of `text`, `story`, `alert`",
        ),
    ] {
        assert_eq!(problem(one(extra)).await, expected);
    }
    let same = json!({"url": "https://example.com/a"});
    assert_eq!(
        problem(json!({"feeds": [same, same]})).await,
        "feeds[1].url: `https://example.com/a` stands for an earlier feed; give each a `name` of its own"
    );
}
