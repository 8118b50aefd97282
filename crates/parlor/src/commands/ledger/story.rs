//! What became of one item, told as a list of steps and a sentence for each room.

use parlor_host::{LedgerEntry, LedgerStatus};

use super::{clock, mark, remarks};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WARNING, harmless, styled};

/// The lines about all items in `entries`, which belong together by item.
pub(crate) fn tell(entries: &[LedgerEntry]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in entries.chunk_by(|one, next| one.item == next.item) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(styled(STRONG, harmless(&item[0].item)));
        if let Some(link) = item.iter().find_map(|entry| entry.link.as_deref()) {
            lines.push(format!("  {}", styled(FAINT, harmless(link))));
        }
        lines.extend(item.iter().map(step));
        lines.extend(endings(item).into_iter().map(ending));
    }
    lines
}

fn step(entry: &LedgerEntry) -> String {
    let place = match &entry.room {
        Some(room) => format!("{} in {}", harmless(&entry.instance), harmless(room)),
        None => harmless(&entry.instance),
    };
    let text = format!(
        "  {}  {} {place}  {}",
        styled(FAINT, clock(entry.at)),
        mark(entry.status),
        remarks(entry)
    );
    text.trim_end().to_owned()
}

/// The last entry for each bot and room, of its posts there and of its removals. What a bot did before ended in these, and
/// what was sent to it once more ends nothing.
fn endings(item: &[LedgerEntry]) -> Vec<&LedgerEntry> {
    let is_repeat = |one: &LedgerEntry| {
        let came = |other: &LedgerEntry| other.status == LedgerStatus::Seen && other.instance == one.instance;
        one.status == LedgerStatus::Filtered
            && item.iter().any(|other| other.number < one.number && came(other))
    };
    let steps: Vec<&LedgerEntry> = item.iter().filter(|one| !is_repeat(one)).collect();
    let is_later = |one: &LedgerEntry, other: &LedgerEntry| {
        other.number > one.number
            && other.instance == one.instance
            && (other.room == one.room && is_of_removal(other) == is_of_removal(one)
                || is_on_its_way(other.status) && !is_on_its_way(one.status))
    };
    let is_last = |one: &&LedgerEntry| !steps.iter().any(|other| is_later(one, other));
    steps.iter().copied().filter(is_last).collect()
}

/// Whether an entry is about the removal of a message: it names the message from the first attempt on, while a post has a
/// number only when it is in its room.
fn is_of_removal(entry: &LedgerEntry) -> bool {
    match entry.status {
        LedgerStatus::Removing | LedgerStatus::Removed => true,
        LedgerStatus::Failed | LedgerStatus::Dead => entry.message.is_some(),
        _ => false,
    }
}

fn is_on_its_way(status: LedgerStatus) -> bool {
    matches!(
        status,
        LedgerStatus::Queued
            | LedgerStatus::Sent
            | LedgerStatus::Failed
            | LedgerStatus::Acknowledged
            | LedgerStatus::Removing
            | LedgerStatus::Removed
            | LedgerStatus::Dead
    )
}

fn ending(entry: &LedgerEntry) -> String {
    let room = harmless(entry.room.as_deref().unwrap_or("the room"));
    let reason = entry
        .detail
        .as_deref()
        .map(|detail| format!(": {}", harmless(detail)))
        .unwrap_or_default();
    let retry = format!("`parlor ledger retry {}` tries again", entry.number);
    let (style, text) = match entry.status {
        LedgerStatus::Removed => (GOOD, format!("the message is removed from {room}")),
        LedgerStatus::Removing => (WARNING, format!("it waits to be removed from {room}")),
        LedgerStatus::Failed if is_of_removal(entry) => {
            (WARNING, format!("it waits to be removed from {room}{reason}"))
        }
        LedgerStatus::Dead if is_of_removal(entry) => {
            (BAD, format!("it was not removed from {room}{reason}; {retry}"))
        }
        LedgerStatus::Acknowledged => (GOOD, arrived(&room, entry.message)),
        LedgerStatus::Queued | LedgerStatus::Sent => (WARNING, format!("it waits to appear in {room}")),
        LedgerStatus::Failed => (WARNING, format!("it waits to appear in {room}{reason}")),
        LedgerStatus::Dead => (BAD, format!("it was given up for {room}{reason}; {retry}")),
        LedgerStatus::Quarantined => (
            BAD,
            format!("{} could not handle it{reason}; {retry}", entry.instance),
        ),
        LedgerStatus::Filtered | LedgerStatus::Skipped => (WARNING, format!("it was not posted{reason}")),
        LedgerStatus::Missed => (BAD, format!("messages were missed in {room}{reason}")),
        LedgerStatus::Handled => (FAINT, "it was handled; nothing was to be posted".to_owned()),
        LedgerStatus::Retried => (WARNING, "it waits for another try".to_owned()),
        _ => (WARNING, format!("it waits for {}", entry.instance)),
    };
    format!("  {}", styled(style, text))
}

