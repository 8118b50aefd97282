//! Any document is answered, and what was read from it is written so that it is read the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_xccos::{EncodeOptions, MAX_DOCUMENT, decode};

fuzz_target!(|document: &[u8]| {
    let Ok(first) = decode(document) else { return };
    let Ok(written) = first.encode(EncodeOptions::default()) else {
        return;
    };
    if written.len() > MAX_DOCUMENT {
        return;
    }
    let second = decode(&written).expect("our own document is read");
    let Ok(written) = second.encode(EncodeOptions::default()) else {
        return;
    };
    let third = decode(&written).expect("our own document is read");
    assert_eq!(second, third);
});
