use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn outbox(outbox_frames: usize, outbox_bytes: usize) -> Outbox {
    Outbox::new(&Limits {
        outbox_frames,
        outbox_bytes,
        ..Limits::default()
    })
}

fn body(text: &'static str) -> Outbound {
    Outbound::Info {
        dialog: dialog(),
        body: Bytes::from_static(text.as_bytes()),
    }
}

/// Ids come from agents only.
fn dialog() -> DialogId {
    let settings = parlor_sip::AgentSettings::new("192.0.2.1:5061", parlor_sip::Transport::Tls, "test");
    let uri: parlor_sip::Uri = "sip:alice@example.com".parse().unwrap();
    let target = parlor_sip::Target::new(uri.clone(), uri);
    let draft = parlor_sip::RequestDraft::new(parlor_sip::Method::INVITE);
    parlor_sip::UserAgent::new(settings, 1)
        .invite(std::time::Instant::now(), &target, draft)
        .0
}

#[test]
fn a_batch_wakes_once() {
    let (outbox, woken) = (outbox(9, 99), Arc::new(Woken::default()));
    let waker = Waker::from(woken.clone());
    let (mut infos, mut signals) = (VecDeque::new(), VecDeque::new());
    for round in 1..=2 {
        assert!(
            outbox
                .drain(&Context::from_waker(&waker), Some(&mut infos), &mut signals)
                .is_none()
        );
        infos.clear();
        for _ in 0..5 {
            outbox.try_push(body("post")).unwrap();
        }
        assert_eq!(woken.count(), round);
    }
}

#[test]
fn a_connection_that_cannot_write_is_woken_for_other_things_only() {
    let (outbox, woken) = (outbox(9, 99), Arc::new(Woken::default()));
    let waker = Waker::from(woken.clone());
    let mut signals = VecDeque::new();
    outbox.drain(&Context::from_waker(&waker), None, &mut signals);
    outbox.try_push(body("post")).unwrap();
    assert_eq!(woken.count(), 0);
    outbox.try_push(Outbound::Signal(7)).unwrap();
    assert_eq!(woken.count(), 1);
    let mut infos = VecDeque::new();
    outbox.drain(&Context::from_waker(&waker), Some(&mut infos), &mut signals);
    assert_eq!((infos.len(), signals.pop_front()), (1, Some(7)));
}

#[test]
fn too_many_frames_close_it_with_the_numbers() {
    let outbox = outbox(2, 99);
    outbox.try_push(body("one")).unwrap();
    outbox.try_push(body("two")).unwrap();
    assert_eq!(outbox.try_push(body("three")), Err(PushError::Full));
    assert_eq!(outbox.try_push(body("four")), Err(PushError::Closed));
    let (mut infos, mut signals) = (VecDeque::new(), VecDeque::new());
    let cause = outbox
        .drain(
            &Context::from_waker(Waker::noop()),
            Some(&mut infos),
            &mut signals,
        )
        .unwrap();
    assert_eq!(cause.to_string(), "outbox full with 2 frames of 6 bytes");
    assert!(infos.is_empty());
}

#[test]
fn too_many_bytes_close_it_but_one_long_body_does_not() {
    let outbox = outbox(9, 4);
    outbox.try_push(body("longer than four")).unwrap();
    assert_eq!(outbox.try_push(body("")), Err(PushError::Full));
}

#[test]
fn draining_makes_room() {
    let outbox = outbox(1, 4);
    let (mut infos, mut signals) = (VecDeque::new(), VecDeque::new());
    for _ in 0..3 {
        outbox.try_push(body("post")).unwrap();
        outbox.drain(
            &Context::from_waker(Waker::noop()),
            Some(&mut infos),
            &mut signals,
        );
        infos.clear();
    }
}

#[test]
fn signals_are_bounded_too() {
    let outbox = outbox(1, 4);
    outbox.try_push(Outbound::Signal(1)).unwrap();
    assert_eq!(outbox.try_push(Outbound::Signal(2)), Err(PushError::Full));
}

#[test]
fn what_was_pushed_before_a_close_is_still_sent() {
    let outbox = outbox(9, 99);
    outbox.try_push(body("last")).unwrap();
    outbox.close(CloseCause::Shutdown);
    assert!(outbox.is_closed());
    let (mut infos, mut signals) = (VecDeque::new(), VecDeque::new());
    let cause = outbox.drain(
        &Context::from_waker(Waker::noop()),
        Some(&mut infos),
        &mut signals,
    );
    assert_eq!(
        (infos.len(), cause.unwrap().to_string()),
        (1, "shutting down".to_owned())
    );
}
