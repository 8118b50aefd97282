//! Ids: what is read, in which one form it is kept, and what is refused with which words.

use parlor_xccos::*;
use proptest::prelude::*;

const GUID: &str = "76bc12ef-0000-4000-8000-0000000000ff";

#[test]
fn guids_are_read_in_any_case_and_written_in_lower_case() {
    for text in [GUID.to_owned(), GUID.to_uppercase(), format!("{{{GUID}}}")] {
        let room: RoomId = text.parse().unwrap();
        assert_eq!(room.to_string(), GUID);
        assert_eq!(room.as_bytes()[..4], [0x76, 0xBC, 0x12, 0xEF]);
        assert_eq!(RoomId::from_bytes(*room.as_bytes()), room);
    }
    for text in [
        "",
        "76bc",
        "76bc12ef000040008000-0000000000ff----",
        &GUID.replace('-', "0"),
        &format!("{{{GUID}"),
        "76bc12eg-0000-4000-8000-0000000000ff",
    ] {
        assert!(text.parse::<Guid>().is_err(), "{text}");
    }
    assert_eq!(
        GuidError.to_string(),
        "not a GUID (expected 8-4-4-4-12 hex digits)"
    );
}

#[test]
fn room_addresses_are_compared_in_lower_case() {
    let uri: RoomUri = format!(" MA-CHAN://Example.COM/{} ", GUID.to_uppercase())
        .parse()
        .unwrap();
    assert_eq!(uri.to_string(), format!("ma-chan://example.com/{GUID}"));
    assert_eq!(
        (uri.domain(), uri.room().to_string().as_str()),
        ("example.com", GUID)
    );
    assert_eq!(uri.sibling(uri.room()), uri);
    let category: CategoryUri = format!("ma-cat://d/{GUID}").parse().unwrap();
    assert_eq!(category.category().to_string(), GUID);
}

#[test]
fn what_is_no_room_address_is_refused() {
    let error = |text: &str| text.parse::<RoomUri>().unwrap_err();
    assert_eq!(error("").to_string(), "scheme is not ma-chan://");
    assert!(matches!(
        error(&format!("ma-cat://d/{GUID}")),
        UriError::Scheme { .. }
    ));
    assert_eq!(
        error("ma-chan://d").to_string(),
        "not a GUID (expected 8-4-4-4-12 hex digits)"
    );
    assert_eq!(
        error(&format!("ma-chan:///{GUID}")).to_string(),
        "domain is not a DNS name"
    );
    assert_eq!(error(&format!("ma-chan://a b/{GUID}")), UriError::Domain);
    assert_eq!(
        error(&format!("ma-chan://{}/{GUID}", "d".repeat(254))),
        UriError::Domain
    );
    assert!(matches!(error(&format!("ma-chan://d/{GUID}/x")), UriError::Id(_)));
    assert!(matches!(error("ma-chän://"), UriError::Scheme { .. }));
}

#[test]
fn users_are_compared_without_what_does_not_name_them() {
    for text in [
        "sip:Alice@Example.com",
        " SIP:alice@example.com:5061;transport=tls?a=b ",
        "sip:alice:secret@example.com;opaque=user:epid:x;gruu",
    ] {
        let user: SipUri = text.parse().unwrap();
        assert_eq!(user.as_str(), "sip:alice@example.com", "{text}");
        assert_eq!((user.user(), user.host()), ("alice", "example.com"));
    }
    assert_eq!(
        "sip:a@[2001:DB8::1]:5060".parse::<SipUri>().unwrap().host(),
        "[2001:db8::1]"
    );
}

#[test]
fn what_is_no_user_is_refused() {
    let error = |text: &str| SipUri::try_from(text).unwrap_err().to_string();
    for text in [
        "",
        "alice@example.com",
        "sips:a@b",
        "tel:+1",
        "ma-grp:x@u.g",
        "sí:a@b",
    ] {
        assert_eq!(error(text), "scheme is not sip:", "{text}");
    }
    for text in ["sip:example.com", "sip:@example.com", "sip::x@example.com"] {
        assert_eq!(error(text), "user part is missing", "{text}");
    }
    for text in [
        "sip:a@",
        "sip:a@;x",
        "sip:a@b c",
        "sip:a@[::1",
        "sip:a@b@c",
        "sip:a@ü.de",
    ] {
        assert_eq!(error(text), "host is not a DNS name or address", "{text}");
    }
    for text in ["sip:a b@c", "sip:<a@c", "sip:ü@c", "sip:a\u{1}@c"] {
        assert_eq!(
            error(text),
            "user part holds a character that a SIP URI cannot hold",
            "{text}"
        );
    }
    assert_eq!(
        error(&format!("sip:{}@c", "a".repeat(449))),
        "longer than 454 bytes"
    );
    assert!(SipUri::try_from(format!("sip:{}@c", "a".repeat(448)).as_str()).is_ok());
}

