//! Documents as real clients and servers write them, and what is read from them.

use parlor_xccos::*;

use crate::samples::*;

const GUID: &str = "76bc0000-0000-4000-8000-0000000000ff";

fn only(document: &str) -> Primitive {
    let envelope = decode(document.as_bytes()).unwrap();
    assert_eq!(envelope.items.len(), 1, "{envelope:?}");
    envelope.items.into_iter().next().unwrap()
}

fn command(inside: &str) -> Command {
    let document = format!("<xccos ver='1' envid='1' xmlns='urn:parlano:xml:ns:xccos'>{inside}</xccos>");
    match only(&document) {
        Primitive::Command(numbered) => numbered.command,
        other => panic!("{other:?}"),
    }
}

fn fault(inside: &str) -> Fault {
    match only(&format!("<xccos envid='1'>{inside}</xccos>")) {
        Primitive::Invalid(invalid) => invalid.fault,
        other => panic!("{other:?}"),
    }
}

fn reply(inside: &str) -> Reply {
    match only(&format!("<xccos envid='1'>{inside}</xccos>")) {
        Primitive::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clients_request_for_the_chat_address() {
    let document = r#"<xccos ver="1" envid="1597628595" xmlns="urn:parlano:xml:ns:xccos"><cmd id="cmd:requri" seqid="1"><data/></cmd></xccos>"#;
    let envelope = decode(document.as_bytes()).unwrap();
    assert_eq!(envelope.id.as_str(), "1597628595");
    assert_eq!(
        envelope.items,
        [Primitive::Command(NumberedCommand {
            seq: 1,
            command: Command::RequestUri
        })]
    );
}

#[test]
fn a_serializers_envelope_with_prefixes_and_another_order() {
    let document = format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
        <x:xccos xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
            envid="7962449779256945056" ver="1" xmlns:x="urn:parlano:xml:ns:xccos">
          <x:rpl SeqId="1" ID="RPL:Join"><x:commandid envid="139132350" seqid="1"/><x:resp code="200">SUCCESS_OK</x:resp>
            <x:data xsi:type="joined"><x:uib id="0" uri="sip:Alice@Example.com" future="yes"/><x:later><x:uib/></x:later>
              <x:chanib name="Lobby" uri="ma-chan://Example.com/{GUID}"><x:aib key="3984" value="0, 7"/><x:audit/></x:chanib>
            </x:data></x:rpl>
        </x:xccos>"#
    );
    let Primitive::Reply(reply) = only(&document) else {
        panic!()
    };
    assert_eq!((reply.name, reply.to, reply.code), (CommandName::Join, to(), 200));
    let ReplyData::Joined { rooms, failed } = reply.data else {
        panic!()
    };
    assert_eq!(failed, []);
    assert_eq!(
        rooms[0].info.uri.to_string(),
        format!("ma-chan://example.com/{GUID}")
    );
    assert_eq!(rooms[0].participants, [participant("alice", Rights::LEGACY_USER)]);
}

#[test]
fn a_clients_post_keeps_entities_and_line_ends() {
    let document = format!(
        r#"<xccos ver="1" envid="1" xmlns="urn:parlano:xml:ns:xccos"><grpchat id="grpchat" seqid="1" chanUri="ma-chan://example.com/{GUID}" author="sip:alice@example.com;gruu" ts="2026-11-20T18:38:47.0000000Z"><chat>a &amp; b&#x21;&lt;br&gt;{}second</chat></grpchat></xccos>"#,
        "\r\n"
    );
    let Primitive::Post(NumberedPost { seq: 1, post }) = only(&document) else {
        panic!()
    };
    assert_eq!(post.chat, "a & b!<br>\r\nsecond");
    assert_eq!(
        (post.author, post.timestamp, post.id, post.alert),
        (user("alice"), time(), None, false)
    );
}

#[test]
fn a_post_without_readable_time_has_none() {
    let post = |ts: &str| {
        let inside = format!(
            "<xccos><grpchat chanUri='ma-chan://d/{GUID}' author='sip:a@d' {ts}><chat/></grpchat></xccos>"
        );
        let Primitive::Post(numbered) = only(&inside) else {
            panic!()
        };
        numbered.post
    };
    assert_eq!(post("").timestamp, Timestamp::EPOCH);
    assert_eq!(post("ts='soon'").timestamp, Timestamp::EPOCH);
    assert_eq!(post("").chat, "");
}

#[test]
fn joins_are_read_by_address_or_uri() {
    let address = format!(
        "<chanid key='0' domain='example.com' value='{}'/>",
        GUID.to_uppercase()
    );
    let by_uri = format!("<chanib uri='MA-CHAN://EXAMPLE.COM/{GUID}'/>");
    let expected: RoomUri = format!("ma-chan://example.com/{GUID}").parse().unwrap();
    for data in [&address, &by_uri] {
        let join = command(&format!("<cmd id='CMD:JOIN' seqid='1'><data>{data}</data></cmd>"));
        assert_eq!(join, Command::Join(expected.clone()));
    }
    let both = command(&format!(
        "<cmd id='cmd:bjoin'><data>{address}{by_uri}</data></cmd>"
    ));
    assert_eq!(both, Command::BatchJoin(vec![expected.clone(), expected]));
}

#[test]
fn what_a_query_cannot_express_makes_the_command_unknown() {
    let unknown = |name: &str| Command::Unknown(name.to_owned());
    let room = format!("<chanib uri='ma-chan://d/{GUID}'/>");
    assert_eq!(
        command("<cmd id='cmd:NodesPermCreateChild'><data/></cmd>"),
        unknown("nodespermcreatechild")
    );
    assert_eq!(
        command("<cmd id='cmd:chansrch'><data><qib qtype='BYUSER' criteria='sip:a@d'/></data></cmd>"),
        unknown("chansrch")
    );
    assert_eq!(
        command(&format!(
            "<cmd id='cmd:bccontext'><data>{room}<bcq><first/></bcq></data></cmd>"
        )),
        unknown("bccontext")
    );
    assert_eq!(
        command(&format!(
            "<cmd id='cmd:bcbymsg'><data>{room}<bcq><text mt='PP'>a</text></bcq></data></cmd>"
        )),
        unknown("bcbymsg")
    );
    assert_eq!(unknown("chansrch").name(), CommandName::Search);
}

#[test]
fn one_bad_command_does_not_spoil_the_next() {
    let document = "<xccos envid='9'><cmd id='cmd:join' seqid='1'><data><chanid value='no'/><more><deep/></more></data></cmd>\
        <what/><cmd id='cmd:requri' seqid='2'/></xccos>";
    let envelope = decode(document.as_bytes()).unwrap();
    let [
        Primitive::Invalid(bad),
        Primitive::Unknown { element },
        Primitive::Command(good),
    ] = &envelope.items[..]
    else {
        panic!("{envelope:?}")
    };
    assert_eq!(
        (bad.kind, bad.seq, bad.name.as_str()),
        (PrimitiveKind::Command, 1, "join")
    );
    assert_eq!(bad.fault.to_string(), "attribute value cannot be read");
    assert_eq!(element, "what");
    assert_eq!((good.seq, &good.command), (2, &Command::RequestUri));
}

#[test]
fn faults_name_what_is_missing() {
    assert_eq!(
        fault("<cmd id='cmd:join'><data/></cmd>"),
        Fault::MissingElement("chanid")
    );
    assert_eq!(fault("<cmd id='cmd:part'/>"), Fault::MissingElement("chanib"));
    let room = format!("<chanib uri='ma-chan://d/{GUID}'/>");
    assert_eq!(
        fault(&format!("<cmd id='cmd:bccontext'><data>{room}</data></cmd>")),
        Fault::MissingElement("bcq")
    );
    assert_eq!(
        fault(&format!(
            "<cmd id='cmd:bccontext'><data>{room}<bcq><last cnt='-3'/></bcq></data></cmd>"
        )),
        Fault::BadValue("cnt")
    );
    assert_eq!(
        fault("<grpchat author='sip:a@d'><chat>x</chat></grpchat>"),
        Fault::MissingAttribute("chanUri")
    );
    let uri = format!("chanUri='ma-chan://d/{GUID}'");
    assert_eq!(
        fault(&format!("<grpchat {uri}><chat>x</chat></grpchat>")),
        Fault::MissingAttribute("author")
    );
    assert_eq!(
        fault(&format!("<grpchat {uri} author='sip:a@d'/>")),
        Fault::MissingElement("chat")
    );
    assert_eq!(
        fault(&format!(
            "<grpchat {uri} author='sip:a@d' postKey='a b'><chat/></grpchat>"
        )),
        Fault::BadValue("postKey")
    );
    assert_eq!(
        fault("<ntc id='ntc:join'><data><uib uri='x'/></data></ntc>"),
        Fault::MissingElement("aib")
    );
    assert_eq!(
        fault("<cmd id='cmd:setpref'><data><pref label='l' content='%'/></data></cmd>"),
        Fault::BadValue("content")
    );
}

#[test]
fn replies_survive_what_is_wrong_with_them() {
    let bare = reply("<rpl id='rpl:getservinfo'/>");
    assert_eq!(
        (bare.name.clone(), bare.code, bare.error()),
        (CommandName::ServerInfo, 500, Some(ErrorCode::ServerError))
    );
    let unreadable = reply(
        "<rpl id='rpl:part'><commandid seqid='3' envid='4'/><resp code='200'/><data><chanib/></data></rpl>",
    );
    assert_eq!(
        unreadable.data,
        ReplyData::Unreadable(Fault::MissingAttribute("uri"))
    );
    assert_eq!(
        unreadable.to,
        CommandRef {
            envelope: EnvelopeId::from(4),
            seq: 3
        }
    );
    let failed = reply("<rpl id='rpl:part'><resp code='403'>USER_NOT_JOINED</resp><data/></rpl>");
    assert_eq!(
        (failed.error(), failed.data),
        (Some(ErrorCode::UserNotJoined), ReplyData::None)
    );
}

#[test]
fn a_bad_entry_does_not_spoil_a_list() {
    let rooms = reply(&format!(
        "<rpl id='rpl:chansrch'><resp code='200'/><data><chanib uri='?'><info id='x'>1</info></chanib>\
         <chanib name='Good' uri='ma-chan://d/{GUID}'><info id='URN:parlano:ma:info:visibilty'>PRIVATE</info>\
         <info id='urn:parlano:ma:prop:invite'>TRUE</info></chanib></data></rpl>"
    ));
    let ReplyData::Rooms(rooms) = rooms.data else {
        panic!()
    };
    assert_eq!(rooms.len(), 1);
    assert_eq!(
        (rooms[0].name.as_str(), rooms[0].privacy, rooms[0].invite),
        ("Good", Privacy::Secret, true)
    );

    let history = reply(&format!(
        "<rpl id='rpl:bccontext'><resp code='200'/><data><chanib uri='ma-chan://d/{GUID}'>\
         <msg id='grpchat' author='nobody'><chat>lost</chat></msg><msg id='grpchat' author='sip:a@d'><chat>kept</chat></msg>\
         </chanib></data></rpl>"
    ));
    let ReplyData::History { posts, .. } = history.data else {
        panic!()
    };
    assert_eq!(posts.len(), 1);
    assert_eq!((posts[0].chat.as_str(), posts[0].room.domain()), ("kept", "d"));
}

#[test]
fn one_part_notice_can_name_several_rooms() {
    let rooms = [room(1), room(2)]
        .map(|room| format!("<chanib uri='{room}'><uib uri='sip:alice@example.com'/></chanib>"));
    let document = format!(
        "<xccos envid='1'><ntc id='ntc:part'><data>{}</data></ntc></xccos>",
        rooms.concat()
    );
    let envelope = decode(document.as_bytes()).unwrap();
    let parted = |number| {
        Primitive::Notice(Notice::Parted {
            room: room(number),
            users: vec![user("alice")],
        })
    };
    assert_eq!(envelope.items, [parted(1), parted(2)]);
}

#[test]
fn the_server_speaks_of_itself() {
    let Primitive::SystemError { name, text } = only("<xccos><err id='err:bad'> not good </err></xccos>")
    else {
        panic!()
    };
    assert_eq!((name.as_str(), text.as_str()), ("bad", "not good"));
    assert_eq!(decode(b"<xccos/>").unwrap().items, []);
}
