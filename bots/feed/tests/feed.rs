//! What the feed bot makes of items.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use parlor_bot::testkit::{Posted, TestKit};
use parlor_bot::{
    Event, FeedDigest, FeedEdit, FeedItem, FirstRun, IdentityField, Limits, Message, MessagePart, OnEdit,
    Room, Setup,
};
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
            {"url": "http://10.0.0.1/x", "allow_private": true, "first_run": "none", "identity": ["title", "published"],
             "on_edit": "note", "digest_over": 3, "expect_every": "2d"},
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
    assert_eq!(
        (a.digest_over, b.digest_over, c.digest_over),
        (Some(20), None, Some(3))
    );
    assert_eq!((a.on_edit, c.on_edit), (OnEdit::Ignore, OnEdit::Note));
    assert_eq!(a.expect_every, None);
    assert_eq!(c.expect_every, Some(Duration::from_secs(172_800)));
    assert_eq!((a.identity.len(), c.identity[1]), (0, IdentityField::Published));
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
            json!({"per_poll": 3, "digest_over": 3}),
            "feeds[0].per_poll: with `digest_over` nothing is left out; write one of them",
        ),
        (
            json!({"identity": []}),
            "feeds[0].identity: an item has to be known by something; leave the key out for the usual",
        ),
        (
            json!({"identity": ["id"]}),
            "feeds[0].identity[0]: unknown variant `id`, expected one of `guid`, `link`, `title`, `published`, `author`, `summary`",
        ),
        (
            json!({"on_edit": "edit"}),
            "feeds[0].on_edit: unknown variant `edit`, expected one of `ignore`, `post`, `note`",
        ),
        (
            json!({"expect_every": "5s"}),
            "feeds[0].expect_every: too short to tell silence; at least 1m",
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

#[tokio::test]
async fn an_edit_becomes_a_note_or_another_post() {
    let edited = |edit: FeedEdit| FeedItem {
        edit: Some(edit),
        ..item("Release 1.1", "It is out.")
    };
    let title = FeedEdit {
        title: Some("Release 1.0".to_owned()),
        text: true,
        link: false,
    };
    let note = post(one(json!({"on_edit": "note"})), edited(title.clone()))
        .await
        .message;
    assert_eq!(
        note.display_text(),
        "Amended: Release 1.1 (the title was “Release 1.0”; the text has changed)\nhttps://example.com/1"
    );
    let link = FeedEdit {
        link: true,
        ..FeedEdit::default()
    };
    let note = post(one(json!({"on_edit": "note", "link": false})), edited(link))
        .await
        .message;
    assert_eq!(note.display_text(), "Amended: Release 1.1 (the link has changed)");
    let again = post(one(json!({"on_edit": "post", "link": false})), edited(title))
        .await
        .message;
    assert_eq!(again.display_text(), "Release 1.1\nIt is out.");
}

fn digest(count: usize, more: usize) -> Event {
    let item = |number: usize| FeedItem {
        title: format!("Item {number}"),
        link: Some(format!("https://example.com/{number}")),
        ..item("", "")
    };
    Event::FeedDigest(FeedDigest {
        feed: "https://example.com/feed.xml".to_owned(),
        feed_title: Some("Example News".to_owned()),
        items: (1..=count).map(item).collect(),
        more,
    })
}

#[tokio::test]
async fn a_burst_becomes_few_posts_with_all_titles() {
    let mut kit = kit(one(json!({"digest_over": 2}))).await;
    kit.deliver(digest(3, 0)).await.unwrap();
    kit.assert_posts(&[("News", "Example News: 3 new items\n• Item 1\n• Item 2\n• Item 3")]);

    let mut kit = self::kit(one(json!({"digest_over": 2, "post_as": "story"}))).await;
    kit.deliver(digest(3, 4)).await.unwrap();
    let story = kit.take_posts().remove(0).message;
    assert_eq!(story.title(), Some("Example News: 7 new items"));
    assert_eq!(
        story.display_text(),
        "Example News: 7 new items\n• Item 1\n• Item 2\n• Item 3\n… and 4 more"
    );

    let mut kit = self::kit(one(json!({"digest_over": 2, "max_length": 500}))).await;
    kit.deliver(digest(100, 0)).await.unwrap();
    let posts = kit.take_posts();
    assert!(posts.len() > 5 && posts.iter().all(|post| post.message.wire_len() <= 500));
    let shown: usize = posts.iter().map(|post| links(&post.message).len()).sum();
    assert_eq!(shown, 100);
    assert!(
        posts[1]
            .message
            .display_text()
            .starts_with("Example News: 100 new items (continued)\n")
    );
}

#[tokio::test]
async fn a_digest_that_would_flood_counts_what_does_not_fit() {
    let rooms: Vec<_> = (0..40).map(|room| format!("Room {room}")).collect();
    let settings = json!({"max_length": 200, "feeds": [{"url": "https://example.com/feed.xml"}]});
    let mut kit = TestKit::of::<Feed>(settings).rooms(rooms).start().await.unwrap();
    kit.deliver(digest(100, 0)).await.unwrap();
    let posts = kit.take_posts();
    assert_eq!(posts.len(), 80);
    assert!(posts.iter().all(|post| post.message.wire_len() <= 200));
    let shown = links(&posts[0].message).len() + links(&posts[1].message).len();
    let last = posts[1].message.display_text();
    assert!(last.ends_with(&format!("\n… and {} more", 100 - shown)), "{last}");
}

#[tokio::test]
async fn what_is_not_wanted_is_not_in_a_digest_and_little_is_posted_as_usual() {
    let settings =
        one(json!({"digest_over": 2, "include": ["Item 2"], "link": false, "text": "{{ title }}"}));
    let mut kit = kit(settings).await;
    kit.deliver(digest(3, 0)).await.unwrap();
    kit.assert_posts(&[("News", "Item 2")]);
    assert_eq!(
        kit.skipped(),
        ["2 of 3 left out: Item 1: none of the words to include; Item 3: none of the words to include"]
    );
}
