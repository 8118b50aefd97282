//! Any input is refused or taken, never a panic.

use crate::specification::{answer, waiting};
use parlor_auth::AuthHeader;
use proptest::prelude::*;
use std::time::Instant;

proptest! {
    #[test]
    fn any_header_value(value in "\\PC{0,80}") {
        if let Ok(header) = AuthHeader::parse(&value) {
            prop_assert_eq!(AuthHeader::parse(&header.to_string()), Ok(header));
        }
    }

    #[test]
    fn values_that_look_like_headers(value in "(NTLM|Digest) ([a-c]=(\"[a-z\\\\ ,]{0,4}\"|[a-z=/]{0,4})[, ]{0,2}){0,4}") {
        if let Ok(header) = AuthHeader::parse(&value) {
            prop_assert_eq!(AuthHeader::parse(&header.to_string()), Ok(header));
        }
    }

    #[test]
    fn any_ntlm_message(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let now = Instant::now();
        let (mut server, opaque) = waiting(now);
        let message = [&b"NTLMSSP\0\x03\0\0\0"[..], &body].concat();
        if let Ok(step) = server.step(now, &answer(&opaque, &message)) {
            drop(step);
        }
    }
}
