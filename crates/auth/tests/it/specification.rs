//! Whole messages from MS-NLMP section 4.2.4, through the public interface.

use crate::{header, seed};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parlor_auth::SignedFields;
use parlor_auth::ntlm::{Client, MessageError, Refusal, Server, Settings, Step};
use std::time::Instant;

/// CHALLENGE_MESSAGE of section 4.2.4.3.
const CHALLENGE: &str = "
    4e 54 4c 4d 53 53 50 00 02 00 00 00 0c 00 0c 00 38 00 00 00 33 82 8a e2 01 23 45 67 89 ab cd ef
    00 00 00 00 00 00 00 00 24 00 24 00 44 00 00 00 06 00 70 17 00 00 00 0f 53 00 65 00 72 00 76 00
    65 00 72 00 02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00 01 00 0c 00 53 00 65 00 72 00 76 00
    65 00 72 00 00 00 00 00";

/// AUTHENTICATE_MESSAGE of section 4.2.4.3.
const AUTHENTICATE: &str = "
    4e 54 4c 4d 53 53 50 00 03 00 00 00 18 00 18 00 6c 00 00 00 54 00 54 00 84 00 00 00 0c 00 0c 00
    48 00 00 00 08 00 08 00 54 00 00 00 10 00 10 00 5c 00 00 00 10 00 10 00 d8 00 00 00 35 82 88 e2
    05 01 28 0a 00 00 00 0f 44 00 6f 00 6d 00 61 00 69 00 6e 00 55 00 73 00 65 00 72 00 43 00 4f 00
    4d 00 50 00 55 00 54 00 45 00 52 00 86 c3 50 97 ac 9c ec 10 25 54 76 4a 57 cc cc 19 aa aa aa aa
    aa aa aa aa 68 cd 0a b8 51 e5 1c 96 aa bc 92 7b eb ef 6a 1c 01 01 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 aa aa aa aa aa aa aa aa 00 00 00 00 02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00
    01 00 0c 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00 00 00 00 00 c5 da d2 54 4f c9 79 90
    94 ce 1c e9 0b c9 d0 3e";

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

/// A server that has a challenge out, and the name of it.
pub(crate) fn waiting(now: Instant) -> (Server, String) {
    let mut server = Server::new(Settings::new("realm", "server.example", "DOMAIN"), seed(1));
    let Step::Challenge(challenge) = server.step(now, &header("NTLM gssapi-data=\"\"")).unwrap() else {
        panic!("an empty token asks for a challenge");
    };
    let opaque = header(&challenge).get("opaque").unwrap().to_owned();
    (server, opaque)
}

pub(crate) fn answer(opaque: &str, message: &[u8]) -> parlor_auth::AuthHeader {
    header(&format!(
        "NTLM opaque=\"{opaque}\", gssapi-data=\"{}\"",
        BASE64_STANDARD.encode(message)
    ))
}

#[test]
fn its_authenticate_is_read() {
    let now = Instant::now();
    let (mut server, opaque) = waiting(now);
    let Step::Check(proof) = server.step(now, &answer(&opaque, &bytes(AUTHENTICATE))).unwrap() else {
        panic!("an answer is to be checked");
    };
    assert_eq!((proof.user(), proof.domain()), ("User", "Domain"));
}

#[test]
fn its_challenge_is_answered() {
    let challenge = BASE64_STANDARD.encode(bytes(CHALLENGE));
    let challenge = header(&format!(
        "NTLM opaque=\"1\", version=4, gssapi-data=\"{challenge}\""
    ));
    let client = Client::new("User", "Domain", "Password");
    let (value, _) = client
        .answer(&challenge, &SignedFields::default(), seed(1))
        .unwrap();
    let message = BASE64_STANDARD
        .decode(header(&value).get("gssapi-data").unwrap())
        .unwrap();
    assert_eq!(&message[..12], b"NTLMSSP\0\x03\0\0\0");
}

#[test]
fn weaker_answers_are_refused() {
    let good = bytes(AUTHENTICATE);
    let refusal = |change: fn(&mut Vec<u8>)| {
        let mut message = good.clone();
        change(&mut message);
        let now = Instant::now();
        let (mut server, opaque) = waiting(now);
        match server.step(now, &answer(&opaque, &message)).unwrap_err() {
            Refusal::Message(error) => error,
            other => panic!("{other}"),
        }
    };
    assert_eq!(
        refusal(|message| message[63] = 0xc2),
        MessageError::Flags { missing: 0x2000_0000 }
    );
    assert_eq!(refusal(|message| message[36] = 0), MessageError::Anonymous);
    assert_eq!(refusal(|message| message[20] = 24), MessageError::NotVersion2);
    assert_eq!(refusal(|message| message[52] = 8), MessageError::SessionKey);
    assert_eq!(refusal(|message| message[36] = 7), MessageError::Name);
    assert_eq!(refusal(|message| message[35] = 0xff), MessageError::Truncated);
    assert_eq!(refusal(|message| message.truncate(200)), MessageError::Truncated);
    assert_eq!(refusal(|message| message[0] = 0), MessageError::Kind);
}
