//! `parlor room`: rooms of the running server.

use std::io::Read as _;

use parlor_server::control::{
    Client, CreateRoom, HistoryQuery, LiveEvent, PostMessage, PostView, RoleChange, RoleName, RoomDetail,
    RoomSummary, UpdateRoom,
};
use parlor_xccos::format::FormattedMessage;
use parlor_xccos::{Behavior, MessageId, Privacy, SipUri};

use super::posts;
use crate::cli::{self, Global, MembersArgs, Role, RoomCommand, RoomCreateArgs, RoomSetArgs};
use crate::failure::Failure;
use crate::terminal::{FAINT, STRONG, WARNING, json_document, json_line, line, styled, table};

pub(crate) async fn run(client: Client, global: &Global, command: RoomCommand) -> Result<(), Failure> {
    match command {
        RoomCommand::List { criteria } => list(&client, global, criteria.as_deref()).await,
        RoomCommand::Create(arguments) => create(&client, global, arguments).await,
        RoomCommand::Show { room } => {
            let room = client.room(&room).await?;
            detail(global, &room);
            Ok(())
        }
        RoomCommand::Set(arguments) => set(&client, global, arguments).await,
        RoomCommand::Members(arguments) => members(&client, global, arguments).await,
        RoomCommand::History { room, last, after } => {
            let after = after.map(MessageId);
            let query = HistoryQuery {
                last: Some(last as usize),
                after,
                before: None,
            };
            history(&client, global, &room, &query).await
        }
        RoomCommand::Post {
            room,
            text,
            author,
            alert,
            story,
        } => {
            let text = if text == "-" { standard_input()? } else { text };
            let text = story.map_or_else(|| text.clone(), |title| story_text(&title, &text));
            let posted = client
                .post(
                    &room,
                    &PostMessage {
                        author,
                        text,
                        alert,
                        key: None,
                    },
                )
                .await?;
            if global.json {
                json_document(&posted);
            } else {
                line(format_args!("posted as message {}", posted.id.0));
            }
            Ok(())
        }
        RoomCommand::Tail { room, last } => tail(&client, global, &room, last).await,
    }
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::caused("cannot read standard input", &error))?;
    Ok(text.trim_end().to_owned())
}

fn story_text(title: &str, body: &str) -> String {
    let mut story = FormattedMessage::story(title);
    story.append_text(body);
    story.to_chat()
}

async fn list(client: &Client, global: &Global, criteria: Option<&str>) -> Result<(), Failure> {
    let rooms = client.rooms(criteria).await?;
    if global.json {
        json_document(&rooms);
    } else if rooms.is_empty() {
        line("no rooms");
    } else {
        let rows: Vec<_> = rooms.iter().map(row).collect();
        table(&["room", "category", "privacy", "here", "description"], &rows);
    }
    Ok(())
}

fn row(room: &RoomSummary) -> Vec<String> {
    vec![
        room.name.clone(),
        room.category.clone(),
        kind(room),
        room.participants.to_string(),
        room.description.clone(),
    ]
}

/// Privacy, and what else sets a room apart.
fn kind(room: &RoomSummary) -> String {
    let mut words = vec![match room.privacy {
        Privacy::Open => "open",
        Privacy::Closed => "closed",
        Privacy::Secret => "secret",
    }];
    if room.behavior == Behavior::Auditorium {
        words.push("auditorium");
    }
    if room.disabled {
        words.push("disabled");
    }
    words.join(" ")
}

fn detail(global: &Global, room: &RoomDetail) {
    if global.json {
        return json_document(room);
    }
    let summary = &room.summary;
    line(format_args!(
        "{}  {}",
        styled(STRONG, &summary.name),
        styled(FAINT, &summary.uri)
    ));
    if !summary.description.is_empty() {
        line(&summary.description);
    }
    line(format_args!("category    {}", summary.category));
    line(format_args!("privacy     {}", kind(summary)));
    for (name, users) in [
        ("members", &room.members),
        ("managers", &room.managers),
        ("presenters", &room.presenters),
        ("here now", &room.present),
    ] {
        let users: Vec<_> = users.iter().map(SipUri::to_string).collect();
        line(format_args!(
            "{name:<11} {}",
            if users.is_empty() {
                "-".to_owned()
            } else {
                users.join(" ")
            }
        ));
    }
}

