//! What one core does in a second: `cargo bench -p parlor-sip`. Results are recorded in `docs/performance.md`.

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use parlor_sip::{
    AgentSettings, Event, Frame, Framer, Limits, Message, Method, RequestDraft, StatusCode, Target,
    Transport, Uri, UserAgent,
};
use std::time::Instant;

fn main() {
    divan::main();
}

/// Messages per read, as a busy connection delivers them.
const BATCH: usize = 16;

/// An INFO of 1.3 KB as a trusted application gets it: GRUU, long addresses, 660 bytes of XCCOS.
fn info() -> Vec<u8> {
    let body = "x".repeat(660);
    let text = format!(
        "INFO sip:bot.example.com@example.com;gruu;opaque=srvr:parlor:yDUhQWqi81WfJXFUvMAwtwAA SIP/2.0\r\n\
         Via: SIP/2.0/TLS chat.example.com:5061;branch=z9hG4bK63cbe1e459320dd6;ms-received-port=5061\r\n\
         Record-Route: <sip:pool.example.com:5061;transport=tls;ms-fe=fe1.example.com;opaque=state:T;lr>\r\n\
         Max-Forwards: 70\r\n\
         From: \"Persistent Chat\" <sip:chat@example.com>;tag=044c3cd7f43c661c;epid=cf0b98dadeb9\r\n\
         To: <sip:newsbot@example.com>;tag=2104528493;epid=aabbccddeeff\r\n\
         Call-ID: 89CDg2597a4D36i940Em40BEt03F0b3F97x09D5x\r\n\
         CSeq: 1234 INFO\r\n\
         User-Agent: RTC/5.0 Parlor/0.1\r\n\
         Supported: timer, gruu-10, ms-benotify\r\n\
         Content-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!((1250..1450).contains(&text.len()), "{}", text.len());
    text.into_bytes()
}

/// A 200 OK as a Front End would send it, with a recorded route.
fn ok() -> Vec<u8> {
    b"SIP/2.0 200 OK\r\n\
      Via: SIP/2.0/TLS 127.0.0.1:38128;branch=z9hG4bK63cbe1e459320dd6;ms-received-port=38128;ms-received-cid=400\r\n\
      Record-Route: <sip:pool.example.com:5061;transport=tls;ms-fe=fe1.example.com;opaque=state:T;lr>\r\n\
      From: <sip:alice@example.com>;tag=1724421186;epid=cf0b98dadeb9\r\n\
      To: <sip:chat@example.com>;tag=044c3cd7f43c661c\r\n\
      Call-ID: 89CDg2597a4D36i940Em40BEt03F0b3F97x09D5x\r\n\
      CSeq: 1 INVITE\r\n\
      Contact: <sip:chat@chat.example.com:5061;transport=tls>\r\n\
      Server: RTC/5.0\r\n\
      Session-Expires: 1800;refresher=uac\r\n\
      Supported: timer\r\n\
      Content-Length: 0\r\n\r\n"
        .to_vec()
}

fn parse_batch(bencher: Bencher, message: &[u8]) {
    let bytes = message.repeat(BATCH);
    let mut framer = Framer::new(Limits::default());
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        framer.buffer().extend_from_slice(&bytes);
        while let Ok(Some(Frame::Message(message))) = framer.next_frame() {
            divan::black_box(&message);
        }
    });
}

/// Framer to message, headers indexed; sixteen messages per read.
#[divan::bench]
fn parse_info_1300(bencher: Bencher) {
    parse_batch(bencher, &info());
}

/// The same, one message per read.
#[divan::bench]
fn parse_info_1300_alone(bencher: Bencher) {
    let bytes = info();
    let mut framer = Framer::new(Limits::default());
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        framer.buffer().extend_from_slice(&bytes);
        divan::black_box(framer.next_frame())
    });
}

/// Parsed, and then everything the user agent reads of it.
#[divan::bench]
fn parse_info_1300_typed(bencher: Bencher) {
    let bytes = info();
    let mut framer = Framer::new(Limits::default());
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        framer.buffer().extend_from_slice(&bytes);
        let Ok(Some(Frame::Message(Message::Request(request)))) = framer.next_frame() else {
            return;
        };
        divan::black_box((request.via().ok(), request.from().ok(), request.to().ok()));
        divan::black_box((request.cseq().ok(), request.uri().ok()));
    });
}

#[divan::bench]
fn parse_ok(bencher: Bencher) {
    parse_batch(bencher, &ok());
}

fn agent(sent_by: &str) -> UserAgent {
    let mut settings = AgentSettings::new(sent_by, Transport::Tls, "Parlor/0.1");
    settings.quiet_info_success = true;
    settings.limits.client_transactions = usize::MAX;
    UserAgent::new(settings, 1)
}

fn uri(text: &str) -> Uri {
    text.parse().expect("a literal URI")
}

fn carry(from: &mut UserAgent, to: &mut UserAgent) {
    let mut pieces: Vec<Bytes> = Vec::new();
    from.take_output(&mut pieces);
    for piece in pieces {
        to.read_buffer().extend_from_slice(&piece);
    }
}

/// Two agents with a dialog between them.
fn dialog(now: Instant) -> (UserAgent, parlor_sip::DialogId, UserAgent, parlor_sip::DialogId) {
    let (mut caller, mut callee) = (agent("192.0.2.1:40000"), agent("chat.example.com:5061"));
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let (at_caller, _) = caller.invite(now, &target, RequestDraft::new(Method::INVITE));
    carry(&mut caller, &mut callee);
    let Ok(Some(Event::Request {
        transaction: Some(transaction),
        ..
    })) = callee.poll_event(now)
    else {
        panic!("the INVITE arrives")
    };
    let at_callee = callee
        .accept(now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .expect("it is an INVITE");
    carry(&mut callee, &mut caller);
    assert!(caller.poll_event(now).is_ok());
    carry(&mut caller, &mut callee);
    assert!(callee.poll_event(now).is_ok());
    (caller, at_caller, callee, at_callee)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the agents need one real instant to start from"
)]
fn start() -> Instant {
    Instant::now()
}

/// An INFO written, parsed, shown, answered, and the answer parsed and matched.
#[divan::bench]
fn info_round_trip(bencher: Bencher) {
    let now = start();
    let (mut caller, at_caller, mut callee, _) = dialog(now);
    let body = Bytes::from(vec![b'x'; 600]);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        caller
            .info(now, at_caller, "text/plain", body.clone())
            .expect("the dialog stands");
        carry(&mut caller, &mut callee);
        let Ok(Some(Event::Request {
            transaction: Some(transaction),
            ..
        })) = callee.poll_event(now)
        else {
            panic!("the INFO arrives")
        };
        callee.respond(transaction, StatusCode::OK).expect("it waits");
        carry(&mut callee, &mut caller);
        assert!(matches!(caller.poll_event(now), Ok(None)));
    });
}

/// What one delivery of a room's post costs before the socket: head from the template, shared body.
#[divan::bench]
fn info_head(bencher: Bencher) {
    let now = start();
    let body = Bytes::from(vec![b'x'; 600]);
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| (dialog(now), Vec::<Bytes>::with_capacity(2 * BATCH)))
        .bench_local_refs(|((_, _, callee, at_callee), pieces)| {
            for _ in 0..BATCH {
                callee
                    .info(now, *at_callee, "text/plain", body.clone())
                    .expect("the dialog stands");
            }
            callee.take_output(pieces);
            pieces.len()
        });
}
