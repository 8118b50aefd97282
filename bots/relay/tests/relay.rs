//! What the relay makes of requests.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use parlor_bot::testkit::{Posted, TestKit};
use parlor_bot::{BotError, Event, Message, MessagePart, RequestKey, SecretSource, WebhookRequest};
use parlor_bot_relay::Relay;
use serde_json::{Value, json};

/// Settings with one webhook, and `extra` in it.
fn one(extra: Value) -> Value {
    let mut hook = json!({"name": "ci", "signature": "github", "secret": "env:CI", "rooms": ["Builds"]});
    hook.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"hooks": [hook]})
}

async fn kit(settings: Value) -> TestKit {
    let kit = TestKit::of::<Relay>(settings).rooms(["Builds", "Ops"]);
    kit.start().await.unwrap()
}

async fn problem(settings: Value) -> String {
    let kit = TestKit::of::<Relay>(settings).rooms(["Builds", "Ops"]);
    kit.start().await.unwrap_err().to_string()
}

async fn posted(extra: Value, headers: &[(&str, &str)], body: Value) -> Posted {
    let mut kit = kit(one(extra)).await;
    kit.webhook_with("ci", headers, body).await.unwrap();
    let mut posts = kit.take_posts();
    assert_eq!(posts.len(), 1, "{:?}", kit.skipped());
    posts.remove(0)
}

fn links(message: &Message) -> Vec<(String, String)> {
    let link = |part: &MessagePart| match part {
        MessagePart::Hyperlink { text, target } => Some((text.clone(), target.as_str().to_owned())),
        _ => None,
    };
    message.parts().iter().filter_map(link).collect()
}

#[tokio::test]
async fn a_template_says_what_is_posted() {
    let text = "{{ hook }}|{{ body.job }}|{{ body.tags|join(',') }}|{{ headers['x-event'] }}|{{ room }}|{{ received }}|{{ id }}";
    let extra = json!({
        "text": text, "headers": ["X-Event"], "key": "header(X-Id)",
        "link": "{{ body.url }}", "link_text": "log of {{ body.job }}",
        "alert_when": "body.state == 'failed'",
    });
    let headers = [("X-Event", "build"), ("X-Id", "42"), ("X-Other", "no")];
    let body =
        json!({"job": "nightly", "tags": ["a", "b"], "url": "https://ci.example.com/7", "state": "failed"});
    let post = posted(extra.clone(), &headers, body).await;
    assert_eq!(post.room.as_str(), "Builds");
    assert_eq!(
        post.message.display_text(),
        "ci|nightly|a,b|build|Builds|2026-01-05 09:00|42\nlog of nightly"
    );
    assert!(post.message.is_alert());
    assert_eq!(
        links(&post.message),
        [("log of nightly".to_owned(), "https://ci.example.com/7".to_owned())]
    );
    let body = json!({"job": "<b>&\\0", "tags": [], "url": "", "state": "ok"});
    let calm = posted(extra, &headers, body).await.message;
    assert!(!calm.is_alert());
    assert_eq!(links(&calm), [], "an empty address is none");
    assert!(
        calm.display_text().starts_with("ci|<b>&\\0||"),
        "{}",
        calm.display_text()
    );
}

#[tokio::test]
async fn a_request_that_is_not_wanted_says_why() {
    let settings = one(json!({"text": "{{ body.state }}", "when": "body.state == 'failed'"}));
    let mut kit = kit(settings).await;
    kit.webhook("ci", json!({"state": "ok"})).await.unwrap();
    kit.webhook("ci", json!({"state": "failed"})).await.unwrap();
    kit.assert_posts(&[("Builds", "failed")]);
    assert_eq!(kit.skipped(), ["not wanted: body.state == 'failed'"]);
}

#[tokio::test]
async fn what_does_not_fit_is_set_aside_with_its_reason() {
    for (extra, body, reason) in [
        (
            json!({"text": "{{ body.job }}"}),
            json!({"jobs": 1}),
            "`text` does not fit the request: there is no variable `body.job`",
        ),
        (
            json!({"text": "x", "when": "body.a|round > 1"}),
            json!({"a": "b"}),
            "`when` does not fit the request: invalid operation",
        ),
        (json!({}), json!({"job": 1}), "give the webhook a `text`"),
        (
            json!({"text": "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}"}),
            json!({}),
            "engine ran out of fuel",
        ),
    ] {
        let mut kit = kit(one(extra)).await;
        let error = kit.webhook("ci", body).await.unwrap_err();
        assert!(
            matches!(error, BotError::Reject(_)),
            "trying again would not help"
        );
        assert!(error.to_string().contains(reason), "{error}");
        assert!(kit.posts().is_empty() && kit.skipped().is_empty());
    }
}