/// Where it is: in a room, with a person written to in private, or with the mail server.
fn arrived(room: &str, message: Option<i64>) -> String {
    match (message, room.split_once(':')) {
        (Some(id), _) => format!("it is in {room} as message {id}"),
        (None, Some(("sip", _))) => format!("it has reached {room}"),
        (None, Some(("mailto", address))) => format!("the mail server has taken it for {address}"),
        (None, _) => format!("it is in {room}"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use parlor_host::{LedgerEntry, LedgerStatus};

    use super::{arrived, ending, endings};

    fn entry(number: i64, room: Option<&str>, status: LedgerStatus) -> LedgerEntry {
        LedgerEntry {
            number,
            at: DateTime::UNIX_EPOCH,
            instance: "news".to_owned(),
            room: room.map(str::to_owned),
            item: "feed:f:1".to_owned(),
            status,
            message: None,
            link: None,
            detail: None,
        }
    }

    #[test]
    fn each_room_has_its_own_ending_and_what_led_there_is_none() {
        let item = [
            entry(1, None, LedgerStatus::Seen),
            entry(2, None, LedgerStatus::Handled),
            entry(3, Some("A"), LedgerStatus::Queued),
            entry(4, Some("B"), LedgerStatus::Queued),
            entry(5, Some("A"), LedgerStatus::Acknowledged),
        ];
        let ended: Vec<_> = endings(&item).into_iter().map(|entry| entry.number).collect();
        assert_eq!(ended, [4, 5]);
        let ended: Vec<_> = endings(&item[..2])
            .into_iter()
            .map(|entry| entry.number)
            .collect();
        assert_eq!(ended, [2]);
    }

    #[test]
    fn rooms_people_and_mail_arrive_in_words_of_their_own() {
        assert_eq!(arrived("News", Some(7)), "it is in News as message 7");
        assert_eq!(
            arrived("sip:bob@example.com", None),
            "it has reached sip:bob@example.com"
        );
        assert_eq!(
            arrived("mailto:ann@example.com", None),
            "the mail server has taken it for ann@example.com"
        );
    }

    #[test]
    fn what_came_once_more_ends_nothing() {
        let item = [
            entry(1, None, LedgerStatus::Seen),
            entry(2, None, LedgerStatus::Filtered),
            entry(3, None, LedgerStatus::Handled),
            entry(4, Some("A"), LedgerStatus::Acknowledged),
            entry(5, None, LedgerStatus::Filtered),
        ];
        let ended: Vec<_> = endings(&item).into_iter().map(|entry| entry.number).collect();
        assert_eq!(ended, [4]);
        let ended: Vec<_> = endings(&item[..2])
            .into_iter()
            .map(|entry| entry.number)
            .collect();
        assert_eq!(ended, [1]);
        let ended: Vec<_> = endings(&item[1..2])
            .into_iter()
            .map(|entry| entry.number)
            .collect();
        assert_eq!(ended, [2], "one that was passed over at once");
    }

    #[test]
    fn a_post_and_a_removal_in_one_room_end_apart() {
        let removing = |number, status| LedgerEntry {
            message: Some(7),
            ..entry(number, Some("A"), status)
        };
        let item = [
            entry(1, Some("A"), LedgerStatus::Handled),
            entry(2, Some("A"), LedgerStatus::Queued),
            entry(3, Some("A"), LedgerStatus::Removing),
            removing(4, LedgerStatus::Failed),
            entry(5, Some("A"), LedgerStatus::Acknowledged),
            removing(6, LedgerStatus::Removed),
        ];
        let ended = |item: &[LedgerEntry]| {
            endings(item)
                .into_iter()
                .map(|entry| entry.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(ended(&item), [5, 6]);
        assert_eq!(ended(&item[..5]), [4, 5]);
        assert_eq!(ended(&item[..3]), [2, 3]);
        assert!(ending(&item[3]).contains("it waits to be removed from A"));
        assert!(ending(&item[5]).contains("the message is removed from A"));
    }
}
