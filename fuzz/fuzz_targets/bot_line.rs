//! Whatever a bot's program writes is read or refused, line by line, and what is read can be used and written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_bot::process::{FromBot, Lines};

fuzz_target!(|bytes: &[u8]| {
    let Some((piece, text)) = bytes.split_first() else {
        return;
    };
    let mut lines = Lines::new(4096);
    for piece in text.chunks(usize::from(*piece) + 1) {
        lines.push(piece);
        loop {
            match lines.take() {
                Ok(Some(line)) => read(line),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});

fn read(line: &[u8]) {
    let Ok(said) = FromBot::read(line) else {
        return;
    };
    match &said {
        FromBot::Hello { description, .. } => {
            let _ = description.check();
            let _ = description.help("");
        }
        FromBot::Done(done) => {
            for post in &done.posts {
                assert!(post.message().shortened(8000).wire_len() <= 8000);
            }
        }
        _ => {}
    }
    let again = serde_json::to_vec(&said).expect("what was read can be written");
    FromBot::read(&again).expect("and read again");
}
