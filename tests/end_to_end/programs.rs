//! Bots that are programs: here one in a few lines of shell, and the example in Python.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::deployment::{Deployment, complaint};

/// Greets whoever says `!greet`.
const GREETER: &str = r#"
echo $$ >greeter.pid
while IFS= read -r line; do
  id=${line#*'"id":'} id=${id%%,*}
  case $line in
  *'"type":"hello"'*)
    echo '{"type":"hello","protocol":1,"description":{"kind":"greeter","about":"Greets, from a shell.",
    "commands":[{"name":"greet","about":"Greets you."}],
    "settings":{"type":"object","additionalProperties":false,
    "properties":{"greeting":{"type":"string","description":"Whom it greets."}}}}}' | tr -d '\n'; echo ;;
  *'"type":"configure"'*'"greeting":"nobody"'*)
    echo '{"type":"refused","problems":[{"path":"greeting","problem":"nobody is not greeted"}]}' ;;
  *'"type":"configure"'*) echo '{"type":"ready"}' ;;
  *'"command":{"name":"greet"'*) echo '{"type":"done","id":'$id',"posts":[{"text":"Hello there."}]}' ;;
  *) echo '{"type":"done","id":'$id'}' ;;
  esac
done
"#;

const BOT: &str = r#"
[host.program.greeter]
command = ["sh", "greeter.sh"]
[[host.bot]]
id = "greeter"
kind = "greeter"
user = "sip:helpbot@example.com"
rooms = ["Help"]
[host.bot.settings]
greeting = "everybody"
"#;

fn deployment(bot: &str) -> Deployment {
    let deployment = Deployment::new(bot);
    deployment.write("greeter.sh", GREETER);
    deployment
}

#[test]
fn a_program_is_checked_listed_and_shown_as_a_bot_is() {
    let right = deployment(BOT);
    let checked = right.run(&["check"]);
    assert!(checked.status.success(), "{}", complaint(&checked));
    let kinds = right.json(&["bot", "list"]).to_string();
    assert!(kinds.contains("Greets, from a shell."), "{kinds}");
    let shown = right.run(&["bot", "show", "greeter"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("!greet - Greets you.") && shown.contains("greeting  text"),
        "{shown}"
    );

    for (wrong, expected) in [
        (BOT.replace("greeting =", "greting ="), "did you mean `greeting`?"),
        (BOT.replace("\"everybody\"", "5"), "greeting: `5` is not a text"),
        (
            BOT.replace("everybody", "nobody"),
            "greeting: nobody is not greeted",
        ),
        (
            BOT.replace("greeter.sh", "gone.sh"),
            "host.program.greeter.command: the program of `greeter`: it ended",
        ),
        (
            BOT.replace("kind = \"greeter\"", "kind = \"greter\""),
            "did you mean `greeter`?",
        ),
    ] {
        let output = deployment(&wrong).run(&["check"]);
        assert_eq!(output.status.code(), Some(3));
        let words = complaint(&output);
        assert!(words.contains(expected), "`{expected}` is missing in:\n{words}");
    }
    let broken = deployment(&BOT.replace("greeter.sh", "gone.sh"));
    let kinds = broken.json(&["bot", "list"]).to_string();
    assert!(
        kinds.contains("announcer") && !kinds.contains("greeter"),
        "{kinds}"
    );
    let status = broken.run(&["status"]);
    assert_eq!(
        status.status.code(),
        Some(4),
        "it is not started for a look at the status: {}",
        complaint(&status)
    );
}

#[test]
fn a_changed_program_is_taken_up_and_none_is_left_behind() {
    let deployment = deployment(BOT);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    let greet = || deployment.json(&["room", "post", "Help", "!greet", "--as", "sip:alice@example.com"]);
    greet();
    up.event("posted", |event| event["excerpt"] == "Hello there.");
    let same = deployment.json(&["reload"]);
    assert_eq!(same[0]["changes"], serde_json::json!([]), "{same}");
    deployment.write("greeter.sh", &GREETER.replace("Hello there.", "Hello once more."));
    let changed = deployment.json(&["reload"]);
    assert_eq!(
        changed[0]["changes"],
        serde_json::json!(["bots started anew: greeter"]),
        "{changed}"
    );
    greet();
    up.event("posted", |event| event["excerpt"] == "Hello once more.");
    deployment.write("greeter.sh", "exit 1");
    let kept = deployment.run(&["reload"]);
    assert_eq!(kept.status.code(), Some(3), "{}", complaint(&kept));
    greet();
    up.event("posted", |event| event["excerpt"] == "Hello once more.");
    up.interrupt();
    let id = fs::read_to_string(deployment.path("greeter.pid")).expect("it ran");
    assert!(!std::path::Path::new("/proc").join(id.trim()).exists());
}

fn talk(deployment: &Deployment, arguments: &[&str], dialogue: &str) -> Output {
    deployment.write("dialogue.txt", dialogue);
    let dialogue = fs::File::open(deployment.path("dialogue.txt")).expect("the dialogue");
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command
        .current_dir(deployment.path(""))
        .args(["--config", "parlor.toml", "bot", "try"]);
    command
        .args(arguments)
        .stdin(Stdio::from(dialogue))
        .env("NO_COLOR", "1");
    command.output().expect("the program runs")
}

#[test]
fn a_bot_can_be_talked_with_without_a_server() {
    let deployment = deployment(BOT);
    let said = talk(
        &deployment,
        &["greeter"],
        "alice: !greet\nalice: !greet you\nnonsense\nalice: hello\n",
    );
    let heard = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(
        heard,
        "bot: Hello there.\nbot: `you` is more than the command takes. Usage: !greet\n"
    );
    assert!(complaint(&said).contains("`nonsense` is not of a dialogue"));
    let settings = talk(
        &deployment,
        &["greeter", "--settings", "{\"greeting\":\"nobody\"}"],
        "",
    );
    assert!(complaint(&settings).contains("greeting: nobody is not greeted"));
    let shipped = talk(&deployment, &["faq"], "");
    assert!(complaint(&shipped).contains("the bot is not made: .: missing field `editors`"));
}

/// What docs/process-bots.md shows.
#[test]
fn the_example_in_python_does_what_its_guide_shows() {
    if Command::new("python3").arg("--version").output().is_err() {
        // Python is not needed to build or test anything else.
        return;
    }
    let deployment = deployment("");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/programs/tea.py");
    let guide = include_str!("../../docs/process-bots.md");
    let shown = guide
        .split("```text\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the guide shows a dialogue");
    let is_bot = |line: &&str| line.starts_with("bot") || line.starts_with('|');
    let spoken: Vec<&str> = shown.lines().filter(|line| !is_bot(line)).collect();
    let answers: Vec<&str> = shown.lines().filter(is_bot).collect();
    let arguments = [
        "--settings",
        "{\"cups\": 4}",
        "--room",
        "Kitchen",
        "--",
        "python3",
        example,
    ];
    let said = talk(&deployment, &arguments, &spoken.join("\n"));
    let heard = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(heard.lines().collect::<Vec<_>>(), answers, "{}", complaint(&said));
}
