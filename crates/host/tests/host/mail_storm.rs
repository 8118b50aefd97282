//! Mail through a storm: a host that is killed at one point after the other, and a server that puts off, hangs up and
//! dies with mails in its hands. Each mail arrives, in order for each recipient, and what arrives twice is the same twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parlor_host::Security;
use parlor_host::fault::{Faults, Point};
use parlor_testkit::{MailServer, ReceivedMail};
use tokio::time::timeout;

use crate::bots::registry;
use crate::deployment::{Deployment, Running};
use crate::mailing::{ANN, BOB, clerk, id, mailing, unprotected};

/// Storms unless `PARLOR_SEEDS` says how many; one takes some seconds.
const SEEDS: u64 = 3;
/// Hosts that are killed, one after the other.
const LIVES: usize = 4;
/// What is said in each of their lives; each point is passed at least so often.
const POSTS: usize = 4;

const POINTS: [Point; 5] = [
    Point::Handled,
    Point::Committed,
    Point::Sent,
    Point::Acknowledged,
    Point::Recorded,
];

/// Crashes when the point is passed for the `nth` time.
fn crash(point: Point, nth: u32) -> Faults {
    let passed = AtomicU32::new(0);
    Faults::when(move |at, cause| {
        at == point && cause.starts_with("message:") && passed.fetch_add(1, Ordering::Relaxed) + 1 == nth
    })
}

/// Lets the server do something bad, or not; whether a mail may arrive twice because of it.
fn trouble(random: &mut fastrand::Rng, server: &MailServer) -> bool {
    match random.u8(0..5) {
        0 => server.refuse("RCPT", "450 4.2.0 greylisted"),
        1 => server.refuse("MAIL", "421 4.3.2 closing"),
        2 => server.refuse("CONNECT", "421 4.3.2 too busy"),
        3 => {
            server.die_before_confirming();
            return true;
        }
        _ => {}
    }
    false
}

/// Waits until so many different mails have arrived; all that arrived.
async fn all(server: &MailServer, wanted: usize) -> Vec<ReceivedMail> {
    let mut mails = server.received(wanted).await;
    let different = |mails: &[ReceivedMail]| {
        let mut ids: Vec<_> = mails.iter().map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    while different(&mails) < wanted {
        mails = server.received(mails.len() + 1).await;
    }
    mails
}

async fn storm(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let deployment = Deployment::new();
    let server = unprotected(&deployment).await;
    let config = || mailing(&deployment, &server, Security::None, clerk(&[ANN, BOB]));
    let (room, _events) = deployment.alice().await;
    let (mut said, mut doubts) = (Vec::new(), LIVES);
    for _ in 0..LIVES {
        let mut config = config();
        config.faults = crash(POINTS[random.usize(..POINTS.len())], random.u32(1..=POSTS as u32));
        let faults = config.faults.clone();
        let mut host = Running::start(config, registry()).await;
        host.joined().await;
        for _ in 0..POSTS {
            doubts += usize::from(trouble(&mut random, &server));
            said.push(format!("post {}", said.len()));
            room.post(said[said.len() - 1].as_str()).await.unwrap();
        }
        timeout(Duration::from_secs(60), faults.crashed()).await.unwrap();
        host.host.kill().await;
    }
    let host = Running::start(config(), registry()).await;
    let mails = all(&server, 2 * said.len()).await;
    host.shutdown().await;

    assert!(
        mails.len() <= 2 * said.len() + doubts,
        "seed {seed}: {} mails",
        mails.len()
    );
    let mut first: BTreeMap<&str, &ReceivedMail> = BTreeMap::new();
    let mut subjects: BTreeMap<&[String], Vec<&str>> = BTreeMap::new();
    for mail in &mails {
        match first.get(id(mail)) {
            Some(same) => assert_eq!(same.text, mail.text, "seed {seed}"),
            None => {
                first.insert(id(mail), mail);
                subjects
                    .entry(&mail.to)
                    .or_default()
                    .extend(mail.header("Subject"));
            }
        }
    }
    assert_eq!(subjects.len(), 2, "seed {seed}");
    for (to, subjects) in subjects {
        assert_eq!(subjects, said, "seed {seed}: {to:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mail_arrives_in_order_and_what_arrives_twice_is_the_same() {
    let seeds = std::env::var("PARLOR_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    for seed in 0..seeds.unwrap_or(SEEDS) {
        storm(seed).await;
    }
}
