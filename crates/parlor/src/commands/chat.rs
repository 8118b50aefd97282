//! `parlor chat`: talking in rooms from a terminal, line by line, through the SDK like any other program.

mod input;
mod sign_in;

use std::collections::BTreeMap;

use parlor_client::{
    ChatSettings, EndpointState, Message, PersistentChatEndpoint, PrivateMessage, PrivateMessages,
    RoomClosed, RoomEvent, RoomEvents, RoomSession, UserEndpoint,
};
use parlor_xccos::{Post, RoomUri, SipUri};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::sync::mpsc;

use super::posts;
use crate::cli::ChatArgs;
use crate::config::Settings;
use crate::failure::{Failure, chain};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WARNING, harmless, line, remark, styled};

use input::{HELP, Input};

/// Events of all rooms that wait to be printed; a terminal is fast enough, a stopped one holds back the rooms.
const EVENTS: usize = 256;
/// Earlier posts shown on entering a room.
const BACKCHAT: u32 = 10;

/// A room the person is in, and the name to show.
struct Joined {
    name: String,
    session: RoomSession,
}

struct Chat {
    endpoint: UserEndpoint,
    chat: PersistentChatEndpoint,
    rooms: BTreeMap<RoomUri, Joined>,
    current: Option<RoomUri>,
    events: mpsc::Sender<(RoomUri, RoomEvent)>,
}

pub(crate) async fn run(settings: &Settings, arguments: ChatArgs) -> Result<(), Failure> {
    let (endpoint, private) = sign_in::sign_in(settings, &arguments).await?;
    let chat_uri = settings.host.as_ref().and_then(|host| host.chat_uri.clone());
    let chat = PersistentChatEndpoint::establish(
        &endpoint,
        ChatSettings {
            uri: chat_uri,
            lookup: false,
        },
    )
    .await
    .map_err(|error| Failure::caused("cannot open the chat session", &error))?;
    remark(format_args!(
        "{} as {}; /help lists commands",
        styled(GOOD, "signed in"),
        styled(STRONG, endpoint.owner())
    ));
    let (events, mut incoming) = mpsc::channel(EVENTS);
    let mut state = Chat {
        endpoint: endpoint.clone(),
        chat,
        rooms: BTreeMap::new(),
        current: None,
        events,
    };
    if arguments.rooms.is_empty() {
        state.list("").await;
    }
    for room in &arguments.rooms {
        state.join(room).await;
    }
    let result = converse(&mut state, private, &mut incoming).await;
    endpoint.drain().await;
    endpoint.terminate().await;
    result
}

