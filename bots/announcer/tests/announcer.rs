//! What the announcer announces, when and where.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use parlor_bot::testkit::{TestKit, TestKitBuilder};
use parlor_bot_announcer::Announcer;
use serde_json::{Value, json};

fn kit(settings: Value) -> TestKitBuilder {
    TestKit::of::<Announcer>(settings).rooms(["Town Hall", "Ops"])
}

async fn problem(settings: Value) -> String {
    kit(settings).start().await.unwrap_err().to_string()
}

#[tokio::test]
async fn announces_on_time_in_its_rooms() {
    let mut kit = kit(json!({
        "zone": "Europe/Berlin",
        "announcements": [
            {"name": "stand-up", "cron": "55 8 * * MON-FRI", "rooms": ["ops"], "text": "Stand-up at 9 ({{ weekday }} {{ time }})"},
            {"name": "lunch", "cron": "0 12 * * *", "text": "Lunch in {{ room }}!"},
        ],
    }))
    .at("2026-03-27T00:00:00Z") // Friday before the clocks change
    .start()
    .await
    .unwrap();
    kit.advance_to("2026-03-27T12:00:00Z").await.unwrap();
    kit.assert_posts(&[
        ("Ops", "Stand-up at 9 (Friday 08:55)"),
        ("Town Hall", "Lunch in Town Hall!"),
        ("Ops", "Lunch in Ops!"),
    ]);
    kit.advance_to("2026-03-30T07:00:00Z").await.unwrap();
    let posts = kit.take_posts();
    assert_eq!(
        posts.last().unwrap().message.display_text(),
        "Stand-up at 9 (Monday 08:55)"
    );
    assert_eq!(
        posts.last().unwrap().at.to_rfc3339(),
        "2026-03-30T06:55:00+00:00",
        "summer time by now"
    );
}

#[tokio::test]
async fn the_rules_for_clock_changes_are_settings() {
    for (settings, expected) in [
        (json!({}), vec!["2026-03-29T01:00:00+00:00"]),
        (json!({"gap": "skip"}), vec![]),
        (json!({"gap": "run_after"}), vec!["2026-03-29T01:00:00+00:00"]),
    ] {
        let mut entry = json!({"name": "night", "cron": "30 2 * * *", "zone": "Europe/Berlin", "text": "x"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        let mut kit = TestKit::of::<Announcer>(json!({"announcements": [entry]}))
            .rooms(["Ops"])
            .at("2026-03-28T12:00:00Z")
            .start()
            .await
            .unwrap();
        kit.advance_to("2026-03-29T12:00:00Z").await.unwrap();
        let times: Vec<String> = kit.take_posts().iter().map(|post| post.at.to_rfc3339()).collect();
        assert_eq!(times, expected);
    }
}

#[tokio::test]
async fn a_title_makes_a_story_and_alerts_are_chosen() {
    let entry = |extra: Value| {
        let mut entry =
            json!({"name": "a", "cron": "0 9 * * *", "rooms": ["Ops"], "text": "All in {{ room }}"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!({"announcements": [entry]})
    };
    for (extra, title, alert) in [
        (json!({}), None, false),
        (json!({"alert": true}), None, true),
        (json!({"title": "Week {{ week }}"}), Some("Week 2"), true),
        (
            json!({"title": "{{ date }}", "alert": false}),
            Some("2026-01-06"),
            false,
        ),
    ] {
        let mut kit = kit(entry(extra)).start().await.unwrap();
        kit.advance(Duration::from_secs(86_400)).await.unwrap();
        let posts = kit.take_posts();
        assert_eq!(posts.len(), 1);
        assert_eq!(posts[0].message.title(), title);
        assert_eq!(posts[0].message.is_alert(), alert);
    }
}

#[tokio::test]
async fn a_missed_announcement_is_made_or_not_by_its_policy() {
    let hours = |count: u64| Duration::from_secs(count * 3600);
    for (policy, expected) in [
        ("skip", vec![]),
        ("within(1h)", vec![]),
        ("within(3h)", vec![("Ops", "late by 120, missed 1")]),
        ("latest", vec![("Ops", "late by 120, missed 1")]),
    ] {
        let mut kit = kit(json!({"announcements": [{
            "name": "tea", "cron": "0 16 * * *", "rooms": ["Ops"], "missed": policy,
            "text": "late by {{ late }}, missed {{ missed }}",
        }]}))
        .start()
        .await
        .unwrap();
        kit.restart_after(hours(24 + 9)).await.unwrap(); // from Monday 09:00 to Tuesday 18:00
        kit.assert_posts(&expected);
    }
}

#[tokio::test]
async fn wrong_settings_are_located() {
    let entry = |extra: Value| {
        let mut entry = json!({"name": "a", "cron": "0 9 * * *", "text": "x"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!({"announcements": [entry]})
    };
    for (extra, expected) in [
        (
            json!({"cron": "0 25 * * *"}),
            "announcements[0].cron: `0 25 * * *`: hour: 25 is not in 0-23",
        ),
        (
            json!({"cron": "0 9 30 2 *"}),
            "announcements[0].cron: `0 9 30 2 *`: it never comes: no month of those given has a day 30",
        ),
        (
            json!({"zone": "Berlin"}),
            "announcements[0].zone: no time zone `Berlin`; write an IANA name such as \"Europe/Berlin\"; did you mean \"Europe/Berlin\"?",
        ),
        (
            json!({"rooms": ["Ops", "Nowhere"]}),
            "announcements[0].rooms[1]: `Nowhere` is not one of this bot's rooms (Town Hall, Ops)",
        ),
        (
            json!({"rooms": []}),
            "announcements[0].rooms: no room to announce in",
        ),
        (
            json!({"text": "{{ tiem }}"}),
            "announcements[0].text: there is no variable `tiem`; there are `name`, `room`, `date`, `time`, `weekday`, `week`, `zone`, `late`, `missed`",
        ),
        (
            json!({"text": "{{ time"}),
            "announcements[0].text: not a template: syntax error: unexpected end of input, expected end of variable block",
        ),
        (
            json!({"missed": "never"}),
            "announcements[0].missed: `never`: not a policy for missed times; write \"skip\", \"latest\" or \"within(15m)\"",
        ),
        (
            json!({"gap": "run"}),
            "announcements[0].gap: unknown variant `run`, expected `run_after` or `skip`",
        ),
        (
            json!({"txt": "x"}),
            "announcements[0].txt: unknown field `txt`, expected one of `name`, `cron`, `zone`, `gap`, `overlap`, `missed`, `rooms`, `text`, `title`, `alert`",
        ),
    ] {
        assert_eq!(problem(entry(extra)).await, expected);
    }
    assert_eq!(problem(json!({})).await, ".: missing field `announcements`");
    let twice = json!({"name": "a", "cron": "0 9 * * *", "text": "x"});
    assert_eq!(
        problem(json!({"announcements": [twice, twice]})).await,
        "announcements[1].name: `a` is the name of an earlier announcement"
    );
}
