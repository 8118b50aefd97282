//! Credentials of any kind, and any NTLM message in answer to a challenge, through the servers' state machines.
#![no_main]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use parlor_auth::{AuthHeader, NtHash, Seed, SignedFields, digest, ntlm};
use std::time::Instant;

fuzz_target!(|data: &[u8]| {
    let now = Instant::now();
    let settings = ntlm::Settings::new("r", "t", "T");
    let mut server = ntlm::Server::new(settings, Seed::new([1; 32]));
    let hash = NtHash::from_password("x");
    let begin = AuthHeader::parse("NTLM gssapi-data=\"\"").expect("a header");
    let Ok(ntlm::Step::Challenge(challenge)) = server.step(now, &begin) else {
        panic!("an empty token asks for a challenge");
    };
    let challenge = AuthHeader::parse(&challenge).expect("our own header");
    let opaque = challenge.get("opaque").expect("our own challenge has a name");

    // As an NTLM message, for our server and in the place of our challenge.
    let token = BASE64_STANDARD.encode(data);
    let answer = format!("NTLM opaque=\"{opaque}\", version=4, gssapi-data=\"{token}\"");
    if let Ok(answer) = AuthHeader::parse(&answer) {
        if let Ok(ntlm::Step::Check(proof)) = server.step(now, &answer) {
            let _ = proof.check(Some(&hash), &SignedFields::default());
        }
        let client = ntlm::Client::new("a", "", "x");
        let _ = client.answer(&answer, &SignedFields::default(), Seed::new([2; 32]));
    }

    // As a header value.
    let Ok(header) = std::str::from_utf8(data)
        .map_err(drop)
        .and_then(|text| AuthHeader::parse(text).map_err(drop))
    else {
        return;
    };
    let printed = header.to_string();
    // Control characters become spaces in quotes, and escapes may make it longer than is read.
    if let Ok(again) = AuthHeader::parse(&printed) {
        assert_eq!(again.to_string(), printed);
    }
    let _ = server.step(now, &header);
    let mut server = digest::Server::new(digest::Settings::new("r").md5(true), Seed::new([3; 32]));
    server.offers(now);
    let _ = server.step(now, "REGISTER", "sip:r", &header);
});
