//! Mail that bots send: over TLS, through refusals, lost connections and crashes.

use std::time::Duration;

use parlor_bot::Mail;
use parlor_host::fault::{Faults, Point};
use parlor_host::{
    Account, Allowed, Config, HostEvent, InstanceConfig, LedgerQuery, LedgerStatus, MailConfig, Retry,
    Security, Stage, Thresholds, send_trial,
};
use parlor_metrics::Exposition;
use parlor_testkit::{MailServer, Protection, ReceivedMail};
use serde_json::json;
use tokio::time::timeout;

use crate::bots::registry;
use crate::deployment::{Deployment, Running, instance};

pub(crate) const ANN: &str = "Ann Example <ann@example.com>";
pub(crate) const BOB: &str = "bob@example.org";

/// A clerk who writes to these people what is said in the room.
pub(crate) fn clerk(to: &[&str]) -> InstanceConfig {
    instance("clerk", json!({ "to": to }))
}

/// A host that sends mail through `server`.
pub(crate) fn mailing(
    deployment: &Deployment,
    server: &MailServer,
    security: Security,
    bot: InstanceConfig,
) -> Config {
    let mut config = deployment.host(vec![bot]);
    config.mail = Some(mail(deployment, server, security));
    config.tuning.mail_retry_base = Duration::from_millis(5);
    config.tuning.mail_retry_cap = Duration::from_millis(20);
    config
}

fn mail(deployment: &Deployment, server: &MailServer, security: Security) -> MailConfig {
    let from = "Räume <parlor@example.com>".parse().unwrap();
    let mut mail = MailConfig::new("127.0.0.1", server.port(), security, from);
    mail.roots = Some(std::fs::read(deployment.path("authority.pem")).unwrap());
    mail.rate = None;
    // A busy disk may take its time between two mails.
    mail.idle = Duration::from_secs(3600);
    mail
}

pub(crate) async fn unprotected(deployment: &Deployment) -> MailServer {
    MailServer::start(deployment.path("").as_path(), Protection::None, None).await
}

async fn say(deployment: &Deployment, texts: &[&str]) {
    let (room, _events) = deployment.alice().await;
    for text in texts {
        room.post(*text).await.unwrap();
    }
}

async fn mailed(host: &mut Running, count: usize) {
    for _ in 0..count {
        host.until(|event| matches!(event, HostEvent::Mailed { .. }))
            .await;
    }
}

