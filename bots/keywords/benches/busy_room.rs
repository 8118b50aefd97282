//! What a busy room costs an instance with 10,000 keywords: `cargo bench -p parlor-bot-keywords --bench busy_room`.
//!
//! Each message goes the way that it goes in a host: a context, the blueprint's routing, the rules' search, an answer among
//! the effects. Instances with and without keywords take turns, so that what else the machine does meets them alike.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail, and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use parlor_bot::prelude::*;
use parlor_bot::testkit::TestKit;
use parlor_bot::{BotKind, DynBot, SipUri, State};
use parlor_bot_keywords::Keywords;
use serde_json::{Value, json};

const SEED: u64 = 10_000;
const KEYWORDS: usize = 10_000;
const MESSAGES: usize = 5_000;
const BATCH: usize = 20;
const ROUNDS: usize = 20;
/// One message in so many holds a keyword.
const HIT_EVERY: usize = 33;
const HITS: usize = MESSAGES.div_ceil(HIT_EVERY);
const ROOM: &str = "Help";

/// Words of chats and keywords are made of the same syllables, so that many a keyword begins in a message.
const SYLLABLES: [&str; 24] = [
    "de", "ploy", "ment", "the", "or", "di", "na", "ry", "ser", "vice", "went", "as", "pla", "ned", "no",
    "bo", "ü", "ber", "mor", "gen", "re", "lease", "to", "day",
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut random = Rng::with_seed(SEED);
    let keywords: Vec<String> = (0..KEYWORDS).map(|n| keyword(&mut random, n)).collect();
    let events = messages(&mut random, &keywords).await;
    let mut instances = [
        Instance::new("none", &[], 1, 0),
        Instance::new("in one rule", &keywords, 1, HITS),
        Instance::new("in 10,000 rules", &keywords, KEYWORDS, HITS),
    ];
    for _ in 0..ROUNDS {
        for instance in &mut instances {
            instance.hear(&events).await;
        }
    }
    println!(
        "{:25} {:>8} {:>8} {:>10}",
        "µs per message", "median", "99 %", "processor"
    );
    for instance in instances {
        instance.print();
    }
}

struct Instance {
    name: &'static str,
    bot: Box<dyn DynBot>,
    setup: Arc<Setup>,
    state: Arc<State>,
    /// How many messages of a round it is to answer.
    hits: usize,
    /// For each batch of messages how long it took, round after round.
    batches: Vec<Vec<Duration>>,
    processor: Duration,
}

impl Instance {
    fn new(name: &'static str, keywords: &[String], rules: usize, hits: usize) -> Self {
        let me: SipUri = "sip:bot@example.com".parse().unwrap();
        let setup = Setup::new("busy", me).with_rooms([Room::new(ROOM)]);
        let rules: Vec<Value> = keywords
            .chunks(KEYWORDS / rules)
            .enumerate()
            .map(|(n, words)| json!({"name": format!("rule {n}"), "words": words, "reply": "{{ author }}: {{ matched }}?"}))
            .collect();
        let bot = BotKind::of::<Keywords>().build(&json!({ "rules": rules }), &setup);
        Self {
            name,
            bot: bot.unwrap(),
            setup: Arc::new(setup),
            state: Arc::default(),
            hits,
            batches: vec![Vec::new(); MESSAGES.div_ceil(BATCH)],
            processor: Duration::ZERO,
        }
    }

    /// One round: all messages, each batch timed.
    async fn hear(&mut self, events: &[Event]) {
        let (mut answered, used) = (0, processor());
        for (at, batch) in events.chunks(BATCH).enumerate() {
            let begun = Instant::now();
            for event in batch {
                answered += self.answers(event).await;
            }
            self.batches[at].push(begun.elapsed());
        }
        self.processor += processor() - used;
        assert_eq!(
            answered, self.hits,
            "messages answered with keywords {}",
            self.name
        );
    }

    async fn answers(&mut self, event: &Event) -> usize {
        let Event::Message(message) = event else { return 0 };
        let (setup, state) = (Arc::clone(&self.setup), Arc::clone(&self.state));
        let mut context = Context::new(message.sent, setup, state, event);
        self.bot.handle(event, &mut context).await.unwrap();
        context.into_effects().posts.len()
    }

    /// A batch counts with its median, since a round in which others had the processor tells nothing about the bot.
    fn print(self) {
        let median = |mut times: Vec<Duration>| {
            times.sort_unstable();
            times[ROUNDS / 2]
        };
        let mut batches: Vec<Duration> = self.batches.into_iter().map(median).collect();
        batches.sort_unstable();
        let micros = |time: Duration, messages: usize| time.as_secs_f64() * 1e6 / messages as f64;
        println!(
            "{:25} {:8.2} {:8.2} {:10.2}",
            format!("keywords: {}", self.name),
            micros(batches[batches.len() / 2], BATCH),
            micros(batches[batches.len() * 99 / 100], BATCH),
            micros(self.processor, ROUNDS * MESSAGES)
        );
    }
}

/// What is said in the room: mostly lines, some paragraphs, a few stories, of which a few hold a keyword.
async fn messages(random: &mut Rng, keywords: &[String]) -> Vec<Event> {
    let mut kit = TestKit::of::<Keywords>(json!({"rules": []}))
        .rooms([ROOM])
        .start()
        .await
        .unwrap();
    let (mut events, mut bytes) = (Vec::new(), Vec::new());
    for n in 0..MESSAGES {
        let length = match random.u8(..100) {
            0..85 => random.usize(2..25),
            85..97 => random.usize(25..80),
            _ => random.usize(150..400),
        };
        let mut words: Vec<String> = (0..length).map(|_| word(random, 1..4)).collect();
        if n % HIT_EVERY == 0 {
            words.insert(
                random.usize(..=length),
                random.choice(keywords).unwrap().to_uppercase(),
            );
        }
        let author = format!("user{}", random.u8(..));
        let mut message = kit.incoming(ROOM, &author, &words.join(" "));
        message.title = (length >= 150).then(|| word(random, 1..4));
        bytes.push(message.text.len());
        events.push(Event::Message(message));
    }
    bytes.sort_unstable();
    println!(
        "{MESSAGES} messages, {} of them with one of {KEYWORDS} keywords; {} bytes in the middle, {} on average, {} at most",
        HITS,
        bytes[MESSAGES / 2],
        bytes.iter().sum::<usize>() / MESSAGES,
        bytes[MESSAGES - 1]
    );
    events
}

/// A word that no message has by chance: those have fewer syllables. Each fourth is a phrase that begins with an ordinary one.
fn keyword(random: &mut Rng, n: usize) -> String {
    let rare = word(random, 4..7);
    if n.is_multiple_of(4) {
        format!("{} {rare}x", word(random, 1..4))
    } else {
        format!("{rare}x")
    }
}

fn word(random: &mut Rng, syllables: std::ops::Range<usize>) -> String {
    let count = random.usize(syllables);
    (0..count).map(|_| random.choice(SYLLABLES).unwrap()).collect()
}

/// Processor time used by this thread; unlike a batch's time it leaves out what others on the machine took.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
