//! Taking what somebody said out of a room: who may ask for it, and what is asked.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use parlor_bot::prelude::*;
use parlor_bot::testkit::TestKit;
use parlor_bot::{MAX_POSTS_PER_EVENT, MAX_REASON, NoSettings};
use serde_json::json;

/// Removes what it hears.
struct Eraser;

impl Bot for Eraser {
    const KIND: &'static str = "eraser";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.messages("Removes what it hears.", Self::erase);
    }
}

impl Eraser {
    async fn erase(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
        match said.text.as_str() {
            "replace" => context.replace(
                said,
                Message::text("see ").link("the rules", "https://example.com/"),
                "why",
            ),
            "nothing" => context.replace(said, " ", "why"),
            "long" => context.replace(said, "word ".repeat(4000), "x".repeat(5000)),
            "flood" => (0..=MAX_POSTS_PER_EVENT).try_for_each(|_| context.remove(said, "why")),
            "fail" => {
                context.remove(said, "why")?;
                Err(BotError::retry_after(std::time::Duration::ZERO, "later"))
            }
            "elsewhere" => {
                let mut said = said.clone();
                said.room = Room::new("Vault");
                context.remove(&said, "why")
            }
            _ => {
                context.remove(said, "off topic")?;
                context.reply("removed")
            }
        }
    }
}

fn test() -> parlor_bot::testkit::TestKitBuilder {
    TestKit::of::<Eraser>(json!({})).rooms(["Lounge"])
}

#[tokio::test]
async fn a_removal_names_the_message_and_comes_with_the_handlers_other_effects() {
    let mut kit = test().can_remove().start().await.unwrap();
    kit.crash_before_commit();
    kit.message("Lounge", "alice", "hello").await.unwrap();
    kit.assert_posts(&[("Lounge", "removed")]);
    let removal = kit.removals()[0].clone();
    assert_eq!((removal.posted, &removal.notice), (kit.now(), &None));
    kit.assert_removals(&[("Lounge", 1, "off topic")]);
    assert!(kit.message("Lounge", "alice", "fail").await.is_err());
    kit.assert_removals(&[]);
}

#[tokio::test]
async fn a_notice_of_ones_own_is_a_message_and_fits_the_room() {
    let mut kit = test().can_remove().start().await.unwrap();
    kit.message("Lounge", "alice", "replace").await.unwrap();
    kit.message("Lounge", "alice", "long").await.unwrap();
    let notices: Vec<_> = kit
        .removals()
        .iter()
        .filter_map(|one| one.notice.clone())
        .collect();
    assert_eq!(notices[0].plain_text(), "see the rules <https://example.com/>");
    assert!((7900..=8000).contains(&notices[1].wire_len()));
    kit.assert_removals(&[("Lounge", 1, "why"), ("Lounge", 2, &"x".repeat(MAX_REASON))]);
}

#[tokio::test]
async fn what_a_handler_may_not_remove_sets_the_event_aside() {
    let mut kit = test().can_remove().start().await.unwrap();
    for (order, expected) in [
        ("nothing", "set aside: the message is empty"),
        (
            "flood",
            "set aside: more than 100 posts or removals for one event",
        ),
        ("elsewhere", "set aside: `Vault` is not one of this bot's rooms"),
    ] {
        let refused = kit.message("Lounge", "alice", order).await.unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    let mut kit = test().start().await.unwrap();
    let refused = kit.message("Lounge", "alice", "hello").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "set aside: this host cannot remove messages: `server_control` in [host] names no server"
    );
    kit.assert_removals(&[]);
}