/// Waits for a failed attempt; its reason.
async fn failed(host: &mut Running) -> (String, bool) {
    let event = host
        .until(|event| matches!(event, HostEvent::MailFailed { .. }))
        .await;
    match event {
        HostEvent::MailFailed { reason, dead, .. } => (reason, dead),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn id(mail: &ReceivedMail) -> &str {
    mail.header("Message-ID").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_go_over_one_protected_connection_and_the_ledger_tells_of_each() {
    for (protection, security) in [
        (Protection::StartTls, Security::StartTls),
        (Protection::Implicit, Security::Implicit),
    ] {
        let deployment = Deployment::new();
        let folder = deployment.path("");
        let server = MailServer::start(&folder, protection, Some(("parlor", "secret"))).await;
        let mut config = mailing(&deployment, &server, security, clerk(&[ANN, BOB]));
        if let Some(mail) = &mut config.mail {
            let (user, password) = ("parlor".to_owned(), "secret".to_owned());
            mail.account = Some(Account { user, password });
        }
        let mut host = Running::start(config, registry()).await;
        host.joined().await;
        say(&deployment, &["Grüße"]).await;
        mailed(&mut host, 2).await;
        let mails = server.received(2).await;
        assert_eq!(mails[0].to, ["ann@example.com"]);
        assert_eq!(mails[1].to, ["bob@example.org"]);
        assert_eq!(mails[0].from, "parlor@example.com");
        assert_eq!(mails[0].header("To"), Some("\"Ann Example\" <ann@example.com>"));
        assert_eq!(
            mails[0].header("From"),
            Some("=?utf-8?b?UsOkdW1l?= <parlor@example.com>")
        );
        assert_eq!(mails[0].header("Subject"), Some("=?utf-8?b?R3LDvMOfZQ==?="));
        assert_ne!(id(&mails[0]), id(&mails[1]));
        assert!(
            mails.iter().all(|mail| mail.connection == 1),
            "{:?}",
            server.commands()
        );

        let entries = host.host.ledger(LedgerQuery::default()).await.unwrap();
        let ann: Vec<_> = entries
            .iter()
            .filter(|entry| entry.room.as_deref() == Some("mailto:ann@example.com"))
            .map(|entry| (entry.status, entry.detail.as_deref()))
            .collect();
        assert_eq!(
            ann,
            [
                (LedgerStatus::Queued, Some("Grüße")),
                (LedgerStatus::Sent, None),
                (LedgerStatus::Acknowledged, Some("250 2.0.0 queued as 1")),
            ]
        );
        let mut exposition = Exposition::default();
        host.host
            .health()
            .write(&mut exposition, &Thresholds::default())
            .await;
        let numbers = exposition.finish();
        assert!(numbers.contains("parlor_host_mails_acknowledged_total{bot=\"clerk\"} 2\n"));
        assert!(!numbers.contains("mailto:"), "{numbers}");
        host.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_prove_itself_or_does_not_encrypt_gets_nothing() {
    let deployment = Deployment::new();
    for (protection, security, roots) in [
        (Protection::Implicit, Security::Implicit, false),
        (Protection::StartTls, Security::StartTls, false),
        (Protection::None, Security::StartTls, true),
    ] {
        let server = MailServer::start(&deployment.path(""), protection, None).await;
        let mut config = mail(&deployment, &server, security);
        config.roots = config.roots.filter(|_| roots);
        let (user, password) = ("parlor".to_owned(), "secret".to_owned());
        config.account = Some(Account { user, password });
        let (_, refusal) = send_trial(&config, &ANN.parse().unwrap(), &Mail::new("a", "b"))
            .await
            .unwrap_err();
        assert_eq!(refusal.stage, Stage::Tls, "{refusal}");
        let said = server.commands();
        let quiet = |verb: &str| said.iter().all(|line| !line.starts_with(verb));
        assert!(quiet("AUTH") && quiet("MAIL"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_put_off_is_tried_again_and_does_not_hold_up_others() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    server.refuse("RCPT", "450 4.2.0 greylisted");
    let config = mailing(&deployment, &server, Security::None, clerk(&[ANN, BOB]));
    let mut patient = config.clone();
    patient.tuning.mail_retry_base = Duration::from_secs(24 * 3600);
    patient.tuning.mail_retry_cap = Duration::from_secs(24 * 3600);
    let mut host = Running::start(patient, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    let put_off = ("recipient: 450 4.2.0 greylisted".to_owned(), false);
    assert_eq!(failed(&mut host).await, put_off);
    mailed(&mut host, 1).await;
    assert_eq!(server.received(1).await[0].to, ["bob@example.org"]);
    host.host.kill().await;

    server.refuse("RCPT", "450 4.2.0 greylisted");
    let mut host = Running::start(config, registry()).await;
    assert_eq!(failed(&mut host).await, put_off);
    mailed(&mut host, 1).await;
    assert_eq!(server.received(2).await[1].to, ["ann@example.com"]);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_refused_is_kept_with_the_servers_words_until_it_is_retried() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    server.refuse("RCPT", "550 5.1.1 no such user");
    server.refuse(".", "554 5.7.1 looks like spam");
    let config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["one", "two", "three"]).await;
    assert_eq!(
        failed(&mut host).await,
        ("recipient: 550 5.1.1 no such user".to_owned(), true)
    );
    assert_eq!(
        failed(&mut host).await,
        ("message: 554 5.7.1 looks like spam".to_owned(), true)
    );
    mailed(&mut host, 1).await;
    let retried = host.host.retry(Retry::Dead(None)).await.unwrap();
    assert_eq!((retried.posts, retried.waiting_for_start), (2, 0));
    mailed(&mut host, 2).await;
    let subjects: Vec<_> = server.received(3).await;
    let subjects: Vec<_> = subjects
        .iter()
        .filter_map(|mail| mail.header("Subject"))
        .collect();
    assert_eq!(subjects, ["three", "one", "two"]);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_with_the_server_itself_gives_no_mail_up() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    server.refuse("CONNECT", "554 5.3.2 not now");
    server.refuse("MAIL", "550 5.7.1 who are you");
    let config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    for reason in ["connect: 554 5.3.2 not now", "sender: 550 5.7.1 who are you"] {
        assert_eq!(failed(&mut host).await, (reason.to_owned(), false));
    }
    mailed(&mut host, 1).await;
    // Nobody is bothered with a connection that the server has ended between two mails.
    server.refuse("MAIL", "421 4.3.2 closing");
    say(&deployment, &["more"]).await;
    mailed(&mut host, 1).await;
    let mails = server.received(2).await;
    assert!(mails[1].connection > mails[0].connection);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_silent_server_are_told() {
    let deployment = Deployment::new();
    let server = MailServer::start(
        &deployment.path(""),
        Protection::StartTls,
        Some(("parlor", "secret")),
    )
    .await;
    let mut config = mail(&deployment, &server, Security::StartTls);
    let (user, password) = ("parlor".to_owned(), "guess".to_owned());
    config.account = Some(Account { user, password });
    let (ann, test) = (ANN.parse().unwrap(), Mail::new("a", "b"));
    let (steps, refusal) = send_trial(&config, &ann, &test).await.unwrap_err();
    assert_eq!(refusal.to_string(), "sign-in: 535 5.7.8 wrong password");
    let stages: Vec<_> = steps.iter().map(|step| step.stage).collect();
    assert_eq!(stages, [Stage::Connect, Stage::Tls]);

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    config.port = silent.local_addr().unwrap().port();
    config.timeout = Duration::from_millis(50);
    let (_, refusal) = send_trial(&config, &ann, &test).await.unwrap_err();
    assert_eq!(refusal.to_string(), "connect: no answer within 0.05 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_whose_confirmation_is_lost_is_sent_again_as_the_same() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    server.die_before_confirming();
    let config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    let (reason, dead) = failed(&mut host).await;
    assert!(reason.starts_with("message: ") && !dead, "{reason}");
    mailed(&mut host, 1).await;
    let mails = server.received(2).await;
    assert_eq!((mails.len(), &mails[0].text), (2, &mails[1].text));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_confirms_too_late_is_asked_again() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    server.hold(true);
    let mut config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    if let Some(mail) = &mut config.mail {
        mail.final_timeout = Duration::from_millis(50);
    }
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    let late = ("message: no answer within 0.05 s".to_owned(), false);
    assert_eq!(failed(&mut host).await, late);
    server.hold(false);
    mailed(&mut host, 1).await;
    let mails = server.received(2).await;
    assert_eq!(id(&mails[0]), id(&mails[1]));
    host.shutdown().await;
}

/// A host that crashes at a point of the delivery and is started again; the mails that arrived.
async fn crash_at(point: Point) -> Vec<ReceivedMail> {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let start = || mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    let mut config = start();
    let faults = Faults::when(move |at, cause| at == point && cause.starts_with("message:"));
    config.faults = faults.clone();
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    timeout(Duration::from_secs(60), faults.crashed()).await.unwrap();
    host.host.kill().await;

    let mut host = Running::start(start(), registry()).await;
    host.joined().await;
    say(&deployment, &["last"]).await;
    let last = |mails: &[ReceivedMail]| {
        mails
            .last()
            .is_some_and(|mail| mail.header("Subject") == Some("last"))
    };
    let mut mails = server.received(1).await;
    while !last(&mails) {
        mails = server.received(mails.len() + 1).await;
    }
    host.shutdown().await;
    mails
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_the_server_has_it_loses_no_mail_and_sends_none_twice() {
    for point in [Point::Handled, Point::Committed, Point::Sent, Point::Recorded] {
        let mails = crash_at(point).await;
        let subjects: Vec<_> = mails.iter().filter_map(|mail| mail.header("Subject")).collect();
        assert_eq!(subjects, ["news", "last"], "{point:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_the_confirmation_and_its_record_sends_the_same_mail_again() {
    let mails = crash_at(Point::Acknowledged).await;
    assert_eq!(mails.len(), 3);
    assert_eq!(mails[0].text, mails[1].text);
    assert_ne!(id(&mails[1]), id(&mails[2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_written_to_whom_the_operator_has_not_named() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let mut config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    say(&deployment, &["elsewhere"]).await;
    let event = host
        .until(|event| matches!(event, HostEvent::Quarantined { .. }))
        .await;
    let HostEvent::Quarantined { reason, .. } = event else {
        panic!()
    };
    assert_eq!(
        reason,
        "eve@example.net is neither in this bot's settings nor in `allow` of [host.mail]"
    );
    host.shutdown().await;

    if let Some(mail) = &mut config.mail {
        mail.allow = vec![Allowed::Domain("example.net".to_owned())];
    }
    let mut host = Running::start(config, registry()).await;
    host.host.retry(Retry::Quarantined(None)).await.unwrap();
    mailed(&mut host, 1).await;
    assert_eq!(server.received(1).await[0].to, ["eve@example.net"]);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_sends_mail_needs_a_server_and_a_mail_a_bearable_size() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let mut config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    if let Some(mail) = &mut config.mail {
        mail.max_bytes = 600;
    }
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    say(&deployment, &["short", &"long ".repeat(100)]).await;
    mailed(&mut host, 1).await;
    let (reason, dead) = failed(&mut host).await;
    assert!(reason.ends_with(" bytes; the limit is 600") && dead, "{reason}");
    host.shutdown().await;

    config.mail = None;
    let problems = parlor_host::validate(&config, &registry());
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| (&*problem.path, problem.to_string()))
        .collect();
    let missing = "clerk: the bot sends mail, and there is no [host.mail] to send it with".to_owned();
    assert_eq!(problems, [("settings", missing)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_carries_fifty_mails() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let people: Vec<_> = (0..51).map(|number| format!("p{number}@example.com")).collect();
    let people: Vec<_> = people.iter().map(String::as_str).collect();
    let config = mailing(&deployment, &server, Security::None, clerk(&people));
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    let mails = server.received(51).await;
    let over: Vec<_> = mails.iter().map(|mail| mail.connection).collect();
    assert_eq!((over[0], over[49], over[50]), (1, 1, 2));
    mailed(&mut host, 51).await;
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_closed() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let mut config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    if let Some(mail) = &mut config.mail {
        mail.idle = Duration::from_millis(50);
    }
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["news"]).await;
    mailed(&mut host, 1).await;
    server.closed(1).await;
    assert_eq!(server.commands().last().map(String::as_str), Some("QUIT"));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_mails_back_and_not_the_end() {
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let mut config = mailing(&deployment, &server, Security::None, clerk(&[ANN]));
    if let Some(mail) = &mut config.mail {
        mail.rate = "1/d".parse().ok();
    }
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    say(&deployment, &["one", "two"]).await;
    mailed(&mut host, 1).await;
    let both_wait = LedgerQuery {
        status: Some(LedgerStatus::Queued),
        ..LedgerQuery::default()
    };
    let queued = async { while host.host.ledger(both_wait.clone()).await.unwrap().len() < 2 {} };
    timeout(Duration::from_secs(60), queued).await.unwrap();
    let report = timeout(
        Duration::from_secs(60),
        host.host.shutdown(Duration::from_secs(60)),
    )
    .await
    .unwrap();
    assert_eq!(report.undelivered_posts, 1);
    assert_eq!(server.received(1).await.len(), 1);
}
