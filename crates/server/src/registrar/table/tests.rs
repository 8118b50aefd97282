use std::time::{Duration, Instant};

use parlor_sip::NameAddr;
use parlor_xccos::SipUri;
use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const GRACE: Duration = Duration::from_secs(75);

fn user(name: &str) -> SipUri {
    format!("sip:{name}@example.com").parse().unwrap()
}

fn device(epid: &str) -> Device {
    Device::new(Some(epid), None).unwrap()
}

fn registration(epid: &str, line: u8) -> Registration<u8> {
    Registration {
        device: device(epid),
        contact: "<sip:192.0.2.1:5061;transport=tls>".parse::<NameAddr>().unwrap(),
        line,
        lifetime: HOUR,
    }
}

fn table() -> Table<u8> {
    Table::new(Limits {
        per_user: 3,
        in_all: 5,
    })
}

/// What ended, by its connection and reason.
fn endings(ended: &[Ended<u8>]) -> Vec<(u8, Why)> {
    ended.iter().map(|ended| (ended.line, ended.why)).collect()
}

#[test]
fn a_refresh_lengthens_and_ends_nothing() {
    let (mut table, start, alice) = (table(), Instant::now(), user("alice"));
    assert_eq!(table.register(start, &alice, registration("a", 1)), Ok(vec![]));
    let later = start + HOUR / 2;
    assert_eq!(table.register(later, &alice, registration("a", 1)), Ok(vec![]));
    assert_eq!(table.of(&alice).len(), 1);
    assert_eq!(table.expire(start + HOUR), []);
    let ended = table.expire(later + HOUR);
    assert_eq!(endings(&ended), [(1, Why::Expired)]);
    assert!(ended[0].last && ended[0].last_here);
    assert_eq!(table.next_end(), None);
}

#[test]
fn an_endpoint_that_comes_back_takes_its_own_place() {
    let (mut table, now, alice) = (table(), Instant::now(), user("alice"));
    table.register(now, &alice, registration("a", 1)).unwrap();
    table.register(now, &alice, registration("b", 2)).unwrap();
    assert_eq!(table.lose(now, &alice, &1, GRACE), []);
    assert!(!table.of(&alice)[0].is_reachable());
    let ended = table.register(now, &alice, registration("a", 3)).unwrap();
    assert_eq!(endings(&ended), [(1, Why::Replaced)]);
    assert!(!ended[0].last && ended[0].last_here);
    let lines: Vec<u8> = table.of(&alice).iter().map(|binding| binding.line).collect();
    assert_eq!(lines, [2, 3]);
    assert_eq!(table.expire(now + GRACE), []);
}

#[test]
fn a_lost_connection_counts_as_gone_after_the_grace_time_and_never_later_than_it_expires() {
    let (mut table, now, alice) = (table(), Instant::now(), user("alice"));
    table.register(now, &alice, registration("a", 1)).unwrap();
    table.lose(now, &alice, &1, GRACE);
    assert_eq!(table.expire(now + GRACE - Duration::from_millis(1)), []);
    assert_eq!(endings(&table.expire(now + GRACE)), [(1, Why::Lost)]);

    table.register(now, &alice, registration("a", 1)).unwrap();
    table.lose(now, &alice, &1, 2 * HOUR);
    assert_eq!(endings(&table.expire(now + HOUR)), [(1, Why::Lost)]);

    table.register(now, &alice, registration("a", 1)).unwrap();
    assert_eq!(
        endings(&table.lose(now, &alice, &1, Duration::ZERO)),
        [(1, Why::Lost)]
    );
}

#[test]
fn endpoints_without_names_are_told_apart_by_their_connection() {
    let (mut table, now, alice) = (table(), Instant::now(), user("alice"));
    let nameless = |line| Registration {
        device: Device::default(),
        ..registration("a", line)
    };
    for line in [1, 2, 2] {
        assert_eq!(table.register(now, &alice, nameless(line)), Ok(vec![]));
    }
    assert_eq!(table.of(&alice).len(), 2);
    let ended = table.leave(&alice, &2, &Device::default());
    assert_eq!(endings(&ended), [(2, Why::SignedOff)]);
}

#[test]
fn an_endpoint_signs_off_alone_and_a_star_takes_all() {
    let (mut table, now, alice) = (table(), Instant::now(), user("alice"));
    for (epid, line) in [("a", 1), ("b", 1), ("c", 2)] {
        table.register(now, &alice, registration(epid, line)).unwrap();
    }
    let ended = table.leave(&alice, &1, &device("a"));
    assert_eq!(endings(&ended), [(1, Why::SignedOff)]);
    assert!(!ended[0].last && !ended[0].last_here);
    let ended = table.leave_all(&alice, Why::SignedOff);
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|ended| ended.last && ended.last_here));
    assert_eq!(table.leave_all(&alice, Why::SignedOff), []);
}

