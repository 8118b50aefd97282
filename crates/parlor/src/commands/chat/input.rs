//! What a person types in `parlor chat`: a post, or a command after a slash.

use parlor_xccos::SipUri;

use super::BACKCHAT;

pub(super) const HELP: &str = "\
Type a line to post it to the current room.
  /rooms [TEXT]      rooms you can see
  /join ROOM         enter a room, or make one you are in the current one
  /leave             leave the current room
  /who               who is here
  /history [N]       the last posts
  /alert TEXT        post with high priority
  /story TITLE | TEXT
                     post a story
  /msg USER TEXT     write to one person: /msg bob@example.com hello
  /quit              sign out; so does Ctrl-C or Ctrl-D";

/// What the person typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input<'l> {
    Post(&'l str),
    Alert(&'l str),
    Story { title: &'l str, body: &'l str },
    Rooms(&'l str),
    Join(&'l str),
    Leave,
    Who,
    History(u32),
    Private { to: SipUri, text: &'l str },
    Help,
    Quit,
    Nothing,
    Unknown(&'l str),
}

impl<'l> Input<'l> {
    pub(super) fn parse(line: &'l str) -> Self {
        let line = line.trim();
        if line.is_empty() {
            return Self::Nothing;
        }
        // A second slash posts a line that begins with one.
        if let Some(text) = line.strip_prefix("//") {
            return Self::Post(&line[line.len() - text.len() - 1..]);
        }
        let Some(command) = line.strip_prefix('/') else {
            return Self::Post(line);
        };
        let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        match word {
            "rooms" => Self::Rooms(rest),
            "join" if !rest.is_empty() => Self::Join(rest),
            "leave" | "part" => Self::Leave,
            "who" => Self::Who,
            "history" => rest.parse().map_or(Self::History(BACKCHAT), Self::History),
            "alert" if !rest.is_empty() => Self::Alert(rest),
            "story" => match rest.split_once('|') {
                Some((title, body)) => Self::Story {
                    title: title.trim(),
                    body: body.trim(),
                },
                None => Self::Unknown(line),
            },
            "msg" => Self::private(rest).unwrap_or(Self::Unknown(line)),
            "help" | "?" => Self::Help,
            "quit" | "exit" | "q" => Self::Quit,
            _ => Self::Unknown(line),
        }
    }

    /// An address, with or without `sip:`, and a text.
    fn private(rest: &'l str) -> Option<Self> {
        let (user, text) = rest.split_once(char::is_whitespace)?;
        let to = format!("sip:{}", user.strip_prefix("sip:").unwrap_or(user));
        Some(Self::Private {
            to: to.parse().ok()?,
            text: text.trim(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_post_unless_it_starts_with_one_slash() {
        assert_eq!(Input::parse(" hello "), Input::Post("hello"));
        assert_eq!(Input::parse("//etc/hosts"), Input::Post("/etc/hosts"));
        assert_eq!(Input::parse("/join News and more"), Input::Join("News and more"));
        assert_eq!(Input::parse("/join"), Input::Unknown("/join"));
        assert_eq!(Input::parse("/history 5"), Input::History(5));
        assert_eq!(Input::parse("/history"), Input::History(BACKCHAT));
        assert_eq!(
            Input::parse("/story A | b | c"),
            Input::Story {
                title: "A",
                body: "b | c"
            }
        );
        let to: SipUri = "sip:bob@example.com".parse().expect("an address");
        let text = "how are you?";
        for line in [
            "/msg bob@example.com how are you?",
            "/msg sip:bob@example.com  how are you?",
        ] {
            assert_eq!(Input::parse(line), Input::Private { to: to.clone(), text });
        }
        assert_eq!(Input::parse("/msg bob"), Input::Unknown("/msg bob"));
        assert_eq!(Input::parse("/msg bob hi"), Input::Unknown("/msg bob hi"));
        assert_eq!(Input::parse("/dance"), Input::Unknown("/dance"));
        assert_eq!(Input::parse("   "), Input::Nothing);
    }
}
