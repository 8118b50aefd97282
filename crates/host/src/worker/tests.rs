//! One worker with a scripted bot: order, retries, and what is stored.

use std::sync::Arc;

use chrono::DateTime;
use parlor_bot::NoSettings;
use parlor_bot::prelude::*;
use parlor_bot::{FeedItem, MessageId, Registry, SipUri};

use super::*;
use crate::board::Board;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::events::{Announcer, HostEvents};
use crate::fault::Faults;
use crate::lane::{Input, LaneSender, lane};
use crate::state::{FeedRecord, NewInput, State, Subscription};
use crate::validate::{make, setup};

const ROOM: &str = "ma-chan://example.com/2b9ee6c4-6d1f-4b46-8f0b-3f1c6f0f9a51";

/// Posts what it hears; does what the text says otherwise.
struct Scripted {
    failures: u32,
}

impl Bot for Scripted {
    const KIND: &'static str = "scripted";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self { failures: 0 })
    }

    fn interests(&self) -> Interests {
        Interests::new().messages()
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let text = match event {
            Event::Message(message) => message.text.clone(),
            Event::FeedItem(item) => item.title.clone(),
            Event::Woken(_) => context.state::<String>("then")?.unwrap_or_default(),
            _ => return Ok(()),
        };
        match text.as_str() {
            "panic" => panic!("as told"),
            "hang" => std::future::pending().await,
            "reject" => Err(BotError::reject("as told")),
            "stop" => Err(BotError::stop("as told")),
            "tell" => {
                context.reply("is not said")?;
                Err(BotError::tell("not like that"))
            }
            "twice" if self.failures < 2 => {
                context.post_all("is not said")?;
                self.failures += 1;
                Err(std::io::Error::other("not yet").into())
            }
            text => match text.strip_prefix("in an hour ") {
                Some(then) => {
                    context.set_state("then", then)?;
                    context.wake_at(context.now() + chrono::TimeDelta::hours(1))
                }
                None => context.post_all(text),
            },
        }
    }
}

struct Stage {
    _folder: tempfile::TempDir,
    ground: Ground,
    lanes: Vec<LaneSender>,
    bell: Arc<Bell>,
    events: HostEvents,
    stop: CancellationToken,
    worker: Option<Worker>,
}

impl Stage {
    /// A worker for two rooms, not started.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path().join("host.db")).await.unwrap();
        let announcer = Announcer::new();
        let events = announcer.listen();
        let ground = Ground {
            state,
            clock: Clock::starting_at(DateTime::UNIX_EPOCH),
            announcer,
            faults: Faults::none(),
            tuning: Arc::new(Tuning {
                attempts: 3,
                ..Tuning::default()
            }),
            board: Arc::new(Board::default()),
        };
        let mut instance = InstanceConfig::new("bot", "scripted", "sip:bot@example.com".parse().unwrap());
        instance.rooms = vec![Room::new("News")];
        let registry = Registry::new().with::<Scripted>();
        let service = crate::config::ChatService {
            host: String::new(),
            port: 0,
            chat: None,
        };
        let config = crate::config::Config::new(folder.path().join("host.db"), service);
        let setup = Arc::new(setup(&config, &instance));
        let (bot, _) = make(&registry, &instance, &setup).unwrap();
        let bell = Arc::<Bell>::default();
        let (mut lanes, mut receivers) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let (sender, receiver) = lane(64, bell.clone(), Arc::default());
            lanes.push(sender);
            receivers.push(receiver);
        }
        let mailbox = Mailbox {
            room: "news".to_owned(),
            bell: Arc::default(),
        };
        let job = Job {
            instance,
            setup,
            values: Values::default(),
            lanes: receivers,
            bell: bell.clone(),
            mailing: Mailing::default(),
            mailboxes: HashMap::from([(Room::new("News"), mailbox)]),
            courier: Arc::default(),
            remover: Arc::default(),
            boot: 1,
        };
        let stop = CancellationToken::new();
        let worker = Worker::new(ground.clone(), registry, stop.clone(), job, Runner::start(bot));
        Self {
            _folder: folder,
            ground,
            lanes,
            bell,
            events,
            stop,
            worker: Some(worker),
        }
    }

    fn say(&self, lane: usize, id: i64, text: &str) {
        let author: SipUri = "sip:alice@example.com".parse().unwrap();
        let message = IncomingMessage {
            room: Room::new("News"),
            room_uri: ROOM.parse().unwrap(),
            author,
            author_name: None,
            id: MessageId(id),
            sent: DateTime::UNIX_EPOCH,
            alert: false,
            title: None,
            text: text.to_owned(),
            parts: Vec::new(),
            automated: false,
            missed: false,
        };
        let event = Arc::new(Event::Message(message));
        let room = format!("{ROOM}#{lane}").into();
        self.lanes[lane]
            .push(Input::Message {
                event,
                room,
                id: Some(id),
            })
            .unwrap();
    }

    async fn feed(&self, titles: &[&str]) {
        let accepted = titles.iter().map(|title| NewInput {
            instance: "bot".to_owned(),
            source: "feed:f".to_owned(),
            cause: format!("feed:f:{title}"),
            title: None,
            link: None,
            event: serde_json::to_string(&Accepted::Feed(FeedItem {
                title: (*title).to_owned(),
                ..FeedItem::default()
            }))
            .unwrap(),
        });
        let subscription = Subscription {
            instance: "bot".to_owned(),
            feed: "f".to_owned(),
        };
        let record = FeedRecord {
            subscription,
            accepted: accepted.collect(),
            ..FeedRecord::default()
        };
        self.ground
            .state
            .record_fetch("u".into(), String::new(), vec![record], 1)
            .await
            .unwrap();
        self.bell.ring_for_inbox();
    }

    /// Works until that many posts wait in the outbox, then stops; what they say.
    async fn work(&mut self, posts: usize) -> Vec<String> {
        let worker = tokio::spawn(self.worker.take().expect("works once").run());
        let said = loop {
            let said = self.said().await;
            if said.len() >= posts || worker.is_finished() {
                break said;
            }
            tokio::task::yield_now().await;
        };
        self.stop.cancel();
        worker.await.unwrap();
        said
    }

    async fn said(&self) -> Vec<String> {
        let rows = self
            .ground
            .state
            .waiting("sip:bot@example.com".into(), "news".into(), Vec::new(), 100)
            .await
            .unwrap();
        let text = |body: &str| serde_json::from_str::<Message>(body).unwrap().display_text();
        rows.iter().map(|row| text(&row.body)).collect()
    }

    async fn cursor(&self, lane: usize) -> Option<i64> {
        self.ground
            .state
            .cursor("bot".into(), format!("{ROOM}#{lane}"))
            .await
            .unwrap()
    }

    async fn quarantined(&self) -> u64 {
        self.ground.state.quarantined("bot".into()).await.unwrap()
    }
}

