//! What becomes of a program that does what it should not: its event fails, and nothing else happens.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use parlor_bot::testkit::TestKit;
use parlor_bot::{BotError, SetupError};
use parlor_process::{Fault, INHERITED, Program};
use serde_json::json;

use crate::programs::{exists, kit, naughty};

async fn fails(kit: &mut TestKit, what: &str) -> String {
    let outcome = kit.message("Kitchen", "alice", &format!("!do {what}")).await;
    match outcome {
        Err(BotError::Broken(reason)) => reason.to_string(),
        other => panic!("{what}: {other:?}"),
    }
}

/// Bounded, and far longer than anything here takes.
async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_event_that_ends_the_program_is_broken_and_says_why() {
    for (what, reason) in [
        ("crash", "it ended (exit status: 7)"),
        ("half", "it ended (exit status: 0)"),
        (
            "garbage",
            "it wrote not a line of the protocol: expected ident at line 1 column 2: this is no JSON",
        ),
        ("typo", "unknown field `psots`"),
        ("other", "out of turn: no answer to the event"),
        ("ready", "out of turn: no answer to the event"),
        ("endless", "it wrote a line of more than 8388608 bytes"),
    ] {
        let mut kit = kit(&naughty("")).start().await.unwrap();
        let told = fails(&mut kit, what).await;
        assert!(
            told.starts_with("the program of `naughty`: ") && told.contains(reason),
            "{what}: {told}"
        );
        assert!(kit.posts().is_empty());
        // It stays broken until it is made anew, and says why.
        assert_eq!(fails(&mut kit, "count").await, told);
        kit.restart().await.unwrap();
        assert_eq!(kit.says("alice", "!do count").await, ["count 1, told null"]);
    }
}

#[tokio::test]
async fn a_second_answer_to_one_event_ends_the_program() {
    let mut kit = kit(&naughty("")).start().await.unwrap();
    assert_eq!(kit.says("alice", "!do chatter").await, ["one"]);
    let told = fails(&mut kit, "count").await;
    assert!(told.contains("out of turn"), "{told}");
}

#[tokio::test]
async fn what_a_program_may_not_ask_for_is_refused_and_the_program_goes_on() {
    let mut kit = kit(&naughty("")).start().await.unwrap();
    for (what, reason) in [
        ("many", "more than 100 posts"),
        ("elsewhere", "`Nowhere` is not one of this bot's rooms"),
    ] {
        let outcome = kit.message("Kitchen", "alice", &format!("!do {what}")).await;
        let told = outcome.unwrap_err().to_string();
        assert!(told.starts_with("set aside: ") && told.contains(reason), "{told}");
    }
    assert_eq!(kit.says("alice", "!do dance").await, ["I do not do dance"]);
    assert_eq!(
        kit.says("alice", "a BISCUIT, please").await,
        ["heard [String(\"BISCUIT\")]"]
    );
}

