//! Any bytes, cut anywhere: no panic, the same frames as uncut, and every typed header can be asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_sip::{Frame, Framer, FramingError, Limits, Message};

type Seen = (Vec<Vec<u8>>, Option<FramingError>);

fn frames(pieces: &[&[u8]]) -> Seen {
    let mut framer = Framer::new(Limits::default());
    let mut seen = Vec::new();
    for piece in pieces {
        framer.buffer().extend_from_slice(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    ask_everything(&message);
                    seen.push(message.as_bytes().to_vec());
                }
                Ok(Some(Frame::KeepAlive(_))) => seen.push(b"keep-alive".to_vec()),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    (seen, None)
}

fn ask_everything(message: &Message) {
    let lines = message.headers().iter().count();
    assert_eq!(lines, message.headers().len());
    for (name, value) in message.headers().iter() {
        assert!(!value.contains(['\r', '\n', '\0']));
        assert!(message.headers().all_other(name).any(|other| other == value));
    }
    macro_rules! typed {
        ($message:expr) => {{
            let message = $message;
            if let Ok(from) = message.from() {
                let again: parlor_sip::NameAddr =
                    from.to_string().parse().expect("what we write we can read");
                assert_eq!(again.uri, from.uri);
            }
            let _ = (
                message.to(),
                message.contact(),
                message.cseq(),
                message.call_id(),
                message.expires(),
            );
            let _ = (
                message.session_expires(),
                message.routes(),
                message.record_routes(),
            );
            let _ = (message.supported().count(), message.event().is_some());
            let _ = (
                message.via().map(|via| via.branch().map(str::len)),
                message.content_type().is_some(),
            );
        }};
    }
    match message {
        Message::Request(request) => {
            typed!(request);
            if let Ok(uri) = request.uri() {
                assert_eq!(uri.as_str(), request.uri_text());
                let _ = (uri.aor(), uri.opaque().map(str::len), uri.params().count());
            }
        }
        Message::Response(response) => typed!(response),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((cut, data)) = data.split_first() else {
        return;
    };
    let whole = frames(&[data]);
    let pieces: Vec<&[u8]> = data.chunks(usize::from(*cut % 64) + 1).collect();
    let cut = frames(&pieces);
    // A broken stream may be found broken earlier when it arrives whole, never differently.
    assert_eq!(whole.0, cut.0);
    assert_eq!(whole.1.is_some(), cut.1.is_some());
});
