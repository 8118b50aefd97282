//! The framer: what it accepts, what it refuses, and that it does not matter how the bytes arrive.

use parlor_sip::{Frame, Framer, FramingError, KeepAlive, Limits, Message, Method, Name, StatusCode};
use proptest::prelude::*;

fn frames_of(framer: &mut Framer, bytes: &[u8]) -> Result<Vec<Frame>, FramingError> {
    framer.buffer().extend_from_slice(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = framer.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn frames(bytes: &[u8]) -> Result<Vec<Frame>, FramingError> {
    frames_of(&mut Framer::new(Limits::default()), bytes)
}

fn one(text: &str) -> Message {
    match frames(text.as_bytes()).unwrap().pop() {
        Some(Frame::Message(message)) => message,
        other => panic!("no message: {other:?}"),
    }
}

/// What a frame was, in words that can be compared.
fn describe(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::Message(message) => message.as_bytes().to_vec(),
        Frame::KeepAlive(KeepAlive::Ping) => b"ping".to_vec(),
        Frame::KeepAlive(KeepAlive::Pong) => b"pong".to_vec(),
    }
}

const INFO: &str = "INFO sip:bot@example.com;gruu;opaque=srvr:parlor:AbC SIP/2.0\r\nv: SIP/2.0/tls 127.0.0.1:38128\r\n\
                    f: <sip:alice@example.com>;tag=1;epid=cf0b98dadeb9\r\nt: <sip:bot@example.com>;tag=2\r\n\
                    CSEQ: 2 INFO\r\ni: abc\r\nc: text/plain\r\nSubject : first\r\n\t second \r\n  third\r\nl: 4\r\n\r\nbody";

#[test]
fn compact_mixed_case_and_folded_headers_are_read() {
    let Message::Request(info) = one(INFO) else {
        panic!("no request")
    };
    assert_eq!(*info.method(), Method::INFO);
    assert_eq!(info.uri().unwrap().opaque(), Some("srvr:parlor:AbC"));
    assert_eq!(info.call_id(), Ok("abc"));
    assert_eq!(info.cseq().unwrap().number, 2);
    assert_eq!(info.from().unwrap().epid(), Some("cf0b98dadeb9"));
    assert_eq!(
        info.headers().get(Name::Subject),
        Some("first  \t second     third")
    );
    assert_eq!(info.headers().get_other("s"), info.headers().get(Name::Subject));
    assert_eq!(&info.body()[..], b"body");
    assert_eq!(info.headers().len(), 8);
    assert_eq!(
        &info.as_bytes()[..],
        INFO.as_bytes(),
        "and come out again as they went in"
    );
}

#[test]
fn a_status_line_may_lack_its_reason() {
    for (line, reason) in [
        ("SIP/2.0 200", ""),
        ("SIP/2.0 200 ", ""),
        ("sip/2.0 200 All  fine", "All  fine"),
    ] {
        let Message::Response(response) = one(&format!("{line}\r\nContent-Length: 0\r\n\r\n")) else {
            panic!("no response")
        };
        assert_eq!((response.status(), response.reason()), (StatusCode::OK, reason));
    }
}

#[test]
fn several_lines_of_one_name_keep_their_order() {
    let message = one(
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nSupported: x, y\r\nVIA: SIP/2.0/TLS b\r\n\
                       Supported: \r\nSupported: z\r\nX-Other: 1\r\nx-other: 2\r\nContent-Length: 0\r\n\r\n",
    );
    let Message::Request(options) = message else {
        panic!("no request")
    };
    assert_eq!(
        options.headers().all(Name::Via).collect::<Vec<_>>(),
        ["SIP/2.0/TLS a", "SIP/2.0/TLS b"]
    );
    assert_eq!(options.supported().collect::<Vec<_>>(), ["x", "y", "z"]);
    assert_eq!(
        options.headers().all_other("X-OTHER").collect::<Vec<_>>(),
        ["1", "2"]
    );
    assert!(options.supports("Z"));
}

#[test]
fn bodies_are_taken_by_length_and_need_not_be_text() {
    let mut bytes = b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 6\r\n\r\n".to_vec();
    bytes.extend_from_slice(b"\xff\r\n\r\n\0OPTIONS sip:a SIP/2.0\r\nl:0\r\n\r\n");
    let frames = frames(&bytes).unwrap();
    assert_eq!(frames.len(), 2);
    let Frame::Message(message) = &frames[0] else {
        panic!("no message")
    };
    assert_eq!(&message.body()[..], b"\xff\r\n\r\n\0");
}

#[test]
fn what_cannot_be_framed_is_refused_with_its_reason() {
    let limits = Limits::default();
    let long = format!(
        "OPTIONS sip:a SIP/2.0\r\nX: {}",
        "x".repeat(usize::from(limits.head))
    );
    let many = format!(
        "OPTIONS sip:a SIP/2.0\r\n{}l: 0\r\n\r\n",
        "X: 1\r\n".repeat(limits.headers)
    );
    for (text, error) in [
        ("OPTIONS sip:a SIP/2.0\r\n\r\n", FramingError::LengthMissing),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n",
            FramingError::LengthConflict,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 0\r\nContent-Length: 0x0\r\n\r\n",
            FramingError::LengthMalformed,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: -1\r\n\r\n",
            FramingError::LengthMalformed,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 18446744073709551616\r\n\r\n",
            FramingError::LengthMalformed,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl:\r\n\r\n",
            FramingError::LengthMalformed,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 65537\r\n\r\n",
            FramingError::BodyTooLong { limit: limits.body },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n",
            FramingError::BodyTooLong { limit: limits.body },
        ),
        ("OPTIONS sip:a SIP/3.0\r\nl: 0\r\n\r\n", FramingError::Version),
        ("SIP/1.0 200 OK\r\nl: 0\r\n\r\n", FramingError::Version),
        ("SIP/2.0 099 No\r\nl: 0\r\n\r\n", FramingError::StartLine),
        ("SIP/2.0 2000 No\r\nl: 0\r\n\r\n", FramingError::StartLine),
        ("GET / HTTP/1.1\r\nl: 0\r\n\r\n", FramingError::StartLine),
        ("OPTIONS sip:a b SIP/2.0\r\nl: 0\r\n\r\n", FramingError::StartLine),
        ("OPTIONS  SIP/2.0\r\nl: 0\r\n\r\n", FramingError::StartLine),
        ("OPTI(ONS sip:a SIP/2.0\r\nl: 0\r\n\r\n", FramingError::StartLine),
        (
            "OPTIONS sip:a SIP/2.0\r\nno colon\r\nl: 0\r\n\r\n",
            FramingError::HeaderLine { line: 1 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\n: value\r\nl: 0\r\n\r\n",
            FramingError::HeaderLine { line: 1 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\n folded\r\nl: 0\r\n\r\n",
            FramingError::HeaderLine { line: 1 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nX Y: 1\r\nl: 0\r\n\r\n",
            FramingError::HeaderLine { line: 1 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nX: a\nEvil: b\r\nl: 0\r\n\r\n",
            FramingError::ControlCharacter { line: 1 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 0\r\nX: a\rb\r\n\r\n",
            FramingError::ControlCharacter { line: 2 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nX: a\0b\r\nl: 0\r\n\r\n",
            FramingError::ControlCharacter { line: 1 },
        ),
        (&long, FramingError::HeadTooLong { limit: limits.head }),
        (
            &many,
            FramingError::TooManyHeaders {
                limit: limits.headers,
            },
        ),
    ] {
        assert_eq!(
            frames(text.as_bytes()).map(|frames| frames.len()),
            Err(error),
            "{text:.60?}"
        );
    }
    assert_eq!(
        frames(b"OPTIONS sip:a SIP/2.0\r\nX: \xff\r\nl: 0\r\n\r\n").unwrap_err(),
        FramingError::NotUtf8
    );
}

#[test]
fn equal_lengths_said_twice_are_no_conflict() {
    assert_eq!(
        one("MESSAGE sip:a SIP/2.0\r\nl: 2\r\nContent-Length: 2\r\n\r\nab")
            .body()
            .len(),
        2
    );
}

#[test]
fn memory_is_given_back_when_everything_was_used() {
    let mut framer = Framer::new(Limits::default());
    framer.buffer().reserve(16 * 1024);
    assert_eq!(frames_of(&mut framer, INFO.as_bytes()).unwrap().len(), 1);
    assert_eq!(framer.buffer().capacity(), 0);
    assert_eq!(frames_of(&mut framer, b"\r\n\r\n\r\n").unwrap().len(), 1);
    assert_eq!(framer.buffer().capacity(), 0, "not even half a ping keeps it");
}

#[test]
fn a_stray_line_end_before_a_message_is_skipped() {
    let text = format!("\r\n{INFO}\r\n{INFO}");
    assert_eq!(frames(text.as_bytes()).unwrap().len(), 2);
}

#[test]
fn a_pong_is_told_from_half_a_ping_by_what_was_asked() {
    let mut framer = Framer::new(Limits::default());
    framer.expect_pong();
    let frames = frames_of(&mut framer, b"\r\n\r\n\r\n").unwrap();
    let kinds: Vec<_> = frames.iter().map(describe).collect();
    assert_eq!(kinds, [b"pong".to_vec(), b"ping".to_vec()]);
}

fn header_value() -> impl Strategy<Value = String> {
    r#"[a-zA-Z0-9 ;=:<>"@,\.\-é]{0,40}"#
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        "[A-Z]{3,9} sip:[a-z]{1,8}@[a-z]{1,8}(;gruu;opaque=[a-z]{1,4}:[A-Za-z]{1,4})? SIP/2[.]0",
        "SIP/2[.]0 [1-6][0-9]{2}( [A-Za-z ]{0,10})?",
    ];
    let name = prop_oneof![
        Just("Via".to_owned()),
        Just("f".to_owned()),
        Just("Supported".to_owned()),
        Just("Route".to_owned()),
        "[A-Z][a-z\\-]{0,12}x",
    ];
    let fold = prop_oneof![8 => Just(""), 1 => Just("\r\n "), 1 => Just("\r\n\t")];
    let line = (
        name,
        prop_oneof![Just(""), Just(" ")],
        header_value(),
        fold,
        header_value(),
    );
    let headers = prop::collection::vec(line, 0..20);
    let body = prop::collection::vec(any::<u8>(), 0..200);
    (start, headers, 0..20usize, body).prop_map(|(start, headers, length_at, body)| {
        let mut text = start + "\r\n";
        let length = format!("Content-Length: {}\r\n", body.len());
        for (index, (name, space, value, fold, more)) in headers.iter().enumerate() {
            if index == length_at {
                text.push_str(&length);
            }
            text.push_str(&format!("{name}{space}: {value}{fold}{more}\r\n"));
        }
        if length_at >= headers.len() {
            text.push_str(&length);
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend_from_slice(&body);
        bytes
    })
}

/// A stream of messages and keep-alives.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![4 => message(), 1 => Just(b"\r\n\r\n".to_vec()), 1 => Just(b"\r\n".to_vec())];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_arrive(stream in stream(), cuts in prop::collection::vec(1..60usize, 1..40)) {
        let whole: Vec<_> = frames(&stream).unwrap().iter().map(describe).collect();
        let mut framer = Framer::new(Limits::default());
        let mut pieces = Vec::new();
        let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            pieces.extend(frames_of(&mut framer, piece).unwrap().iter().map(describe));
            rest = later;
        }
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn a_message_comes_out_as_it_went_in(bytes in message()) {
        let frames = frames(&bytes).unwrap();
        let [Frame::Message(message)] = &frames[..] else { panic!("{frames:?}") };
        prop_assert_eq!(&message.as_bytes()[..], &bytes[..]);
    }

    #[test]
    fn a_message_written_from_its_parts_reads_the_same(bytes in message()) {
        let frames = frames(&bytes).unwrap();
        let [Frame::Message(message)] = &frames[..] else { panic!("{frames:?}") };
        let start = bytes.split(|byte| *byte == b'\r').next().unwrap();
        let mut again = start.to_vec();
        for (name, value) in message.headers().iter() {
            again.extend_from_slice(format!("\r\n{name}: {value}").as_bytes());
        }
        again.extend_from_slice(b"\r\n\r\n");
        again.extend_from_slice(message.body());
        let frames = self::frames(&again).unwrap();
        let [Frame::Message(second)] = &frames[..] else { panic!("{frames:?}") };
        prop_assert_eq!(message.headers().iter().collect::<Vec<_>>(), second.headers().iter().collect::<Vec<_>>());
        prop_assert_eq!(message.body(), second.body());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = frames(&bytes);
    }

    #[test]
    fn no_broken_message_makes_it_panic(mut bytes in message(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for frame in frames(&bytes).unwrap_or_default() {
            let Frame::Message(message) = frame else { continue };
            for (name, value) in message.headers().iter() {
                prop_assert!(message.headers().all_other(name).any(|other| other == value));
            }
        }
    }
}
