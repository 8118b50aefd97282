//! What a busy room costs: `cargo bench -p parlor-bot`.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use divan::Bencher;
use divan::counter::ItemsCount;
use parlor_bot::Template;
use parlor_bot::schedule::Schedule;
use parlor_bot::words::WordSet;

fn main() {
    divan::main();
}

/// Messages of about 150 bytes, none of which holds a keyword.
fn messages() -> Vec<String> {
    (0..100)
        .map(|n| {
            format!(
                "Message {n}: the deployment of the ordinary service went as it was planned, and nobody \
                 had to be woken; Straße and façade are here for their letters."
            )
        })
        .collect()
}

/// A word of syllables that the messages are full of too, so that many a word begins in them and none is whole.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "de", "plo", "ment", "the", "or", "di", "na", "ry", "ser", "vice", "went", "as", "pla", "ned", "no",
        "bo",
    ];
    (0..6)
        .map(|place| SYLLABLES[(number >> (4 * place)) & 15])
        .chain(["x"])
        .collect()
}

#[divan::bench(args = [100, 10_000, 100_000])]
fn message_against_keywords(bencher: Bencher<'_, '_>, count: usize) {
    let set = WordSet::new((0..count).map(word).collect()).unwrap();
    let messages = messages();
    bencher.counter(ItemsCount::new(messages.len())).bench(|| {
        messages
            .iter()
            .filter(|message| set.first(message).is_some())
            .count()
    });
}

#[divan::bench(args = ["30 8 * * MON-FRI", "*/10 * * * *", "0 9 13 * FRI"])]
fn next_time(bencher: Bencher<'_, '_>, cron: &str) {
    let schedule = Schedule::new(cron.parse().unwrap(), "Europe/Berlin".parse().unwrap());
    let now = "2026-03-27T12:00:00Z".parse().unwrap();
    bencher.bench(|| schedule.next(divan::black_box(now)));
}

#[divan::bench]
fn rendered_template(bencher: Bencher<'_, '_>) {
    let template: Template = "{{ title }}{% if summary %}\n{{ summary|short(100) }}{% endif %}"
        .parse()
        .unwrap();
    let variables = serde_json::json!({"title": "A title", "summary": "words ".repeat(60)});
    bencher.bench(|| template.render(&variables).unwrap());
}
