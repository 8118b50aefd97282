//! Which questions were answered where a moment ago.

use std::collections::BTreeMap;

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;

/// The most that is remembered; the oldest goes first. It is forgotten anyway when the cooldown is over.
const MAX_RESTING: usize = 500;

/// Times of answers, by room and number of the question.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Resting(BTreeMap<String, DateTime<Utc>>);

impl Remembered for Resting {
    const KEY: &'static str = "resting";
}

impl Resting {
    pub(crate) fn holds(&self, room: &Room, number: u32, cooldown: Span, now: DateTime<Utc>) -> bool {
        let answered = self.0.get(&key(room, number));
        answered.is_some_and(|answered| now < *answered + cooldown.delta())
    }

    pub(crate) fn add(&mut self, room: &Room, number: u32, cooldown: Span, now: DateTime<Utc>) {
        self.0.retain(|_, answered| now < *answered + cooldown.delta());
        if self.0.len() >= MAX_RESTING {
            let oldest = self.0.iter().min_by_key(|(_, answered)| **answered);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&oldest);
            }
        }
        if !cooldown.duration().is_zero() {
            self.0.insert(key(room, number), now);
        }
    }
}

fn key(room: &Room, number: u32) -> String {
    format!("{number}/{room}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_rests_is_bounded_and_forgotten_in_time() {
        let (room, cooldown) = (Room::new("Help"), Span(Duration::from_secs(3600)));
        let start = DateTime::UNIX_EPOCH;
        let mut resting = Resting::default();
        for second in 0..501 {
            let now = start + Span(Duration::from_secs(second)).delta();
            resting.add(&room, u32::try_from(second).unwrap(), cooldown, now);
        }
        let now = start + Span(Duration::from_secs(501)).delta();
        assert_eq!(resting.0.len(), 500);
        assert!(!resting.holds(&room, 0, cooldown, now) && resting.holds(&room, 1, cooldown, now));
        resting.add(&room, 7, cooldown, now + cooldown.delta());
        assert_eq!(resting.0.len(), 1);
    }
}
