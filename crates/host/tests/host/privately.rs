//! Who writes to a bot alone is answered alone, through crashes and absences.

use std::time::Duration;

use parlor_client::{PrivateError, PrivateMessages, UserEndpoint};
use parlor_host::fault::{Faults, Point};
use parlor_host::{Config, HostEvent};
use serde_json::json;
use tokio::time::timeout;

use crate::bots::registry;
use crate::deployment::{ALICE, BOT, Deployment, Running, instance, uri};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Alice, signed in and reading.
async fn alice(deployment: &Deployment) -> (UserEndpoint, PrivateMessages) {
    let alice = deployment.alice_at_home();
    let messages = alice.private_messages().await;
    alice.establish().await.unwrap();
    (alice, messages)
}

/// What Alice is told next.
async fn answer(messages: &mut PrivateMessages) -> String {
    let mut message = timeout(PATIENCE, messages.next()).await.unwrap().unwrap();
    assert_eq!(message.from, uri(BOT));
    message.accept();
    message.text
}

fn confidant(deployment: &Deployment) -> Config {
    deployment.host(vec![instance("confidant", json!({}))])
}

async fn signed_in(host: &mut Running) {
    host.until(|event| matches!(event, HostEvent::SignedIn { .. }))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered_in_order_by_every_instance_that_wants_them() {
    let deployment = Deployment::new();
    let mut second = instance("confidant", json!({}));
    second.id = "second".to_owned();
    second.rooms.clear();
    let mut config = confidant(&deployment);
    config.instances.push(second);
    config.instances.push(instance("ponger", json!({})));
    let mut host = Running::start(config, registry()).await;
    signed_in(&mut host).await;
    let (alice, mut messages) = alice(&deployment).await;
    for text in ["one", "two", "no"] {
        alice.send_private(&uri(BOT), text).await.unwrap();
    }
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(answer(&mut messages).await);
    }
    for name in ["confidant", "second"] {
        let of_one: Vec<_> = answers.iter().filter(|text| text.starts_with(name)).collect();
        assert_eq!(of_one, [&format!("{name} 1: one"), &format!("{name} 2: two")]);
    }
    assert_eq!(answers.iter().filter(|text| *text == "no to you").count(), 2);
    host.until(|event| matches!(event, HostEvent::Answered { person, .. } if person == ALICE))
        .await;
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_wants_no_private_messages_says_so_to_the_caller() {
    let deployment = Deployment::new();
    let mut host = Running::start(deployment.host(vec![instance("ponger", json!({}))]), registry()).await;
    host.joined().await;
    let (alice, _messages) = alice(&deployment).await;
    let refused = alice.send_private(&uri(BOT), "psst").await.unwrap_err();
    assert!(matches!(refused, PrivateError::Refused(refusal) if refusal.status == 488));
    host.shutdown().await;
}

/// A host that crashes at a point of the delivery and is started again; what Alice was told by then.
async fn crash_at(point: Point) -> (Result<(), PrivateError>, Vec<String>) {
    let deployment = Deployment::new();
    let (alice, mut messages) = alice(&deployment).await;
    let mut config = confidant(&deployment);
    let faults = Faults::when(move |at, cause| at == point && cause.starts_with("private:"));
    config.faults = faults.clone();
    let mut host = Running::start(config, registry()).await;
    signed_in(&mut host).await;
    let asking = tokio::spawn({
        let alice = alice.clone();
        async move { alice.send_private(&uri(BOT), "question").await }
    });
    timeout(PATIENCE, faults.crashed()).await.unwrap();
    let asked = if point == Point::Accepted {
        host.host.kill().await;
        asking.await.unwrap()
    } else {
        // The host has said yes and crashes after it; on its way that may be overtaken by the end of the connection.
        let asked = asking.await.unwrap();
        host.host.kill().await;
        asked
    };

    let mut host = Running::start(confidant(&deployment), registry()).await;
    let mut answers = vec![answer(&mut messages).await];
    // Whatever else there is comes before the answer to a further question.
    signed_in(&mut host).await;
    alice.send_private(&uri(BOT), "last").await.unwrap();
    while !answers.last().unwrap().ends_with("last") {
        answers.push(answer(&mut messages).await);
    }
    host.shutdown().await;
    (asked, answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_the_question_was_stored_and_before_it_was_accepted_loses_no_answer() {
    let (asked, answers) = crash_at(Point::Accepted).await;
    assert!(asked.is_err(), "Alice knows that something went wrong");
    assert_eq!(answers, ["confidant 1: question", "confidant 2: last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_the_handler_or_before_the_delivery_loses_nothing_and_counts_once() {
    for point in [Point::Handled, Point::Committed] {
        let (asked, answers) = crash_at(point).await;
        assert!(
            asked.is_ok(),
            "the question was stored when Alice was told that it arrived"
        );
        assert_eq!(
            answers,
            ["confidant 1: question", "confidant 2: last"],
            "{point:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_waits_for_somebody_who_has_left_and_comes_back() {
    let deployment = Deployment::new();
    let (away, _messages) = alice(&deployment).await;
    let mut config = confidant(&deployment);
    config.faults = Faults::when(|point, cause| point == Point::Committed && cause.starts_with("private:"));
    let faults = config.faults.clone();
    let mut host = Running::start(config, registry()).await;
    signed_in(&mut host).await;
    away.send_private(&uri(BOT), "question").await.unwrap();
    timeout(PATIENCE, faults.crashed()).await.unwrap();
    host.host.kill().await;
    away.terminate().await;

    let mut host = Running::start(confidant(&deployment), registry()).await;
    host.until(|event| matches!(event, HostEvent::DeliveryFailed { dead: false, reason, .. } if reason.contains("480")))
        .await;
    let (_alice, mut messages) = alice(&deployment).await;
    assert_eq!(answer(&mut messages).await, "confidant 1: question");
    host.shutdown().await;
}
