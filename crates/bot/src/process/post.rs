//! A post on a line: what it says, and where it goes.

use serde::{Deserialize, Serialize};

use crate::{BotError, Context, Emoticon, Message, MessagePart, QueuedPost, QueuedPrivate, RoomUri, SipUri};

/// Something to be posted. With a `room` it goes there, with `to` to that person alone, with neither it answers where
/// the event comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// One of the instance's rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// A person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<SipUri>,
    /// Makes it a story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it says, when that is nothing but text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it says, behind `text` if there is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Whether it is an alert; a story is one unless this says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<bool>,
}

/// A part of a post, in the form in which the parts of messages come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text(String),
    /// A link; see [`Message::link`] for targets that clients would not follow.
    Hyperlink {
        /// What is shown; the target when there is none.
        #[serde(default)]
        text: String,
        /// Where it leads.
        target: String,
    },
    /// A link to a room.
    RoomLink {
        /// What is shown.
        name: String,
        /// The room.
        room: RoomUri,
    },
    /// An emoticon.
    Emoticon(Emoticon),
}

impl Post {
    /// Asks for it.
    ///
    /// # Errors
    /// As [`Context::post`] and [`Context::write_to`]; also when it has a room and a person.
    pub fn ask(self, context: &mut Context) -> Result<(), BotError> {
        let message = self.message();
        match (self.room, self.to) {
            (Some(room), None) => context.post(room, message),
            (None, Some(person)) => context.write_to(&person, message),
            (None, None) => context.reply(message),
            (Some(_), Some(_)) => Err(BotError::reject("a post has both `room` and `to`")),
        }
    }

    /// What it says.
    pub fn message(&self) -> Message {
        let mut message = self.title.as_ref().map_or_else(Message::default, Message::story);
        if let Some(text) = &self.text {
            message = message.then(text);
        }
        for part in &self.parts {
            message = match part {
                Part::Text(text) => message.then(text),
                Part::Hyperlink { text, target } => message.link(text, target),
                Part::RoomLink { name, room } => message.room_link(name, room),
                Part::Emoticon(emoticon) => message.emoticon(*emoticon),
            };
        }
        match self.alert {
            Some(alert) => message.with_alert(alert),
            None => message,
        }
    }
}

impl From<&Message> for Post {
    fn from(message: &Message) -> Self {
        let (mut title, mut parts) = (None, Vec::new());
        for part in message.parts() {
            parts.push(match part {
                MessagePart::StoryTitle(text) => {
                    title = Some(text.clone());
                    continue;
                }
                MessagePart::Text(text) => Part::Text(text.clone()),
                MessagePart::Hyperlink { text, target } => Part::Hyperlink {
                    text: text.clone(),
                    target: target.as_str().to_owned(),
                },
                MessagePart::RoomLink { name, room } => Part::RoomLink {
                    name: name.clone(),
                    room: room.clone(),
                },
                MessagePart::Emoticon(emoticon) => Part::Emoticon(*emoticon),
                // Parts that only come in.
                other => Part::Text(other.display_text().into_owned()),
            });
        }
        // The one part of most posts reads better by itself.
        let text = match &mut parts[..] {
            [Part::Text(text)] => Some(std::mem::take(text)),
            _ => None,
        };
        if text.is_some() {
            parts.clear();
        }
        Self {
            room: None,
            to: None,
            title,
            text,
            parts,
            alert: Some(message.is_alert()),
        }
    }
}

impl From<QueuedPost> for Post {
    fn from(post: QueuedPost) -> Self {
        Self {
            room: Some(post.room.to_string()),
            ..Self::from(&post.message)
        }
    }
}

impl From<QueuedPrivate> for Post {
    fn from(answer: QueuedPrivate) -> Self {
        Self {
            to: Some(answer.to),
            ..Self::from(&answer.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(post: serde_json::Value) -> Message {
        serde_json::from_value::<Post>(post).unwrap().message()
    }

    #[test]
    fn every_message_comes_through_as_it_was() {
        let room: RoomUri = "ma-chan://example.com/11111111-1111-4111-8111-111111111111"
            .parse()
            .unwrap();
        let all = Message::text("See ")
            .link("log", "https://ci.example.com/42")
            .then(" in ")
            .room_link("News", &room)
            .emoticon(Emoticon::EVERY[0]);
        for message in [
            Message::text("plain"),
            Message::text("two\nlines").alert(),
            all,
            Message::story("Title")
                .then("body")
                .link("", "https://example.com/"),
            Message::story("Quiet").then("body").with_alert(false),
            Message::story("Only a title"),
        ] {
            let line = serde_json::to_string(&Post::from(&message)).unwrap();
            let back: Post = serde_json::from_str(&line).unwrap();
            assert_eq!(back.message(), message, "{line}");
        }
    }

    #[test]
    fn people_write_what_they_mean() {
        assert_eq!(read(json!({ "text": "hi" })), Message::text("hi"));
        assert!(read(json!({ "title": "Tea", "text": "now" })).is_alert());
        let linked =
            json!({ "text": "See ", "parts": [{ "hyperlink": { "target": "https://example.com/" } }] });
        assert_eq!(
            read(linked),
            Message::text("See ").link("", "https://example.com/")
        );
        let script = json!({ "parts": [{ "hyperlink": { "text": "x", "target": "javascript:alert(1)" } }] });
        assert_eq!(read(script).display_text(), "x (javascript:alert(1))");
        assert!(serde_json::from_value::<Post>(json!({ "txt": "hi" })).is_err());
    }
}