#[tokio::test]
async fn a_push_is_told_with_its_commits() {
    let commits: Vec<Value> = (0..7)
        .map(|n| json!({"id": format!("{n}23456789"), "message": format!("Do {n}\n\nWhy"), "url": format!("https://x.example/c/{n}")}))
        .collect();
    let body = json!({
        "ref": "refs/heads/main", "compare": "https://x.example/compare",
        "repository": {"full_name": "acme/app"}, "pusher": {"name": "ann"}, "commits": commits,
    });
    let push = posted(json!({}), &[("X-GitHub-Event", "push")], body)
        .await
        .message;
    let text = push.display_text();
    assert!(
        text.starts_with("acme/app: ann pushed 7 commits to main\n0234567 Do 0\n1234567 Do 1\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\n… and 2 more\nhttps://x.example/compare"),
        "{text}"
    );
    assert_eq!(links(&push).len(), 6);

    let body = json!({
        "object_kind": "push", "ref": "refs/heads/x", "user_name": "bob", "commits": [],
        "project": {"path_with_namespace": "acme/lab"},
    });
    let push = posted(json!({}), &[], body).await.message;
    assert_eq!(push.display_text(), "acme/lab: bob pushed x");
}

#[tokio::test]
async fn other_events_of_a_forge_are_one_line() {
    let body = json!({
        "action": "opened", "repository": {"full_name": "acme/app"}, "sender": {"login": "ann"},
        "pull_request": {"number": 7, "title": "Mend it", "html_url": "https://x.example/7"},
    });
    let opened = posted(json!({}), &[("X-GitHub-Event", "pull_request")], body)
        .await
        .message;
    assert_eq!(
        opened.display_text(),
        "acme/app: pull request #7 opened “Mend it” by ann\nhttps://x.example/7"
    );
    let body = json!({
        "action": "completed", "repository": {"full_name": "acme/app"},
        "workflow_run": {"name": "build", "conclusion": "failure"},
    });
    let run = posted(json!({}), &[("X-GitHub-Event", "workflow_run")], body)
        .await
        .message;
    assert_eq!(
        run.display_text(),
        "acme/app: workflow run completed (failure) “build”"
    );
}

#[tokio::test]
async fn alerts_that_fire_are_alerts() {
    let alert = |status: &str, host: &str| {
        json!({
            "status": status, "labels": {"alertname": "Disk", "instance": host, "severity": "page"},
            "annotations": {"summary": format!("{host} is full")}, "generatorURL": "https://prom.example/g",
        })
    };
    let body = json!({
        "version": "4", "status": "firing", "receiver": "chat", "groupLabels": {"alertname": "Disk"},
        "alerts": [alert("firing", "db1"), alert("resolved", "db2")], "externalURL": "https://am.example",
    });
    let post = posted(json!({}), &[], body.clone()).await.message;
    assert!(post.is_alert());
    assert_eq!(
        post.display_text(),
        "[FIRING:1] Disk\ndb1 is full (page, db1)\nresolved: db2 is full (page, db2)\nhttps://prom.example/g"
    );
    let story = posted(json!({"post_as": "story"}), &[], body.clone())
        .await
        .message;
    assert_eq!(story.title(), Some("[FIRING:1] Disk"));

    let mut grafana = body;
    grafana["title"] = json!("[RESOLVED] Disk (db)");
    grafana["status"] = json!("resolved");
    let calm = posted(json!({}), &[], grafana).await.message;
    assert!(!calm.is_alert());
    assert!(
        calm.display_text().starts_with("[RESOLVED] Disk (db)\n"),
        "{}",
        calm.display_text()
    );
}

