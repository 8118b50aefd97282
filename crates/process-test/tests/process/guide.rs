//! docs/process-bots.md: every line that it shows is one of the protocol.

use parlor_bot::process::{FromBot, ToBot};

#[test]
fn every_line_of_the_guide_is_one_of_the_protocol() {
    let guide = include_str!("../../../../docs/process-bots.md");
    let blocks = guide
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let (mut told, mut said) = (0, 0);
    for line in blocks.flat_map(str::lines) {
        // The bot first: what it says is read strictly, what the host says is not.
        match FromBot::read(line.as_bytes()) {
            Ok(_) => said += 1,
            Err(from) => match ToBot::read(line.as_bytes()) {
                Ok(_) => told += 1,
                Err(to) => panic!("{line}: {from}, {to}"),
            },
        }
    }
    assert_eq!((told, said), (3, 8), "lines of the host, and of the bot");
}
