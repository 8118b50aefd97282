//! What one side writes is what the other side reads, whatever the text is.

use parlor_xccos::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Text with markup, entities, line ends and characters of every width, but only such as XML can hold.
fn text() -> impl Strategy<Value = String> {
    "([a-z <>&\"'\\]\t\r\n;#/]|&amp;|<!\\[CDATA\\[|\\]\\]>|[äß€日😀\u{FFFD}\u{FEFF}\u{85}\u{2028}]|\\PC){0,40}"
}

fn room() -> impl Strategy<Value = RoomUri> {
    ("[a-z0-9.-]{1,20}", any::<[u8; 16]>())
        .prop_map(|(domain, id)| RoomUri::new(&domain, RoomId::from_bytes(id)).unwrap())
}

fn category() -> impl Strategy<Value = CategoryUri> {
    any::<[u8; 16]>().prop_map(|id| CategoryUri::new("example.com", CategoryId::from_bytes(id)).unwrap())
}

fn user() -> impl Strategy<Value = SipUri> {
    "sip:[a-z0-9!%&'*+/=_.~-]{1,12}@[a-z0-9.-]{1,12}".prop_map(|uri| uri.parse().unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000i64..253_402_300_800_000).prop_map(Timestamp::from_millis)
}

fn key() -> impl Strategy<Value = PostKey> {
    "[!-~]{1,64}".prop_map(|key| key.parse().unwrap())
}

fn info() -> impl Strategy<Value = RoomInfo> {
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let privacy = prop_oneof![Just(Privacy::Open), Just(Privacy::Closed), Just(Privacy::Secret)];
    (
        room(),
        text(),
        text(),
        privacy,
        flags,
        option::of(any::<u32>()),
        option::of(category()),
    )
        .prop_map(
            |(uri, name, description, privacy, flags, participants, category)| RoomInfo {
                uri,
                name,
                description,
                privacy,
                behavior: if flags.0 {
                    Behavior::Auditorium
                } else {
                    Behavior::Normal
                },
                disabled: flags.1,
                participants,
                category,
                logged: flags.2,
                invite: flags.3,
                filepost: flags.4,
            },
        )
}

fn post() -> impl Strategy<Value = Post> {
    let marks = (option::of(any::<i64>()), any::<bool>(), option::of(key()));
    (
        room(),
        user(),
        option::of(text()),
        time(),
        marks,
        text(),
        option::of(text()),
    )
        .prop_map(
            |(room, author, author_name, timestamp, (id, alert, key), chat, rtf)| Post {
                room,
                author,
                author_name,
                timestamp,
                id: id.map(MessageId),
                alert,
                chat,
                rtf,
                key,
            },
        )
}