#[test]
fn post_keys_fit_an_attribute_and_an_index() {
    assert_eq!(
        "feed/news:42".parse::<PostKey>().unwrap().as_str(),
        "feed/news:42"
    );
    assert!("k".repeat(64).parse::<PostKey>().is_ok());
    for (text, error) in [
        (String::new(), "post key is empty"),
        ("k".repeat(65), "post key is longer than 64 bytes"),
        (
            "a b".to_owned(),
            "post key holds a character that is not visible ASCII",
        ),
        (
            "ä".to_owned(),
            "post key holds a character that is not visible ASCII",
        ),
    ] {
        assert_eq!(text.parse::<PostKey>().unwrap_err().to_string(), error);
    }
}

#[test]
fn envelope_ids_are_kept_as_text() {
    assert_eq!(EnvelopeId::from(u64::MAX).as_str(), "18446744073709551615");
    assert_eq!(EnvelopeId::from(0), EnvelopeId::default());
    assert_eq!("007".parse::<EnvelopeId>().unwrap().to_string(), "007");
    for text in ["", "1 2", "184467440737095516150", "é"] {
        assert!(text.parse::<EnvelopeId>().is_err(), "{text}");
    }
}

#[test]
fn rights_are_bits() {
    assert!(Rights::LEGACY_OPERATOR.manages() && !Rights::LEGACY_USER.manages());
    assert!(Rights::PRESENTER.presents() && Rights::PRESENTER.contains(Rights::MEMBER));
    assert_eq!(
        Rights::MEMBER,
        Rights::JOIN | Rights::CHAT | Rights::READ | Rights::SEE
    );
    assert_eq!(Rights::PRESENTER, Rights::MEMBER | Rights::PRESENT);
    assert_eq!(
        Rights::MANAGER,
        Rights::MEMBER | Rights::MANAGE | Rights::BYPASS_VISIBILITY
    );
    assert_eq!(Rights::ALL, Rights::MANAGER | Rights::PRESENTER);
    assert_eq!(
        (Rights::ALL.legacy(), Rights::MEMBER.legacy()),
        (Rights::LEGACY_OPERATOR, Rights::LEGACY_USER)
    );
}

#[test]
fn words_for_people_are_read_back() {
    for privacy in [Privacy::Open, Privacy::Closed, Privacy::Secret] {
        assert_eq!(privacy.to_string().to_uppercase().parse(), Ok(privacy));
    }
    for behavior in [Behavior::Normal, Behavior::Auditorium] {
        assert_eq!(behavior.to_string().parse(), Ok(behavior));
    }
    assert_eq!(
        "hidden".parse::<Privacy>().unwrap_err().to_string(),
        "expected open, closed or secret"
    );
    assert_eq!(
        "loud".parse::<Behavior>().unwrap_err().to_string(),
        "expected normal or auditorium"
    );
}

#[test]
fn ids_are_text_in_json_and_numbers_are_numbers() {
    let json = |value: serde_json::Value| value.to_string();
    let mut info = RoomInfo::new(format!("ma-chan://d/{GUID}").parse().unwrap(), "Lobby");
    info.privacy = Privacy::Secret;
    let value = serde_json::to_value(&info).unwrap();
    assert_eq!(json(value["uri"].clone()), format!("\"ma-chan://d/{GUID}\""));
    assert_eq!(
        (json(value["privacy"].clone()), json(value["behavior"].clone())),
        ("\"secret\"".to_owned(), "\"normal\"".to_owned())
    );
    assert_eq!(serde_json::from_value::<RoomInfo>(value).unwrap(), info);
    let both = (MessageId(7), Timestamp::EPOCH, EnvelopeId::from(3));
    assert_eq!(
        serde_json::to_string(&both).unwrap(),
        r#"[7,"1970-01-01T00:00:00Z","3"]"#
    );
    let error = serde_json::from_str::<SipUri>("\"alice\"").unwrap_err();
    assert!(error.to_string().starts_with("scheme is not sip:"));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "(sip:|ma-chan://|ma-cat://|\\{|@|\\[|\\]|[a-z0-9/;:?-]|\\PC){0,30}") {
        let _ = (text.parse::<RoomUri>(), text.parse::<CategoryUri>(), text.parse::<Guid>(), text.parse::<PostKey>());
        if let Ok(user) = text.parse::<SipUri>() {
            prop_assert_eq!(user.as_str().parse(), Ok(user.clone()));
            prop_assert_eq!(format!("sip:{}@{}", user.user(), user.host()), user.as_str());
        }
    }
}
