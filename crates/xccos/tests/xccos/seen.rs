//! Golden documents of everything that was seen on a real wire.

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
fn commands() {
    assert_snapshot!("cmd_requri", command(Command::RequestUri));
    assert_snapshot!(
        "cmd_getserverinfo",
        command(Command::ServerInfo {
            domain: "example.com".to_owned(),
            mask: InfoMask::SEEN
        })
    );
    assert_snapshot!("cmd_join", command(Command::Join(room(1))));
    assert_snapshot!("cmd_bjoin", command(Command::BatchJoin(vec![room(1), room(2)])));
    assert_snapshot!("cmd_part", command(Command::Part(room(1))));
    assert_snapshot!(
        "cmd_bccontext",
        command(Command::Backchat {
            room: room(1),
            count: 25
        })
    );
    assert_snapshot!("cmd_chansrch", command(Command::Search(RoomSearch::default())));
    assert_snapshot!(
        "cmd_getinv",
        command(Command::Invitations {
            domain: "example.com".to_owned(),
            after: 1
        })
    );
    assert_snapshot!(
        "cmd_getpref",
        command(Command::PreferenceFetch {
            label: "kedzie.GroupChannels".to_owned(),
            sequence: 71,
            create_default: true
        })
    );
    assert_snapshot!(
        "cmd_setpref",
        command(Command::PreferenceStore(Preference {
            label: "kedzie.GroupChannels".to_owned(),
            sequence: 71,
            content: Some("blob".into())
        }))
    );
    assert_snapshot!(
        "cmd_unknown",
        command(Command::Unknown("nodespermcreatechild".to_owned()))
    );
}

#[test]
fn several_commands_are_numbered() {
    let commands = [Command::RequestUri, Command::Part(room(1))];
    assert_snapshot!("cmd_several", lines(encode::commands(id(), &commands)));
}

#[test]
fn posts() {
    assert_snapshot!("grpchat", lines(encode::post(id(), &post())));
}

#[test]
fn replies() {
    assert_snapshot!(
        "rpl_requri",
        reply(CommandName::RequestUri, ReplyData::Uri(user("chat")))
    );
    let server = ServerInfo {
        mask: InfoMask::SEEN,
        server_time: Some(time()),
        search_limit: Some(999),
        message_size_limit: Some(512),
        story_size_limit: Some(4096),
        root_uri: "ma-cat://example.com/00000000-0000-0000-0000-000000000001"
            .parse()
            .ok(),
        database_version: Some(Guid::from_bytes([7; 16])),
        ..ServerInfo::default()
    };
    assert_snapshot!(
        "rpl_getserverinfo",
        reply(CommandName::ServerInfo, ReplyData::ServerInfo(server))
    );
    let mut secret = info(2, "Hidden");
    secret.privacy = Privacy::Secret;
    secret.participants = None;
    assert_snapshot!(
        "rpl_chansrch",
        reply(
            CommandName::Search,
            ReplyData::Rooms(vec![info(1, "Lobby"), secret])
        )
    );
    assert_snapshot!("rpl_part", reply(CommandName::Part, ReplyData::Parted(room(1))));
    let posts = vec![
        post(),
        Post {
            author: user("bob"),
            chat: "second".to_owned(),
            ..post()
        },
    ];
    assert_snapshot!(
        "rpl_bccontext",
        reply(
            CommandName::Backchat,
            ReplyData::History {
                room: room(1),
                posts,
                total: None,
                exceeded: false
            }
        )
    );
    let preference = Preference {
        label: "kedzie".to_owned(),
        sequence: 72,
        content: Some("blob".into()),
    };
    assert_snapshot!(
        "rpl_getpref",
        reply(CommandName::PreferenceFetch, ReplyData::Preference(preference))
    );
}

#[test]
fn joining_names_each_user_once_and_refers_to_them_by_number() {
    let rooms = vec![
        JoinedRoom {
            info: info(1, "Lobby"),
            participants: vec![
                participant("alice", Rights::MEMBER),
                participant("bob", Rights::MANAGER),
                participant("carol", Rights::MEMBER),
            ],
        },
        JoinedRoom {
            info: info(2, "News"),
            participants: vec![participant("carol", Rights::ALL)],
        },
    ];
    let joined = ReplyData::Joined {
        rooms,
        failed: vec![room(3)],
    };
    assert_snapshot!("rpl_bjoin", reply(CommandName::BatchJoin, joined.clone()));

    let answer = Reply::ok(CommandName::Join, to(), joined);
    let legacy = encode::reply(id(), &answer, EncodeOptions { legacy_masks: true });
    assert_snapshot!("rpl_join_legacy_masks", lines(legacy));
}

#[test]
fn failures_carry_number_and_token() {
    let failed = Reply::failed(CommandName::Join, to(), ErrorCode::NoSuchNode);
    assert_snapshot!(
        "rpl_join_failed",
        lines(encode::reply(id(), &failed, EncodeOptions::default()))
    );
}

#[test]
fn notices_have_the_user_outside_when_coming_and_the_room_outside_when_leaving() {
    let arrival = |number, name| Arrival {
        room: room(number),
        participant: participant(name, Rights::MEMBER),
    };
    assert_snapshot!(
        "ntc_join",
        notice(Notice::Joined {
            batch: false,
            arrivals: vec![arrival(1, "alice")]
        })
    );
    let arrivals = vec![arrival(1, "alice"), arrival(2, "alice"), arrival(1, "bob")];
    assert_snapshot!(
        "ntc_bjoin",
        notice(Notice::Joined {
            batch: true,
            arrivals
        })
    );
    assert_snapshot!(
        "ntc_part",
        notice(Notice::Parted {
            room: room(1),
            users: vec![user("alice"), user("bob")]
        })
    );
}

#[test]
fn an_envelope_is_written_only_when_a_known_client_reads_all_of_it() {
    let one = Primitive::Post(NumberedPost { seq: 1, post: post() });
    let join = Primitive::Command(NumberedCommand {
        seq: 1,
        command: Command::Join(room(1)),
    });
    let encode = |items: Vec<Primitive>| Envelope { id: id(), items }.encode(EncodeOptions::default());
    assert_eq!(encode(vec![one.clone()]).unwrap(), encode::post(id(), &post()));
    assert_eq!(
        encode(vec![one.clone(), one.clone()]).unwrap_err(),
        EncodeError::SeveralPosts
    );
    assert_eq!(encode(vec![join, one]).unwrap_err(), EncodeError::Mixed);
    let unknown = Primitive::Unknown {
        element: "what".to_owned(),
    };
    let error = encode(vec![unknown]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "primitive that was not understood cannot be written"
    );
}
