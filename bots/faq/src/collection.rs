//! The questions and answers that were collected.

use parlor_bot::prelude::*;

use crate::likeness::{Asked, words};

/// The most questions. As many as anybody keeps in order, and with the longest answers, each of whose characters takes
/// two bytes as JSON, about 800 KB: less than an instance may remember, [`parlor_bot::MAX_STATE_BYTES`].
pub(crate) const MAX_QUESTIONS: usize = 300;

/// The longest question, in bytes: a sentence or two.
pub(crate) const MAX_QUESTION: usize = 300;

/// The longest answer, in bytes. Whoever has more to say puts it on a page and its address here.
pub(crate) const MAX_ANSWER: usize = 1000;

/// All questions, in the order in which they were added.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Collection {
    /// The last number that was given; numbers do not come back when questions go.
    last: u32,
    entries: Vec<Entry>,
}

impl Remembered for Collection {
    const KEY: &'static str = "collection";
}

/// One question with its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) number: u32,
    pub(crate) question: String,
    pub(crate) answer: String,
}

/// What adding led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Added {
    New(u32),
    Changed(u32),
}

impl Collection {
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds a question, or changes the answer to one of the same words.
    pub(crate) fn add(&mut self, question: &str, answer: &str) -> Result<Added, String> {
        let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
        // Others have no place in a text, and would take six bytes each.
        let answer: String = answer.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        let answer = answer.trim();
        if words(&question).next().is_none() {
            return Err("a question needs at least one word".to_owned());
        }
        if answer.is_empty() {
            return Err("the answer is empty".to_owned());
        }
        for (what, text, limit) in [
            ("question", &*question, MAX_QUESTION),
            ("answer", answer, MAX_ANSWER),
        ] {
            if text.len() > limit {
                return Err(format!(
                    "the {what} has {} bytes; the limit is {limit}",
                    text.len()
                ));
            }
        }
        let known = self
            .entries
            .iter_mut()
            .find(|entry| words(&entry.question).eq(words(&question)));
        if let Some(entry) = known {
            entry.question = question;
            answer.clone_into(&mut entry.answer);
            return Ok(Added::Changed(entry.number));
        }
        if self.entries.len() == MAX_QUESTIONS {
            return Err(format!(
                "there are {MAX_QUESTIONS} questions already; remove one first"
            ));
        }
        self.last += 1;
        self.entries.push(Entry {
            number: self.last,
            question,
            answer: answer.to_owned(),
        });
        Ok(Added::New(self.last))
    }

    /// The question with this number, or of these words.
    pub(crate) fn find(&self, which: &str) -> Option<&Entry> {
        let number: Option<u32> = which.trim().parse().ok();
        self.entries.iter().find(|entry| match number {
            Some(number) => entry.number == number,
            None => words(&entry.question).eq(words(which)),
        })
    }

    pub(crate) fn remove(&mut self, number: u32) {
        self.entries.retain(|entry| entry.number != number);
    }

    /// The known question that is most like `text`, the earlier one of two, when it is so by `percent` at least.
    pub(crate) fn asked(&self, text: &str, percent: usize) -> Option<&Entry> {
        let asked = Asked::new(text);
        let like = self
            .entries
            .iter()
            .map(|entry| (asked.percent_like(&entry.question), entry));
        let like = like.filter(|(like, _)| *like >= percent);
        like.max_by_key(|(like, entry)| (*like, std::cmp::Reverse(entry.number)))
            .map(|(_, entry)| entry)
    }
}
