//! Input that wants to crash, fill or stall the reader.

use parlor_xccos::*;
use proptest::prelude::*;

use crate::samples::*;

#[test]
fn entity_bombs_are_refused_at_the_declaration() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><xccos>&b;</xccos>";
    assert_eq!(decode(bomb.as_bytes()), Err(DecodeError::Xml(XmlError::DocType)));
}

#[test]
fn what_is_no_envelope_is_refused() {
    let error = |document: &str| decode(document.as_bytes()).unwrap_err();
    assert_eq!(error("<iq/>"), DecodeError::NotAnEnvelope);
    assert_eq!(error("<xccos envid='not an id'/>"), DecodeError::EnvelopeId);
    assert_eq!(
        error("<xccos envid='123456789012345678901'/>"),
        DecodeError::EnvelopeId
    );
    assert!(matches!(error(""), DecodeError::Xml(XmlError::Malformed { .. })));
    assert!(matches!(
        error("<xccos/><xccos/>"),
        DecodeError::Xml(XmlError::Malformed { .. })
    ));
    assert_eq!(error("<iq/>").to_string(), "root element is not xccos");
}

#[test]
fn limits_hold() {
    let many = |count: usize| format!("<xccos>{}</xccos>", "<cmd id='cmd:requri'/>".repeat(count));
    assert_eq!(
        decode(many(MAX_PRIMITIVES).as_bytes()).unwrap().items.len(),
        MAX_PRIMITIVES
    );
    assert_eq!(
        decode(many(MAX_PRIMITIVES + 1).as_bytes()),
        Err(DecodeError::TooManyPrimitives)
    );

    let deep = format!("<xccos>{}", "<a>".repeat(100_000));
    assert_eq!(decode(deep.as_bytes()), Err(DecodeError::Xml(XmlError::Depth)));

    let wide: String = (0..20_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(
        decode(format!("<xccos{wide}/>").as_bytes()),
        Err(DecodeError::Xml(XmlError::Attributes))
    );

    let large = format!("<xccos>{}</xccos>", " ".repeat(MAX_DOCUMENT));
    assert_eq!(decode(large.as_bytes()), Err(DecodeError::Xml(XmlError::Size)));
}

#[test]
fn a_small_document_cannot_ask_for_a_huge_participant_list() {
    let users: String = (0..100)
        .map(|n| format!("<uib id='{n}' uri='sip:u{n}@d'/>"))
        .collect();
    let numbers: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let chanib = format!(
        "<chanib uri='ma-chan://d/00000000-0000-0000-0000-000000000001'><aib key='1' value='{}'/></chanib>",
        numbers.join(",")
    );
    let joined = |rooms: usize| {
        let document = format!(
            "<xccos><rpl id='rpl:bjoin'><resp code='200'/><data>{users}{}</data></rpl></xccos>",
            chanib.repeat(rooms)
        );
        let envelope = decode(document.as_bytes()).unwrap();
        let Some(Primitive::Reply(reply)) = envelope.items.into_iter().next() else {
            panic!()
        };
        reply.data
    };
    let most = MAX_PARTICIPANTS / 100;
    assert!(matches!(joined(most), ReplyData::Joined { rooms, .. } if rooms.len() == most));
    assert_eq!(joined(most + 1), ReplyData::Unreadable(Fault::BadValue("aib")));
}

#[test]
fn a_long_display_name_is_cut() {
    let long = "x".repeat(1000);
    let document = format!(
        "<xccos><ntc id='ntc:join'><data><uib uri='sip:a@d' disp='{long}'><aib key='1' domain='d' \
         value='00000000-0000-0000-0000-000000000001'/></uib></data></ntc></xccos>"
    );
    let envelope = decode(document.as_bytes()).unwrap();
    let [Primitive::Notice(Notice::Joined { arrivals, .. })] = &envelope.items[..] else {
        panic!("{envelope:?}")
    };
    assert_eq!(arrivals[0].participant.display.len(), 256);
}

/// Documents that are nearly right.
fn seeds() -> Vec<Vec<u8>> {
    let joined = JoinedRoom {
        info: info(1, "Lobby"),
        participants: vec![
            participant("alice", Rights::MEMBER),
            participant("bob", Rights::ALL),
        ],
    };
    let history = ReplyData::History {
        room: room(1),
        posts: vec![post(); 3],
        total: Some(9),
        exceeded: true,
    };
    let options = EncodeOptions::default();
    [
        encode::post(id(), &post()),
        encode::command(id(), &Command::BatchJoin(vec![room(1), room(2)])),
        encode::command(id(), &Command::Search(RoomSearch::default())),
        encode::reply(
            id(),
            &Reply::ok(
                CommandName::BatchJoin,
                to(),
                ReplyData::Joined {
                    rooms: vec![joined],
                    failed: vec![room(2)],
                },
            ),
            options,
        ),
        encode::reply(id(), &Reply::ok(CommandName::Backchat, to(), history), options),
        encode::notice(
            id(),
            &Notice::Parted {
                room: room(1),
                users: vec![user("alice")],
            },
            options,
        ),
    ]
    .map(|bytes| bytes.to_vec())
    .to_vec()
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn any_markup_is_answered(inside in "(<(/?)(cmd|rpl|ntc|data|chanib|uib|aib|msg|chat|!--|\\?x|!\\[CDATA\\[)( (id|uri|value|key)=['\"][a-z:/,0-9&;#]{0,9}['\"])?/?>|&(amp|#1|x);|[a-z ]){0,40}") {
        let _ = decode(format!("<xccos>{inside}</xccos>").as_bytes());
    }

    #[test]
    fn damaged_documents_are_answered(
        seed in 0usize..6,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut document = seeds().swap_remove(seed);
        for (place, byte) in changes {
            let place = place.index(document.len());
            document[place] = byte;
        }
        let _ = decode(&document);
        document.truncate(cut.index(document.len()));
        let _ = decode(&document);
    }
}