#[tokio::test]
async fn state_is_told_when_it_is_another_than_before() {
    let mut kit = kit(&naughty("")).state("count", json!(4)).start().await.unwrap();
    // Told with the start, which changed nothing.
    assert_eq!(kit.says("alice", "!do count").await, ["count 5, told null"]);
    assert_eq!(
        kit.says("alice", "!do count").await,
        ["count 6, told {\"count\":5}"]
    );
    kit.message("Kitchen", "alice", "biscuit").await.unwrap();
    assert_eq!(kit.says("alice", "!do count").await, ["count 7, told null"]);
    kit.crash_before_commit();
    assert_eq!(kit.says("alice", "!do count").await, ["count 8, told null"]);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn memory_is_limited() {
    let mut program = naughty("");
    program.memory = Some(64 << 20);
    let mut kit = kit(&program).start().await.unwrap();
    let told = fails(&mut kit, "eat").await;
    assert!(told.contains("it ended (signal: 6 (SIGABRT))"), "{told}");
    assert!(
        told.contains("memory allocation of 1048576 bytes failed"),
        "its last words are told: {told}"
    );
}

#[tokio::test]
async fn a_flood_on_standard_error_stops_nothing() {
    let mut kit = kit(&naughty("")).start().await.unwrap();
    assert_eq!(kit.says("alice", "!do flood").await, ["flooded"]);
}

#[tokio::test]
async fn whoever_stops_waiting_for_an_event_ends_the_program() {
    let mut kit = kit(&naughty("")).start().await.unwrap();
    let id: u32 = kit.says("alice", "!do whoami").await[0].parse().unwrap();
    assert!(exists(id));
    let hung = tokio::time::timeout(
        Duration::from_millis(50),
        kit.message("Kitchen", "alice", "!do hang"),
    )
    .await;
    assert!(hung.is_err());
    until("it is killed and waited for", || !exists(id)).await;
}

#[tokio::test]
async fn a_program_ends_with_all_that_it_has_started() {
    for how in ["", "deaf"] {
        let mut kit = kit(&naughty(how)).start().await.unwrap();
        let said = kit.says("alice", "!do child").await;
        let ids: Vec<u32> = said[0].split(' ').map(|id| id.parse().unwrap()).collect();
        assert!(ids.iter().all(|id| exists(*id)), "{ids:?}");
        drop(kit);
        until("both are gone", || !exists(ids[0])).await;
        // The other is left to whoever adopts it, which may take its time.
        let state = format!("/proc/{}/stat", ids[1]);
        until("it is dead", || {
            std::fs::read_to_string(&state).map_or(true, |stat| stat.contains(") Z "))
        })
        .await;
    }
}

#[tokio::test]
async fn a_program_gets_the_variables_it_is_given_and_no_others() {
    let mut program = naughty("");
    program
        .environment
        .insert("TOKEN".to_owned(), "secret".to_owned());
    // Cargo sets it for tests.
    program.inherit.push("CARGO_PKG_NAME".to_owned());
    let mut kit = kit(&program).start().await.unwrap();
    let said = kit.says("alice", "!do environment").await;
    let names: Vec<&str> = said[0].split(' ').collect();
    assert!(
        names.contains(&"TOKEN") && names.contains(&"CARGO_PKG_NAME"),
        "{names:?}"
    );
    let given = |name: &&str| INHERITED.contains(name) || ["TOKEN", "CARGO_PKG_NAME"].contains(name);
    assert!(names.iter().all(given), "{names:?}");
    assert!(
        std::env::var_os("CARGO_MANIFEST_DIR").is_some(),
        "there are others"
    );
    assert!(!format!("{program:?}").contains("secret"));
}

#[test]
fn a_program_that_is_none_is_said_to_be_so() {
    let mut slow = naughty("mute");
    slow.start = Duration::from_millis(100);
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.txt");
    std::fs::write(&plain, "not a program").unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (program, reason) in [
        (
            naughty("quits"),
            "it ended (exit status: 3); its last words: I cannot find my library",
        ),
        (
            naughty("future"),
            "it speaks version 2 of the protocol, and this host version 1",
        ),
        (
            naughty("twice"),
            "it describes itself wrongly: `!go` is declared twice",
        ),
        (slow, "it was not ready within 0s"),
        (
            Program::new("x", ["/nowhere/bot"]),
            "`/nowhere/bot` cannot be started: No such file",
        ),
        (
            Program::new("x", [plain.to_str().unwrap()]),
            "cannot be started: Permission denied",
        ),
        (
            Program::new("x", ["echo", "hello"]),
            "it wrote not a line of the protocol",
        ),
        (Program::new("x", ["cat"]), "missing field `description`"),
        (Program::new("x", Vec::<String>::new()), "cannot be started"),
    ] {
        let told = parlor_process::kind(&program).unwrap_err().to_string();
        assert!(told.contains(reason), "{told}");
    }
    let failure = parlor_process::kind(&naughty("quits")).unwrap_err();
    assert!(matches!(failure.fault(), Fault::Ended(Some(_))));
}

#[tokio::test]
async fn a_program_that_refuses_its_settings_or_goes_away_is_told_apart() {
    let kind = crate::programs::kind(&naughty(""));
    let refused = TestKit::of_kind(kind, json!({ "cups": 0 }))
        .start()
        .await
        .unwrap_err();
    assert_eq!(
        (refused.path(), refused.to_string().as_str()),
        (Some("cups"), "cups: none at all")
    );

    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("bot");
    std::fs::copy(env!("CARGO_BIN_EXE_naughty-program"), &copy).unwrap();
    let mut program = Program::new("naughty", ["./bot"]);
    program.folder = folder.path().to_owned();
    let kind = crate::programs::kind(&program);
    std::fs::remove_file(&copy).unwrap();
    let gone = TestKit::of_kind(kind, json!({})).start().await.unwrap_err();
    assert!(matches!(gone, SetupError::Unavailable(_)), "{gone}");
}

#[test]
fn a_changed_program_is_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("bot.sh");
    let write = |comment: &str| {
        let text = format!("exec {} # {comment}\n", env!("CARGO_BIN_EXE_naughty-program"));
        std::fs::write(&script, text).unwrap();
    };
    write("one");
    let mut program = Program::new("naughty", ["sh", "bot.sh"]);
    program.folder = folder.path().to_owned();
    let first = crate::programs::kind(&program);
    assert_eq!(first, crate::programs::kind(&program));
    write("another");
    let changed = crate::programs::kind(&program);
    assert_ne!(first, changed);
    program.memory = None;
    assert_ne!(changed, crate::programs::kind(&program));
}