fn command() -> impl Strategy<Value = Command> {
    let domain = "[a-z.]{0,12}";
    let role = prop_oneof![Just(AssociationRole::Member), Just(AssociationRole::Manager)];
    let search = (
        text(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        option::of(any::<u32>()),
    );
    prop_oneof![
        Just(Command::RequestUri),
        (domain, any::<u32>()).prop_map(|(domain, mask)| Command::ServerInfo {
            domain,
            mask: InfoMask(mask)
        }),
        (domain, role, option::of(any::<u32>())).prop_map(|(domain, role, limit)| Command::Associations {
            domain,
            role,
            limit
        }),
        room().prop_map(Command::Join),
        vec(room(), 0..5).prop_map(Command::BatchJoin),
        room().prop_map(Command::Part),
        room().prop_map(Command::Participants),
        (room(), any::<u32>()).prop_map(|(room, count)| Command::Backchat { room, count }),
        (room(), any::<i64>(), any::<u32>()).prop_map(|(room, after, limit)| Command::HistoryAfter {
            room,
            after: MessageId(after),
            limit
        }),
        search.prop_map(
            |(criteria, extended, match_all, match_exact_phrase, limit)| Command::Search(RoomSearch {
                criteria,
                extended,
                match_all,
                match_exact_phrase,
                limit
            })
        ),
        (domain, any::<u64>()).prop_map(|(domain, after)| Command::Invitations { domain, after }),
        (text(), any::<i64>(), any::<bool>()).prop_map(|(label, sequence, create_default)| {
            Command::PreferenceFetch {
                label,
                sequence,
                create_default,
            }
        }),
        (text(), any::<i64>(), option::of(vec(any::<u8>(), 0..40))).prop_map(|(label, sequence, content)| {
            Command::PreferenceStore(Preference {
                label,
                sequence,
                content: content.map(Into::into),
            })
        }),
        "zz[a-z]{0,12}".prop_map(Command::Unknown),
    ]
}

/// Users with one display name each, because a reply names each user once.
fn joined_rooms() -> impl Strategy<Value = Vec<JoinedRoom>> {
    let users = vec((user(), text()), 1..6).prop_map(|mut users| {
        users.sort();
        users.dedup_by(|one, other| one.0 == other.0);
        users
    });
    (users, vec((info(), vec(option::of(0u32..9), 6)), 0..4)).prop_map(|(users, rooms)| {
        let join = |(info, rights): (RoomInfo, Vec<Option<u32>>)| JoinedRoom {
            info,
            participants: users
                .iter()
                .zip(rights)
                .filter_map(|((user, display), rights)| {
                    let rights = Rights::from_bits(rights?);
                    Some(Participant {
                        user: user.clone(),
                        display: display.clone(),
                        rights,
                    })
                })
                .collect(),
        };
        rooms.into_iter().map(join).collect()
    })
}

fn server_info() -> impl Strategy<Value = ServerInfo> {
    let limits = (
        option::of(any::<u32>()),
        option::of(any::<u32>()),
        option::of(any::<u32>()),
    );
    let texts = (option::of(text()), option::of(text()));
    (
        any::<u32>(),
        option::of(time()),
        limits,
        option::of(category()),
        option::of(any::<[u8; 16]>()),
        texts,
    )
        .prop_map(
            |(mask, server_time, limits, root_uri, version, texts)| ServerInfo {
                mask: InfoMask(mask),
                server_time,
                search_limit: limits.0,
                message_size_limit: limits.1,
                story_size_limit: limits.2,
                root_uri,
                database_version: version.map(Guid::from_bytes),
                display_name: texts.0,
                room_management_url: texts.1,
                post_keys: mask % 2 == 1,
            },
        )
}

fn invitation() -> impl Strategy<Value = Invitation> {
    (any::<u64>(), time(), info()).prop_map(|(id, created, room)| Invitation { id, created, room })
}

fn answer() -> impl Strategy<Value = (CommandName, ReplyData)> {
    let history = (room(), vec(post(), 0..4), option::of(any::<u32>()), any::<bool>()).prop_map(
        |(room, posts, total, exceeded)| ReplyData::History {
            room,
            posts,
            total,
            exceeded,
        },
    );
    let preference =
        (text(), any::<i64>(), option::of(vec(any::<u8>(), 0..40))).prop_map(|(label, sequence, content)| {
            ReplyData::Preference(Preference {
                label,
                sequence,
                content: content.map(Into::into),
            })
        });
    let posted = (room(), any::<i64>(), time(), option::of(key())).prop_map(|(room, id, timestamp, key)| {
        ReplyData::Posted(Posted {
            room,
            id: MessageId(id),
            timestamp,
            key,
        })
    });
    prop_oneof![
        user().prop_map(|uri| (CommandName::RequestUri, ReplyData::Uri(uri))),
        server_info().prop_map(|info| (CommandName::ServerInfo, ReplyData::ServerInfo(info))),
        vec(info(), 0..4).prop_map(|rooms| (CommandName::Search, ReplyData::Rooms(rooms))),
        vec(info(), 0..4).prop_map(|rooms| (CommandName::Associations, ReplyData::Rooms(rooms))),
        (joined_rooms(), vec(room(), 0..3))
            .prop_map(|(rooms, failed)| (CommandName::BatchJoin, ReplyData::Joined { rooms, failed })),
        room().prop_map(|room| (CommandName::Part, ReplyData::Parted(room))),
        history.prop_map(|data| (CommandName::HistoryAfter, data)),
        vec(invitation(), 0..3).prop_map(|list| (CommandName::Invitations, ReplyData::Invitations(list))),
        preference.prop_map(|data| (CommandName::PreferenceFetch, data)),
        posted.prop_map(|data| (CommandName::GroupChat, data)),
        Just((CommandName::Other("zzz".into()), ReplyData::None)),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    (answer(), any::<u64>(), any::<u32>()).prop_map(|((name, data), envelope, seq)| {
        Reply::ok(
            name,
            CommandRef {
                envelope: envelope.into(),
                seq,
            },
            data,
        )
    })
}

fn notice() -> impl Strategy<Value = Notice> {
    let arrival = (room(), user(), text(), any::<u32>()).prop_map(|(room, user, display, rights)| Arrival {
        room,
        participant: Participant {
            user,
            display,
            rights: Rights::from_bits(rights),
        },
    });
    let arrivals = vec(arrival, 1..4).boxed();
    prop_oneof![
        (any::<bool>(), arrivals.clone()).prop_map(|(batch, arrivals)| Notice::Joined { batch, arrivals }),
        (room(), vec(user(), 0..4)).prop_map(|(room, users)| Notice::Parted { room, users }),
        invitation().prop_map(Notice::Invited),
        (room(), user()).prop_map(|(room, user)| Notice::Kicked { room, user }),
        info().prop_map(Notice::RoomChanged),
        arrivals.prop_map(Notice::RightsChanged),
        user().prop_map(Notice::Quit),
        "zz[a-z]{0,12}".prop_map(Notice::Unknown),
    ]
}

fn read(document: &[u8]) -> Vec<Primitive> {
    decode(document).unwrap().items
}

/// The order inside a room is by mask on the wire, so that only the set of participants is the same.
fn sorted(mut reply: Reply) -> Reply {
    if let ReplyData::Joined { rooms, .. } = &mut reply.data {
        rooms
            .iter_mut()
            .for_each(|room| room.participants.sort_by(|one, other| one.user.cmp(&other.user)));
    }
    reply
}

proptest! {
    #[test]
    fn posts(post in post(), id in any::<u64>()) {
        let envelope = decode(&encode::post(id.into(), &post)).unwrap();
        prop_assert_eq!(envelope.id, EnvelopeId::from(id));
        prop_assert_eq!(envelope.items, [Primitive::Post(NumberedPost { seq: 1, post })]);
    }

    #[test]
    fn commands(commands in vec(command(), 0..4)) {
        let numbered = (1..).zip(&commands).map(|(seq, command)| {
            Primitive::Command(NumberedCommand { seq, command: command.clone() })
        });
        prop_assert_eq!(read(&encode::commands(1.into(), &commands)), numbered.collect::<Vec<_>>());
    }

    #[test]
    fn replies(reply in reply()) {
        let read = read(&encode::reply(1.into(), &reply, EncodeOptions::default()));
        let [Primitive::Reply(read)] = &read[..] else { panic!("{read:?}") };
        prop_assert_eq!(sorted(read.clone()), sorted(reply));
    }

    #[test]
    fn notices(notices in vec(notice(), 0..4)) {
        let read = read(&encode::notices(1.into(), &notices, EncodeOptions::default()));
        prop_assert_eq!(read, notices.into_iter().map(Primitive::Notice).collect::<Vec<_>>());
    }

    #[test]
    fn what_xml_cannot_hold_goes_out_as_replacement(chat in "[\u{0}-\u{1F}a-c&<\u{FFFE}\u{FFFF}ￏ]{0,20}") {
        let post = Post { chat: chat.clone(), ..crate::samples::post() };
        let [Primitive::Post(read)] = &read(&encode::post(1.into(), &post))[..] else { panic!() };
        let allowed = |character: char| !matches!(character, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}');
        let expected: String = chat.chars().map(|one| if allowed(one) { one } else { '\u{FFFD}' }).collect();
        prop_assert_eq!(&read.post.chat, &expected);
    }
}