#[tokio::test]
async fn a_room_is_handled_in_order_and_its_cursor_is_stored_with_the_posts() {
    let mut stage = Stage::new().await;
    for id in 1..=20 {
        stage.say(0, id, &format!("message {id}"));
    }
    let expected: Vec<_> = (1..=20).map(|id| format!("message {id}")).collect();
    assert_eq!(stage.work(20).await, expected);
    assert_eq!(stage.cursor(0).await, Some(20));
    assert_eq!(stage.cursor(1).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_failing_message_holds_up_its_own_room_only_and_keeps_its_place() {
    let mut stage = Stage::new().await;
    for (id, text) in [(1, "twice"), (2, "after")] {
        stage.say(0, id, text);
    }
    stage.say(1, 1, "elsewhere");
    assert_eq!(stage.work(3).await, ["elsewhere", "twice", "after"]);
    assert_eq!(stage.cursor(0).await, Some(2));
    assert_eq!(stage.quarantined().await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_set_aside_with_its_reason_and_the_stream_goes_on() {
    let mut stage = Stage::new().await;
    for (id, text) in [
        (1, "panic"),
        (2, "hang"),
        (3, "reject"),
        (4, "tell"),
        (5, "after"),
    ] {
        stage.say(0, id, text);
    }
    assert_eq!(stage.work(2).await, ["not like that", "after"]);
    assert_eq!(stage.quarantined().await, 3);
    assert_eq!(stage.cursor(0).await, Some(5));
    let mut reasons = Vec::new();
    while reasons.len() < 3 {
        if let Some(HostEvent::Quarantined { reason, .. }) = stage.events.next().await {
            reasons.push(reason);
        }
    }
    assert_eq!(
        reasons,
        [
            "the handler panicked: as told",
            "the handler took longer than 30 s",
            "as told"
        ]
    );
}

#[tokio::test]
async fn a_bot_that_asks_to_stop_leaves_its_message_to_the_next_start() {
    let mut stage = Stage::new().await;
    for (id, text) in [(1, "before"), (2, "stop"), (3, "after")] {
        stage.say(0, id, text);
    }
    assert_eq!(stage.work(3).await, ["before"]);
    assert_eq!(stage.cursor(0).await, Some(1));
    assert!(stage.lanes[0].is_closed());
}

#[tokio::test(start_paused = true)]
async fn accepted_items_are_handled_in_order_and_leave_the_inbox() {
    let mut stage = Stage::new().await;
    stage.feed(&["one", "twice", "three"]).await;
    let said = stage.work(3).await;
    assert_eq!(said, ["one", "twice", "three"]);
    assert!(
        stage
            .ground
            .state
            .inbox_heads("bot".into(), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_message_that_was_handled_but_not_passed_by_its_cursor_is_not_posted_twice() {
    let mut stage = Stage::new().await;
    stage.say(0, 1, "same");
    stage.say(0, 1, "same");
    stage.say(0, 2, "next");
    assert_eq!(stage.work(2).await, ["same", "next"]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_is_woken_once_at_the_time_that_it_asked_for() {
    let mut stage = Stage::new().await;
    let start = Instant::now();
    stage.say(0, 1, "in an hour now");
    stage.say(0, 2, "before");
    assert_eq!(stage.work(2).await, ["before", "now"]);
    let hour = Duration::from_secs(3600);
    assert!(start.elapsed() >= hour && start.elapsed() < hour + Duration::from_secs(60));
    let values = stage.ground.state.values("bot".into()).await.unwrap();
    let names: Vec<_> = values.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["then"], "it is not woken again");
}

#[tokio::test(start_paused = true)]
async fn a_time_whose_handler_fails_for_good_is_set_aside_and_not_repeated() {
    let mut stage = Stage::new().await;
    stage.say(0, 1, "in an hour reject");
    stage.say(1, 1, "one");
    let worker = tokio::spawn(stage.worker.take().unwrap().run());
    while !matches!(stage.events.next().await, Some(HostEvent::Quarantined { .. })) {}
    stage.say(1, 2, "two");
    while stage.said().await.len() < 2 {
        tokio::task::yield_now().await;
    }
    stage.stop.cancel();
    worker.await.unwrap();
    assert_eq!(stage.said().await, ["one", "two"]);
    assert_eq!(stage.quarantined().await, 1);
}