#[test]
fn a_user_has_so_many_endpoints_and_a_lost_one_makes_room() {
    let (mut table, now, alice) = (table(), Instant::now(), user("alice"));
    for (epid, line) in [("a", 1), ("b", 2), ("c", 3)] {
        table.register(now, &alice, registration(epid, line)).unwrap();
    }
    assert_eq!(table.register(now, &alice, registration("d", 4)), Err(Full::User));
    assert_eq!(table.register(now, &alice, registration("b", 2)), Ok(vec![]));
    table.lose(now, &alice, &1, GRACE);
    let ended = table.register(now, &alice, registration("d", 4)).unwrap();
    assert_eq!(endings(&ended), [(1, Why::Lost)]);
    assert_eq!(table.of(&alice).len(), 3);
}

#[test]
fn a_server_has_so_many_endpoints() {
    let (mut table, now) = (table(), Instant::now());
    for line in 0..5 {
        let name = user(&format!("user{line}"));
        table.register(now, &name, registration("a", line)).unwrap();
    }
    let alice = user("alice");
    assert_eq!(
        table.register(now, &alice, registration("a", 9)),
        Err(Full::Server)
    );
    // Refreshes and returns go on.
    assert_eq!(
        table.register(now, &user("user0"), registration("a", 0)),
        Ok(vec![])
    );
    assert!(table.register(now, &user("user0"), registration("a", 9)).is_ok());
}

#[derive(Debug, Clone)]
enum Step {
    Register {
        name: u8,
        device: u8,
        line: u8,
        lifetime: u64,
    },
    Leave {
        name: u8,
        device: u8,
        line: u8,
    },
    LeaveAll {
        name: u8,
    },
    Lose {
        name: u8,
        line: u8,
        grace: u64,
    },
    Pass {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3u8, 0..6u8, 0..4u8, 1..40u64)
            .prop_map(|(name, device, line, lifetime)| Step::Register { name, device, line, lifetime }),
        1 => (0..3u8, 0..6u8, 0..4u8).prop_map(|(name, device, line)| Step::Leave { name, device, line }),
        1 => (0..3u8).prop_map(|name| Step::LeaveAll { name }),
        2 => (0..3u8, 0..4u8, 0..20u64).prop_map(|(name, line, grace)| Step::Lose { name, line, grace }),
        2 => (0..30u64).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// Some with an epid, some with an instance, some with both or nothing.
fn any_device(number: u8) -> Device {
    let (epid, instance) = match number {
        0 => (Some("a"), None),
        1 => (Some("a"), Some("1")),
        2 => (None, Some("1")),
        3 => (Some("b"), None),
        4 => (Some("b"), Some("2")),
        _ => (None, None),
    };
    Device::new(epid, instance).unwrap()
}

proptest! {
    /// Whatever happens: limits hold, no endpoint is there twice, every binding has its deadline, nothing outlives it,
    /// and the last one of a user is called the last.
    #[test]
    fn the_books_agree(steps in proptest::collection::vec(step(), 1..80)) {
        let mut table = table();
        let mut now = Instant::now();
        for step in steps {
            let before = table.ends.len();
            let mut added = 0;
            let ended = match step {
                Step::Register { name, device, line, lifetime } => {
                    let name = user(&name.to_string());
                    let asked = Registration {
                        device: any_device(device),
                        lifetime: Duration::from_secs(lifetime),
                        ..registration("x", line)
                    };
                    let same_line = table.of(&name).iter().filter(|binding| {
                        binding.line == line
                            && (binding.device.is(&asked.device)
                                || !binding.device.has_name() && !asked.device.has_name())
                    }).count();
                    match table.register(now, &name, asked) {
                        Ok(ended) => {
                            added = 1;
                            prop_assert_eq!(before + 1, table.ends.len() + ended.len() + same_line);
                            prop_assert!(ended.iter().all(|ended| !ended.last));
                            prop_assert!(table.of(&name).last().is_some_and(|newest| newest.line == line));
                            ended
                        }
                        Err(_) => vec![],
                    }
                }
                Step::Leave { name, device, line } =>
                    table.leave(&user(&name.to_string()), &line, &any_device(device)),
                Step::LeaveAll { name } => table.leave_all(&user(&name.to_string()), Why::SignedOff),
                Step::Lose { name, line, grace } =>
                    table.lose(now, &user(&name.to_string()), &line, Duration::from_secs(grace)),
                Step::Pass { seconds } => {
                    now += Duration::from_secs(seconds);
                    let ended = table.expire(now);
                    prop_assert!(table.next_end().is_none_or(|next| next > now));
                    ended
                }
            };
            if added == 0 {
                prop_assert_eq!(before, table.ends.len() + ended.len());
            }
            if let Some(last) = ended.last() {
                prop_assert_eq!(last.last, table.of(&last.user).is_empty());
            }
            let held: usize = table.users.values().map(Vec::len).sum();
            prop_assert_eq!(held, table.ends.len());
            prop_assert!(held <= table.limits.in_all);
            for (name, bindings) in &table.users {
                prop_assert!((1..=table.limits.per_user).contains(&bindings.len()));
                for (at, binding) in bindings.iter().enumerate() {
                    prop_assert_eq!(table.ends.get(&(binding.ends(), binding.number)), Some(name));
                    let twice = bindings[at + 1..].iter().any(|other| binding.device.is(&other.device));
                    prop_assert!(!twice);
                }
            }
        }
    }
}
