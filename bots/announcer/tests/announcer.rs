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
            "announcements[0].missed: `never`: not a policy for missed times; write \"skip\", \"latest\", \"all\" or \"within(15m)\"",
        ),
        (
            json!({"gap": "run"}),
            "announcements[0].gap: unknown variant `run`, expected `run_after` or `skip`",
        ),
        (
            json!({"cron": null}),
            "announcements[0].cron: missing; write `cron = \"55 8 * * MON-FRI\"` or `every = \"15m\"`",
        ),
        (
            json!({"every": "15m"}),
            "announcements[0].every: `cron` and `every` exclude each other",
        ),
        (
            json!({"anchor": "2026-01-01"}),
            "announcements[0].anchor: it belongs to `every`, not to `cron`",
        ),
        (
            json!({"cron": null, "every": "0s"}),
            "announcements[0].every: `0s` is not in 1s-3653d; write for example \"15m\", \"2h\" or \"1w\"",
        ),
        (
            json!({"cron": null, "every": "1h", "gap": "skip"}),
            "announcements[0].gap: it belongs to `cron`: `every` is elapsed time, which no clock change touches",
        ),
        (
            json!({"cron": null, "every": "1h", "overlap": "first"}),
            "announcements[0].overlap: it belongs to `cron`: `every` is elapsed time, which no clock change touches",
        ),
        (
            json!({"from": "24.12.2026"}),
            "announcements[0].from: `24.12.2026`: not a day or time; write \"2026-12-24\", \"2026-12-24T18:00\" (by the wall clock) or \"2026-12-24T18:00:00+01:00\"",
        ),
        (
            json!({"from": "2026-12-24", "until": "2026-12-23"}),
            "announcements[0].until: it is before `from`",
        ),
        (
            json!({"busy": "forbid"}),
            "announcements[0].busy: `forbid`: not a rule for times that come while earlier ones wait; write \"queue\", \"one\" or \"skip\"",
        ),
        (
            json!({"jitter": "2d"}),
            "announcements[0].jitter: `2d`: more than a day; write for example \"30s\" or \"5m\"",
        ),
        (
            json!({"only": ["no-such-file.ics"]}),
            "announcements[0].only[0]: cannot read ./no-such-file.ics: No such file or directory (os error 2)",
        ),
        (
            json!({"txt": "x"}),
            "announcements[0].txt: unknown field `txt`, expected one of `name`, `cron`, `every`, `anchor`, `zone`, `gap`, `overlap`, `from`, `until`, `except`, `only`, `missed`, `busy`, `jitter`, `rooms`, `text`, `title`, `alert`",
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

#[tokio::test]
async fn all_wrong_announcements_are_told_at_once() {
    let good = json!({"name": "a", "cron": "0 9 * * *", "text": "x"});
    let settings = json!({
        "except": ["none.ics"],
        "announcements": [
            {"name": "b", "cron": "0 25 * * *", "text": "x"},
            good,
            {"name": "c", "cron": "0 9 * * *"},
            good,
        ],
    });
    assert_eq!(
        problem(settings).await.lines().collect::<Vec<_>>(),
        [
            "except[0]: cannot read ./none.ics: No such file or directory (os error 2)",
            "announcements[0].cron: `0 25 * * *`: hour: 25 is not in 0-23",
            "announcements[2]: missing field `text`",
            "announcements[3].name: `a` is the name of an earlier announcement",
        ]
    );
}

#[tokio::test]
async fn intervals_bounds_and_calendars_decide_when_it_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225\n\
        DTEND;VALUE=DATE:20261227\nEND:VEVENT\nEND:VCALENDAR\n";
    std::fs::write(folder.path().join("holidays.ics"), calendar).unwrap();
    let setup =
        parlor_bot::Setup::new("test", "sip:bot@example.com".parse().unwrap()).with_folder(folder.path());
    let text = "{{ name }} {{ date }} {{ time }}";
    let mut kit = TestKit::of::<Announcer>(json!({
        "zone": "Europe/Berlin",
        "except": ["holidays.ics"],
        "announcements": [
            {"name": "work", "cron": "0 9 * * *", "from": "2026-12-24", "until": "2026-12-28T08:00", "text": text},
            {"name": "always", "every": "2d", "anchor": "2026-12-24T12:00", "except": [], "text": text},
            {"name": "feast", "cron": "0 18 * * *", "except": [], "only": ["holidays.ics"], "text": text},
        ],
    }))
    .setup(setup)
    .rooms(["Ops"])
    .at("2026-12-23T00:00:00Z")
    .start()
    .await
    .unwrap();
    kit.advance_to("2026-12-29T00:00:00Z").await.unwrap();
    kit.assert_posts(&[
        ("Ops", "work 2026-12-24 09:00"),
        ("Ops", "always 2026-12-24 12:00"),
        ("Ops", "feast 2026-12-25 18:00"),
        ("Ops", "always 2026-12-26 12:00"),
        ("Ops", "feast 2026-12-26 18:00"),
        ("Ops", "work 2026-12-27 09:00"),
        ("Ops", "always 2026-12-28 12:00"),
    ]);
}

#[tokio::test]
async fn all_missed_ones_can_be_made_up_for() {
    let mut kit = kit(json!({"announcements": [{
        "name": "tea", "cron": "0 16 * * *", "rooms": ["Ops"], "missed": "all", "text": "{{ date }} missed {{ missed }}",
    }]}))
    .start()
    .await
    .unwrap();
    kit.restart_after(Duration::from_secs(2 * 86_400)).await.unwrap();
    kit.assert_posts(&[("Ops", "2026-01-05 missed 0"), ("Ops", "2026-01-06 missed 0")]);
}

#[tokio::test]
async fn jitter_spreads_what_is_due_together_and_keeps_the_due_time() {
    let entry = |name: &str| json!({"name": name, "cron": "0 9 * * *", "rooms": ["Ops"], "jitter": "10m", "text": "{{ time }}"});
    let start = || async {
        let mut kit = kit(json!({"announcements": [entry("a"), entry("b"), entry("c")]}))
            .start()
            .await
            .unwrap();
        kit.advance(Duration::from_secs(90_000)).await.unwrap();
        kit.take_posts()
    };
    let posts = start().await;
    let times: std::collections::BTreeSet<_> = posts.iter().map(|post| post.at).collect();
    assert_eq!((posts.len(), times.len()), (3, 3), "{posts:?}");
    assert!(posts.iter().all(|post| post.message.display_text() == "09:00"));
    assert_eq!(posts, start().await, "the same at every start");
}
