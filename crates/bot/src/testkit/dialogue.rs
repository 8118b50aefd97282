//! Dialogues that read as they are spoken.

use super::TestKit;
use crate::settings::Span;

impl TestKit {
    /// `who` says `text` in the first room; the answers come back as a reader sees them, wherever they were posted.
    ///
    /// ```text
    /// assert_eq!(kit.says("alice", "!weather Berlin").await, ["Berlin: 21 degrees"]);
    /// ```
    ///
    /// # Panics
    /// When there is no room, or the handler fails. Failures are tested with [`TestKit::message`] and
    /// [`TestKit::dialogue`].
    pub async fn says(&mut self, who: &str, text: &str) -> Vec<String> {
        let room = self.lobby();
        let before = self.posts.len();
        if let Err(error) = self.message(&room, who, text).await {
            panic!("what {who} said, {text:?}, was not handled: {error}");
        }
        self.answers(before).into_iter().map(|(_, text)| text).collect()
    }

    /// Plays a dialogue in the first room and compares what the bot says with what it should:
    ///
    /// ```text
    /// alice: !tea
    /// bot: Noted, alice.
    /// ... 6h30m
    /// bot in Kitchen: Tea for alice!
    /// alice: !list everything
    /// bot: The list:
    ///    | with a second line
    /// bob: !tea pot
    /// bot fails: set aside: no such tea
    /// ```
    ///
    /// `... 6h30m` lets time pass. Other rooms than the first are named. White space around lines does not count.
    ///
    /// # Panics
    /// When the dialogue goes otherwise, with both; when there is no room or a line is of no such form.
    pub async fn dialogue(&mut self, script: &str) {
        let lines: Vec<&str> = script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let mut heard = Vec::new();
        for line in lines.iter().filter(|line| !is_answer(line)) {
            heard.push((*line).to_owned());
            self.play(line, &mut heard).await;
        }
        let (expected, heard) = (lines.join("\n"), heard.join("\n"));
        assert!(
            heard == expected,
            "the dialogue went otherwise:\n\n{heard}\n\nexpected was:\n\n{expected}\n"
        );
    }

    async fn play(&mut self, line: &str, heard: &mut Vec<String>) {
        match self.speak(line).await {
            Ok(answers) => heard.extend(answers),
            Err(error) => panic!("{error}"),
        }
    }

    /// Plays one line of a dialogue that is not the bot's; what the bot says to it, as lines of the dialogue.
    ///
    /// # Errors
    /// [`NotSpoken`] when the line is of no such form.
    ///
    /// # Panics
    /// When there is no room.
    pub async fn speak(&mut self, line: &str) -> Result<Vec<String>, NotSpoken> {
        let room = self.lobby();
        let before = self.posts.len();
        let outcome = if let Some(span) = line.strip_prefix("...") {
            let span: Span = span
                .parse()
                .map_err(|error| NotSpoken(format!("`{line}`: {error}")))?;
            self.advance(span.duration()).await
        } else if let Some((who, text)) = line.split_once(": ") {
            let who = match who.starts_with("sip:") {
                true => who.to_owned(),
                false => format!("sip:{who}@example.com"),
            };
            if who.parse::<crate::SipUri>().is_err() {
                return Err(NotSpoken(format!("`{line}`: `{who}` is nobody's address")));
            }
            self.message(&room, &who, text).await
        } else {
            let forms = "write `alice: hello`, `bot: hello` or `... 15m`";
            return Err(NotSpoken(format!("`{line}` is not of a dialogue; {forms}")));
        };
        let mut heard = Vec::new();
        for (place, text) in self.answers(before) {
            let speaker = if place == room {
                "bot".to_owned()
            } else {
                format!("bot in {place}")
            };
            heard.push(format!("{speaker}: {}", text.trim().replace('\n', "\n| ")));
        }
        if let Err(error) = outcome {
            heard.push(format!("bot fails: {error}"));
        }
        Ok(heard)
    }

    /// The room that dialogues are in.
    fn lobby(&self) -> String {
        let first = self.setup.rooms().first();
        first
            .unwrap_or_else(|| panic!("the test has no room to speak in"))
            .to_string()
    }

    /// What was posted since there were `before` posts: taken out of the posts.
    fn answers(&mut self, before: usize) -> Vec<(String, String)> {
        let posts = self.posts.split_off(before);
        posts
            .into_iter()
            .map(|post| (post.room.to_string(), post.message.display_text()))
            .collect()
    }
}

/// A line that nobody says in a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotSpoken(String);

fn is_answer(line: &str) -> bool {
    ["bot: ", "bot in ", "bot fails: ", "|"]
        .iter()
        .any(|start| line.starts_with(start))
}
