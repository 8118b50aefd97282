//! Two hosts that share a state: one leads, the other takes over, and nobody says anything twice.

use std::time::Duration;

use parlor_host::{Config, Database, EndpointConfig, HostEvent, InstanceState, Place};
use parlor_testkit::{SECOND_BOT, Schema, uri};
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{Deployment, Running, instance};

/// Short, so that nobody waits for a take-over; long enough for a busy machine to renew in time.
const LEASE: Duration = Duration::from_secs(2);

const PONG_1: &str = "ping number 1 was \"ping 1\"";
const PONG_2: &str = "ping number 2 was \"ping 2\"";

/// A host of the pool, with a bot that counts its answers.
async fn host(deployment: &Deployment, schema: &Schema, name: &str) -> Running {
    Running::start(config(deployment, schema, name), registry()).await
}

fn config(deployment: &Deployment, schema: &Schema, name: &str) -> Config {
    let mut config = deployment.host(vec![instance("ponger", json!({}))]);
    config.name = name.to_owned();
    config.state = Place::Database(Database::new(&schema.address(), None, None).unwrap());
    config.tuning.lease = LEASE;
    config
}

/// Returns when the host leads the endpoint and is in its room.
async fn leads(host: &mut Running) {
    let (mut leads, mut joined) = (false, false);
    while !(leads && joined) {
        match host.until(|_| true).await {
            HostEvent::PoolChanged { endpoints, .. } => leads = !endpoints.is_empty(),
            HostEvent::Joined { .. } => joined = true,
            _ => {}
        }
    }
}

/// Returns when the host is a member of the pool.
async fn is_member(host: &mut Running) {
    host.until(|event| matches!(event, HostEvent::PoolChanged { .. }))
        .await;
}

async fn state_of_bot(host: &Running) -> InstanceState {
    host.host.status().await.instances[0].state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_host_takes_over_from_one_that_dies_and_goes_on_where_it_was() {
    let (deployment, schema) = (Deployment::new(), Schema::new());
    let mut first = host(&deployment, &schema, "first").await;
    leads(&mut first).await;
    let mut second = host(&deployment, &schema, "second").await;
    assert_eq!(state_of_bot(&second).await, InstanceState::Standby);
    let (room, _events) = deployment.alice().await;
    room.post("ping 1").await.unwrap();
    first.posted(1).await;

    first.host.kill().await;
    room.post("ping 2").await.unwrap();
    leads(&mut second).await;
    second.posted(1).await;
    assert_eq!(state_of_bot(&second).await, InstanceState::Running);
    let pool = second.host.status().await.pool.unwrap();
    assert_eq!(pool.hosts, ["second"], "the dead one is struck out");
    assert!(pool.endpoints[0].here);
    second.shutdown().await;
    let said = deployment.said().await;
    assert_eq!(said, ["ping 1", PONG_1, "ping 2", PONG_2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_hands_over_what_it_led() {
    let (deployment, schema) = (Deployment::new(), Schema::new());
    let mut first = host(&deployment, &schema, "first").await;
    leads(&mut first).await;
    let mut second = host(&deployment, &schema, "second").await;
    first.shutdown().await;
    leads(&mut second).await;
    let (room, _events) = deployment.alice().await;
    room.post("ping 1").await.unwrap();
    second.posted(1).await;
    second.shutdown().await;
    assert_eq!(deployment.said().await, ["ping 1", PONG_1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_was_struck_out_ends_what_it_does_and_joins_anew() {
    let (deployment, schema) = (Deployment::new(), Schema::new());
    let mut first = host(&deployment, &schema, "first").await;
    leads(&mut first).await;
    let mut second = host(&deployment, &schema, "second").await;
    is_member(&mut second).await;
    // As the other one would, had this one been silent.
    schema.run("DELETE FROM member WHERE name = 'first'; INSERT INTO lease SELECT 'sip:newsbot@example.com', token FROM member");
    first.until(|event| matches!(event, HostEvent::TakenOver)).await;
    assert_eq!(state_of_bot(&first).await, InstanceState::Standby);
    leads(&mut second).await;
    let (room, _events) = deployment.alice().await;
    room.post("ping 1").await.unwrap();
    second.posted(1).await;
    second.shutdown().await;
    leads(&mut first).await;
    room.post("ping 2").await.unwrap();
    first.posted(1).await;
    first.shutdown().await;
    let said = deployment.said().await;
    assert_eq!(said, ["ping 1", PONG_1, "ping 2", PONG_2]);
}

/// A host of the pool with two bots, each as a user of its own, in the same room.
async fn host_of_two(deployment: &Deployment, schema: &Schema, name: &str) -> Running {
    let mut config = config(deployment, schema, name);
    let second = EndpointConfig {
        user: uri(SECOND_BOT),
        ..config.endpoints[0].clone()
    };
    config.endpoints.push(second);
    let mut second = instance("ponger", json!({}));
    second.id = "second".to_owned();
    second.user = uri(SECOND_BOT);
    config.instances.push(second);
    Running::start(config, registry()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_are_shared_out_and_bots_do_not_answer_those_of_the_other_host() {
    let (deployment, schema) = (Deployment::new(), Schema::new());
    let mut first = host_of_two(&deployment, &schema, "first").await;
    first
        .until(|event| matches!(event, HostEvent::PoolChanged { endpoints, .. } if endpoints.len() == 2))
        .await;
    let mut second = host_of_two(&deployment, &schema, "second").await;
    leads(&mut second).await;
    let pool = second.host.status().await.pool.unwrap();
    let here: Vec<_> = pool.endpoints.iter().map(|endpoint| endpoint.here).collect();
    assert_eq!(here.iter().filter(|here| **here).count(), 1, "{pool:?}");
    let (room, _events) = deployment.alice().await;
    for question in ["ping 1", "ping 2"] {
        room.post(question).await.unwrap();
        first.posted(1).await;
        second.posted(1).await;
    }
    first.shutdown().await;
    second.shutdown().await;
    let said = deployment.said().await;
    assert_eq!(said.len(), 6, "two questions, two answers to each: {said:#?}");
}
