//! Any body of SERVICE or SUBSCRIBE is read or refused; what is kept of it is well-formed and comes back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| parlor_server::fuzzing::body(document));
