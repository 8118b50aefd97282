//! Golden documents of everything that was recalled or proposed: one real trace may correct them.

use insta::assert_snapshot;
use parlor_xccos::*;

use crate::samples::*;

fn command(command: Command) -> String {
    lines(encode::command(id(), &command))
}

fn reply(name: CommandName, data: ReplyData) -> String {
    lines(encode::reply(
        id(),
        &Reply::ok(name, to(), data),
        EncodeOptions::default(),
    ))
}

fn notice(notice: Notice) -> String {
    lines(encode::notice(id(), &notice, EncodeOptions::default()))
}

#[test]
fn a_post_with_everything() {
    let post = Post {
        author_name: Some("Alice \"A\"".to_owned()),
        timestamp: Timestamp::from_millis(time().as_millis() + 120),
        id: Some(MessageId(42)),
        alert: true,
        rtf: Some(r"{\rtf1 fish}".to_owned()),
        key: Some("feed/news:42".parse().unwrap()),
        ..post()
    };
    assert_snapshot!("dialect_grpchat", lines(encode::post(id(), &post)));
}

#[test]
fn commands() {
    assert_snapshot!(
        "dialect_cmd_bcbymsg",
        command(Command::HistoryAfter {
            room: room(1),
            after: MessageId(41),
            limit: 100
        })
    );
    assert_snapshot!(
        "dialect_cmd_getassociations",
        command(Command::Associations {
            domain: "example.com".to_owned(),
            role: AssociationRole::Manager,
            limit: Some(50)
        })
    );
    assert_snapshot!(
        "dialect_cmd_getparticipants",
        command(Command::Participants(room(1)))
    );
    assert_snapshot!(
        "dialect_cmd_chansrch",
        command(Command::Search(RoomSearch {
            criteria: "news & more".to_owned(),
            extended: true,
            match_all: true,
            match_exact_phrase: true,
            limit: Some(10)
        }))
    );
}

#[test]
fn replies() {
    let mut room_info = info(1, "Stage");
    room_info.privacy = Privacy::Open;
    room_info.behavior = Behavior::Auditorium;
    room_info.disabled = true;
    room_info.category = "ma-cat://example.com/00000000-0000-0000-0000-000000000009"
        .parse()
        .ok();
    assert_snapshot!(
        "dialect_rpl_getassociations",
        reply(
            CommandName::Associations,
            ReplyData::Rooms(vec![room_info.clone()])
        )
    );
    let invitation = Invitation {
        id: 7,
        created: time(),
        room: room_info,
    };
    assert_snapshot!(
        "dialect_rpl_getinv",
        reply(CommandName::Invitations, ReplyData::Invitations(vec![invitation]))
    );
    assert_snapshot!(
        "dialect_rpl_bcbymsg",
        reply(
            CommandName::HistoryAfter,
            ReplyData::History {
                room: room(1),
                posts: vec![post()],
                total: Some(500),
                exceeded: true
            }
        )
    );
    let posted = Posted {
        room: room(1),
        id: MessageId(42),
        timestamp: time(),
        key: "k1".parse().ok(),
    };
    assert_snapshot!(
        "dialect_rpl_grpchat_repeated",
        reply(CommandName::GroupChat, ReplyData::Posted(posted))
    );
    let refused = Reply::failed(CommandName::GroupChat, to(), ErrorCode::UserNotJoined);
    assert_snapshot!(
        "dialect_rpl_grpchat_refused",
        lines(encode::reply(id(), &refused, EncodeOptions::default()))
    );
    let server = ServerInfo {
        mask: InfoMask::ALL,
        display_name: Some("Parlor".to_owned()),
        room_management_url: Some("https://example.com/rooms?a=1&b=2".to_owned()),
        post_keys: true,
        ..ServerInfo::default()
    };
    assert_snapshot!(
        "dialect_rpl_getserverinfo",
        reply(CommandName::ServerInfo, ReplyData::ServerInfo(server))
    );
    let mut someone = participant("alice", Rights::PRESENTER);
    someone.display = "Alice <A>".to_owned();
    let joined = JoinedRoom {
        info: RoomInfo::new(room(1), "Large"),
        participants: vec![someone],
    };
    assert_snapshot!(
        "dialect_rpl_getparticipants",
        reply(
            CommandName::Participants,
            ReplyData::Joined {
                rooms: vec![joined],
                failed: Vec::new()
            }
        )
    );
}

#[test]
fn notices() {
    assert_snapshot!(
        "dialect_ntc_invite",
        notice(Notice::Invited(Invitation {
            id: 8,
            created: time(),
            room: info(1, "Lobby")
        }))
    );
    assert_snapshot!(
        "dialect_ntc_kick",
        notice(Notice::Kicked {
            room: room(1),
            user: user("alice")
        })
    );
    assert_snapshot!(
        "dialect_ntc_chanmodify",
        notice(Notice::RoomChanged(info(1, "Renamed")))
    );
    let arrival = Arrival {
        room: room(1),
        participant: participant("alice", Rights::ALL),
    };
    assert_snapshot!("dialect_ntc_perms", notice(Notice::RightsChanged(vec![arrival])));
    assert_snapshot!("dialect_ntc_quit", notice(Notice::Quit(user("alice"))));
}

#[test]
fn every_error_has_its_number_token_and_phrase() {
    let table: Vec<String> = ErrorCode::EVERY
        .iter()
        .map(|error| format!("{} {} - {error}", error.code(), error.token()))
        .collect();
    assert_snapshot!("dialect_errors", table.join("\n"));
    for error in ErrorCode::EVERY {
        assert_eq!(ErrorCode::from_wire(error.code(), error.token()), error);
        assert_eq!(
            ErrorCode::from_wire(1, &format!("{}: some words", error.token().to_lowercase())),
            error
        );
    }
    assert_eq!(ErrorCode::from_wire(404, "gone fishing"), ErrorCode::NoSuchNode);
    assert_eq!(ErrorCode::from_wire(599, ""), ErrorCode::ServerError);
    // Programs look for these words.
    assert!(ErrorCode::Permission.to_string().contains("to perform"));
    assert!(
        ErrorCode::PrincipalsAlreadyDefined
            .to_string()
            .contains("principals are already defined")
    );
}