async fn create(client: &Client, global: &Global, arguments: RoomCreateArgs) -> Result<(), Failure> {
    let room = client
        .create_room(&CreateRoom {
            name: arguments.name,
            description: arguments.description,
            category: Some(arguments.category),
            privacy: Some(privacy(arguments.privacy)),
            behavior: Some(if arguments.auditorium {
                Behavior::Auditorium
            } else {
                Behavior::Normal
            }),
            members: arguments.members,
            managers: arguments.managers,
            presenters: arguments.presenters,
        })
        .await?;
    detail(global, &room);
    Ok(())
}

async fn set(client: &Client, global: &Global, arguments: RoomSetArgs) -> Result<(), Failure> {
    let disabled = if arguments.disable {
        Some(true)
    } else if arguments.enable {
        Some(false)
    } else {
        None
    };
    let change = UpdateRoom {
        name: arguments.name,
        description: arguments.description,
        privacy: arguments.privacy.map(privacy),
        category: arguments.category,
        disabled,
        ..UpdateRoom::default()
    };
    if change == UpdateRoom::default() {
        return Err(Failure::new("nothing to change; see `parlor room set --help`"));
    }
    let room = client.update_room(&arguments.room, &change).await?;
    detail(global, &room);
    Ok(())
}

fn privacy(privacy: cli::Privacy) -> Privacy {
    match privacy {
        cli::Privacy::Open => Privacy::Open,
        cli::Privacy::Closed => Privacy::Closed,
        cli::Privacy::Secret => Privacy::Secret,
    }
}

async fn members(client: &Client, global: &Global, arguments: MembersArgs) -> Result<(), Failure> {
    let role = match arguments.role {
        Role::Member => RoleName::Member,
        Role::Manager => RoleName::Manager,
        Role::Presenter => RoleName::Presenter,
    };
    let room = if arguments.add.is_empty() && arguments.remove.is_empty() {
        client.room(&arguments.room).await?
    } else {
        let change = RoleChange {
            add: arguments.add,
            remove: arguments.remove,
        };
        client.change_role(&arguments.room, role, &change).await?
    };
    detail(global, &room);
    Ok(())
}

async fn history(client: &Client, global: &Global, room: &str, query: &HistoryQuery) -> Result<(), Failure> {
    let posts = client.history(room, query).await?;
    if global.json {
        json_document(&posts);
        return Ok(());
    }
    for post in &posts {
        show(post);
    }
    Ok(())
}

fn show(post: &PostView) {
    line(posts::post(&posts::Line {
        timestamp: post.timestamp,
        author: &post.author,
        author_name: post.author_name.as_deref(),
        alert: post.alert,
        chat: &post.text,
    }));
}

/// Follows a room. The stream is opened before the history is read, so that nothing falls between the two.
async fn tail(client: &Client, global: &Global, room: &str, last: u32) -> Result<(), Failure> {
    let mut live = client.live(room).await?;
    let query = HistoryQuery {
        last: Some(last as usize),
        ..HistoryQuery::default()
    };
    let mut newest = MessageId(0);
    let earlier = if last == 0 {
        Vec::new()
    } else {
        client.history(room, &query).await?
    };
    for post in earlier {
        newest = post.id;
        follow(global, &LiveEvent::Post(post));
    }
    loop {
        let event = tokio::select! {
            event = live.next() => event?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        match event {
            Some(LiveEvent::Post(post)) if post.id <= newest => {}
            Some(event) => follow(global, &event),
            None => {
                return Err(Failure::new("the server has ended the stream").with_code(cli::exit::UNREACHABLE));
            }
        }
    }
}

fn follow(global: &Global, event: &LiveEvent) {
    if global.json {
        return json_line(event);
    }
    match event {
        LiveEvent::Post(post) => show(post),
        LiveEvent::Joined { user } => line(styled(FAINT, format_args!("      {user} came in"))),
        LiveEvent::Parted { user } => line(styled(FAINT, format_args!("      {user} left"))),
        LiveEvent::Missed { events } => {
            line(styled(
                WARNING,
                format_args!("      {events} events were missed; see `parlor room history`"),
            ));
        }
    }
}