#[tokio::test]
async fn a_text_for_slack_keeps_its_links() {
    let body = json!({
        "text": "Build <https://ci.example/7|#7> of a&lt;b failed, see <https://ci.example> <!here> <",
        "attachments": [
            {"title": "Log", "title_link": "https://ci.example/log", "text": "last line"},
            {"fallback": "nothing else"},
        ],
    });
    let post = posted(json!({}), &[], body).await.message;
    assert_eq!(
        post.display_text(),
        "Build #7 of a<b failed, see https://ci.example <!here> <\nLog\nlast line\nnothing else"
    );
    let targets: Vec<String> = links(&post).into_iter().map(|(_, target)| target).collect();
    assert_eq!(targets.len(), 3, "{targets:?}");
}

#[tokio::test]
async fn a_repeat_is_not_posted_and_a_crash_loses_nothing() {
    let mut kit = kit(one(json!({"text": "{{ body }}"}))).await;
    for _ in 0..3 {
        kit.webhook_with("ci", &[("Idempotency-Key", "a")], json!(1))
            .await
            .unwrap();
    }
    kit.assert_posts(&[("Builds", "1")]);
    kit.crash_before_commit();
    kit.webhook_with("ci", &[("Idempotency-Key", "b")], json!(2))
        .await
        .unwrap();
    kit.assert_posts(&[("Builds", "2")]);
}

#[tokio::test]
async fn a_request_of_a_webhook_that_is_gone_stays_to_be_retried() {
    let mut kit = kit(one(json!({}))).await;
    let request = WebhookRequest {
        hook: "old".to_owned(),
        id: "1".to_owned(),
        received: kit.now(),
        content_type: String::new(),
        headers: Default::default(),
        body: json!({"text": "x"}),
    };
    let error = kit.deliver(Event::Webhook(request)).await.unwrap_err();
    assert!(matches!(error, BotError::Reject(_)));
}

#[tokio::test]
async fn settings_become_what_the_host_checks() {
    let settings = one(json!({
        "secret": "file:/etc/ci.secret", "old_secret": "env:CI_OLD", "key": "body(/id)", "repeat_within": "0s",
        "per_minute": 30, "from": ["192.0.2.0/24", "::1"], "rooms": null,
    }));
    let kit = kit(settings).await;
    let [spec] = kit.webhooks() else {
        panic!("one webhook")
    };
    assert_eq!(
        spec.secrets,
        [
            SecretSource::File("/etc/ci.secret".into()),
            SecretSource::Environment("CI_OLD".to_owned())
        ]
    );
    assert_eq!(spec.key, RequestKey::Body("/id".to_owned()));
    assert!(spec.repeat_within.is_zero());
    assert_eq!((spec.per_minute, spec.from.len()), (30, 2));
}

#[tokio::test]
async fn wrong_settings_are_named() {
    for (extra, expected) in [
        (
            json!({"text": "{{ bodi.x }}"}),
            "hooks[0].text: there is no variable `bodi`",
        ),
        (
            json!({"when": "bodi == 1"}),
            "hooks[0].when: there is no variable `bodi`",
        ),
        (
            json!({"when": "body =="}),
            "hooks[0].when: not a condition: syntax error",
        ),
        (
            json!({"rooms": ["Build"]}),
            "hooks[0].rooms[0]: `Build` is not one of this bot's rooms",
        ),
        (
            json!({"signature": "md5"}),
            "hooks[0].signature: `md5`: not a signature",
        ),
        (
            json!({"name": "CI"}),
            "hooks[0].name: `CI`: not the name of a webhook",
        ),
        (
            json!({"secret": "hunter2"}),
            "hooks[0].secret: not the place of a secret",
        ),
        (
            json!({"from": ["10.0.0.0/33"]}),
            "hooks[0].from[0]: `10.0.0.0/33`: not a network",
        ),
        (json!({"per_minute": 0}), "hooks[0].per_minute: 0 is not from 1"),
        (
            json!({"headers": ["Cookie"]}),
            "hooks[0].headers[0]: the header `cookie` holds secrets",
        ),
        (
            json!({"headers": ["X-Hub-Signature-256"]}),
            "hooks[0].headers[0]: this header proves who sends",
        ),
        (
            json!({"max_length": 3}),
            "hooks[0].max_length: 3 bytes show nothing",
        ),
    ] {
        let problem = problem(one(extra)).await;
        assert!(problem.starts_with(expected), "{problem}");
    }
    let hook = json!({"name": "ci", "signature": "path", "secret": "env:CI"});
    let twice = problem(json!({"hooks": [hook.clone(), hook]})).await;
    assert_eq!(twice, "hooks[1].name: another webhook is called `ci`");
}