async fn converse(
    state: &mut Chat,
    mut private: PrivateMessages,
    incoming: &mut mpsc::Receiver<(RoomUri, RoomEvent)>,
) -> Result<(), Failure> {
    let mut input: Lines<BufReader<Stdin>> = BufReader::new(tokio::io::stdin()).lines();
    let mut states = state.endpoint.states();
    let mut lost = false;
    loop {
        tokio::select! {
            typed = input.next_line() => {
                let typed = typed.map_err(|error| Failure::caused("cannot read standard input", &error))?;
                let Some(typed) = typed else {
                    return state.settle(incoming).await;
                };
                if state.obey(Input::parse(&typed)).await {
                    return Ok(());
                }
            }
            Some((room, event)) = incoming.recv() => state.show(&room, event),
            Some(message) = private.next() => hear(message),
            changed = states.changed() => {
                let status = states.borrow_and_update().clone();
                match status.state {
                    EndpointState::Recovering => {
                        lost = true;
                        let cause = status.cause.map(|cause| format!(": {}", chain(&*cause))).unwrap_or_default();
                        remark(styled(WARNING, format_args!("connection lost{cause}; trying again")));
                    }
                    EndpointState::Established if lost => {
                        lost = false;
                        remark(styled(GOOD, "connected again"));
                    }
                    EndpointState::Terminated => {
                        let cause = status.cause.map(|cause| format!(": {}", chain(&*cause))).unwrap_or_default();
                        return Err(Failure::new(format!("signed out{cause}")));
                    }
                    _ if changed.is_err() => return Err(Failure::new("the endpoint has ended")),
                    _ => {}
                }
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

impl Chat {
    /// Does what was typed; true to end.
    async fn obey(&mut self, input: Input<'_>) -> bool {
        match input {
            Input::Post(text) => self.post(Message::text(text)).await,
            Input::Alert(text) => self.post(Message::alert(text)).await,
            Input::Story { title, body } => self.post(Message::story(title, body)).await,
            Input::Rooms(text) => self.list(text).await,
            Input::Join(room) => self.join(room).await,
            Input::Leave => self.leave().await,
            Input::Who => self.who(),
            Input::History(count) => self.history(count).await,
            Input::Private { to, text } => self.whisper(&to, text).await,
            Input::Help => line(HELP),
            Input::Quit => return true,
            Input::Nothing => {}
            Input::Unknown(text) => remark(format_args!("`{text}` is not a command; /help lists them")),
        }
        false
    }

    /// When standard input ends (a script piped in), shows what has come in and stops.
    async fn settle(&mut self, incoming: &mut mpsc::Receiver<(RoomUri, RoomEvent)>) -> Result<(), Failure> {
        while let Ok((room, event)) = incoming.try_recv() {
            self.show(&room, event);
        }
        Ok(())
    }

    fn current(&self) -> Option<&Joined> {
        self.current.as_ref().and_then(|uri| self.rooms.get(uri))
    }

    async fn post(&self, message: Message) {
        let Some(room) = self.current() else {
            return remark("you are in no room; /join ROOM");
        };
        let session = room.session.clone();
        if let Err(error) = session.post(message).await {
            remark(format_args!("{} {}", styled(BAD, "not posted:"), chain(&error)));
        }
    }

    async fn whisper(&self, to: &SipUri, text: &str) {
        match self.endpoint.send_private(to, text).await {
            Ok(()) => line(format_args!(
                "{} {text}",
                styled(FAINT, format_args!("[to {to}]"))
            )),
            Err(error) => remark(format_args!(
                "{} {}",
                styled(BAD, "not delivered:"),
                chain(&error)
            )),
        }
    }

    async fn list(&self, text: &str) {
        match self.chat.browse(text).await {
            Ok(rooms) if rooms.is_empty() => remark("no rooms"),
            Ok(rooms) => {
                for room in rooms {
                    let here = room
                        .participants
                        .map(|count| format!("{count} here"))
                        .unwrap_or_default();
                    line(format_args!(
                        "  {}  {}  {}",
                        styled(STRONG, &room.name),
                        styled(FAINT, here),
                        room.description
                    ));
                }
            }
            Err(error) => remark(format_args!("cannot list rooms: {}", chain(&error))),
        }
    }

    async fn join(&mut self, name: &str) {
        if let Some(uri) = self
            .rooms
            .iter()
            .find(|(_, room)| room.name.eq_ignore_ascii_case(name))
            .map(|(uri, _)| uri.clone())
        {
            self.current = Some(uri);
            return remark(format_args!("now in {name}"));
        }
        let (session, events, recent) = match self.chat.join_with_recent(name, BACKCHAT).await {
            Ok(joined) => joined,
            Err(error) => return remark(format_args!("{} {}", styled(BAD, "cannot join:"), chain(&error))),
        };
        let (uri, info) = (session.uri().clone(), session.info());
        let here = session.participants().len();
        remark(format_args!(
            "{} {}, {here} here",
            styled(GOOD, "joined"),
            styled(STRONG, &info.name)
        ));
        match recent {
            Some(posts) => posts.iter().for_each(|post| print_post(None, post)),
            None => remark("the room does not show its earlier posts"),
        }
        tokio::spawn(forward(uri.clone(), events, self.events.clone()));
        self.rooms.insert(
            uri.clone(),
            Joined {
                name: info.name,
                session,
            },
        );
        self.current = Some(uri);
    }

    async fn leave(&mut self) {
        let Some(room) = self.current.take().and_then(|uri| self.rooms.remove(&uri)) else {
            return remark("you are in no room");
        };
        match room.session.leave().await {
            Ok(()) => remark(format_args!("left {}", room.name)),
            Err(error) => remark(format_args!("left {}: {}", room.name, chain(&error))),
        }
        self.current = self.rooms.keys().next().cloned();
    }

    fn who(&self) {
        let Some(room) = self.current() else {
            return remark("you are in no room");
        };
        for person in room.session.participants() {
            let name = if person.display.is_empty() {
                person.user.user()
            } else {
                &person.display
            };
            line(format_args!("  {name}  {}", styled(FAINT, &person.user)));
        }
    }

    async fn history(&self, count: u32) {
        let Some(room) = self.current() else {
            return remark("you are in no room");
        };
        match room.session.recent_history(count).await {
            Ok(posts) => posts.iter().for_each(|post| print_post(None, post)),
            Err(error) => remark(format_args!("no history: {}", chain(&error))),
        }
    }

    fn show(&mut self, uri: &RoomUri, event: RoomEvent) {
        let name = self
            .rooms
            .get(uri)
            .map_or_else(|| uri.to_string(), |room| room.name.clone());
        // The room's name is noise while only one is joined.
        let label = (self.rooms.len() > 1).then_some(name.as_str());
        match event {
            RoomEvent::Post(post) => print_post(label, &post),
            RoomEvent::Joined(person) => presence(&name, &person.user, "came in"),
            RoomEvent::Parted(user) => presence(&name, &user, "left"),
            RoomEvent::Changed(info) => {
                if let Some(room) = self.rooms.get_mut(uri) {
                    room.name.clone_from(&info.name);
                }
                remark(styled(FAINT, format_args!("      {name} has changed")));
            }
            RoomEvent::Gap { after } => {
                let since = after.map(|id| format!(" after {}", id.0)).unwrap_or_default();
                remark(styled(
                    WARNING,
                    format_args!("      {name}: posts{since} could not be fetched"),
                ));
            }
            RoomEvent::Closed(why) => self.closed(uri, &name, &why),
            _ => {}
        }
    }

    fn closed(&mut self, uri: &RoomUri, name: &str, why: &RoomClosed) {
        self.rooms.remove(uri);
        if self.current.as_ref() == Some(uri) {
            self.current = self.rooms.keys().next().cloned();
        }
        match why {
            RoomClosed::Left | RoomClosed::Terminated => {}
            RoomClosed::Kicked => remark(styled(WARNING, format_args!("you were removed from {name}"))),
            RoomClosed::Refused(cause) => {
                let cause = cause
                    .as_ref()
                    .map(|cause| format!(": {cause}"))
                    .unwrap_or_default();
                remark(styled(
                    WARNING,
                    format_args!("{name} did not let you in again{cause}"),
                ));
            }
            _ => remark(styled(WARNING, format_args!("{name} is closed"))),
        }
    }
}

/// Shows what somebody wrote to this person alone.
fn hear(mut message: PrivateMessage) {
    let label = styled(FAINT, format_args!("[from {}]", message.from));
    let text = harmless(&message.text).replace('\n', "\n      ");
    line(format_args!("{label} {text}"));
    message.accept();
}

/// Hands the events of one room to the one loop that prints.
async fn forward(uri: RoomUri, mut events: RoomEvents, to: mpsc::Sender<(RoomUri, RoomEvent)>) {
    while let Some(event) = events.next().await {
        if to.send((uri.clone(), event)).await.is_err() {
            return;
        }
    }
}

fn print_post(room: Option<&str>, post: &Post) {
    let label = room
        .map(|room| format!("{} ", styled(FAINT, format_args!("[{room}]"))))
        .unwrap_or_default();
    let text = posts::post(&posts::Line {
        timestamp: post.timestamp,
        author: &post.author,
        author_name: post.author_name.as_deref(),
        alert: post.alert,
        chat: &post.chat,
    });
    line(format_args!("{label}{text}"));
}

fn presence(room: &str, user: &SipUri, what: &str) {
    remark(styled(FAINT, format_args!("      {user} {what} ({room})")));
}
