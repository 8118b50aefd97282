//! A bot without any library, as one in another language would be, that does on command what no program should.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

fn main() {
    let how = std::env::args().nth(1).unwrap_or_default();
    match how.as_str() {
        "mute" => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        "quits" => {
            complain("I cannot find my library");
            std::process::exit(3);
        }
        _ => {}
    }
    let mut state = Value::Null;
    for line in std::io::stdin().lock().lines() {
        let told: Value = serde_json::from_str(&line.unwrap_or_default()).unwrap_or_default();
        match told["type"].as_str() {
            Some("hello") if how == "future" => {
                say(&json!({ "type": "hello", "protocol": 2, "description": { "kind": "x", "about": "" } }))
            }
            Some("hello") if how == "twice" => say(&json!({ "type": "hello", "protocol": 1, "description": {
                "kind": "x", "about": "", "commands": [{ "name": "go", "about": "" }, { "name": "go", "about": "" }] } })),
            Some("hello") => say(&json!({ "type": "hello", "protocol": 1, "description": {
                "kind": "naughty", "about": "Does what no program should.",
                "commands": [{ "name": "do", "about": "Does it.", "arguments": [{ "name": "what", "about": "What." }] }],
                "settings": { "type": "object", "additionalProperties": false, "properties": { "cups": { "type": "integer" }, "tick": { "type": "boolean" } } },
            } })),
            Some("configure") if told["settings"]["cups"] == 0 => {
                say(
                    &json!({ "type": "refused", "problems": [{ "path": "cups", "problem": "none at all" }] }),
                );
            }
            Some("configure") if told["settings"]["tick"] == true => {
                say(&json!({ "type": "ready", "keywords": ["biscuit"],
                "schedules": [{ "id": "tick", "every": "1s" }] }))
            }
            Some("configure") => say(&json!({ "type": "ready", "keywords": ["biscuit"] })),
            Some("event") => {
                if !told["state"].is_null() {
                    state = told["state"].clone();
                }
                event(&told, &state);
            }
            _ => complain("what is that?"),
        }
    }
    if how == "deaf" {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Once is enough.
fn tick(id: &Value, state: &Value) {
    if state["ticked"].is_null() {
        let post = json!({ "room": "Kitchen", "text": "tick" });
        say(&json!({ "type": "done", "id": id, "posts": [post], "state": { "ticked": true } }));
    } else {
        say(&json!({ "type": "done", "id": id, "skipped": "ticked before" }));
    }
}

fn event(told: &Value, state: &Value) {
    let id = &told["id"];
    if told["event"]["type"] == "schedule" {
        return tick(id, state);
    }
    let what = told["command"]["arguments"]["what"].as_str().unwrap_or_default();
    match what {
        "" => {
            let posts: Vec<Value> = told["found"]
                .as_array()
                .map(|words| vec![json!({ "text": format!("heard {words:?}") })])
                .unwrap_or_default();
            say(&json!({ "type": "done", "id": id, "posts": posts }));
        }
        "count" => {
            let count = state["count"].as_u64().unwrap_or_default() + 1;
            let post = json!({ "text": format!("count {count}, told {}", told["state"]) });
            say(&json!({ "type": "done", "id": id, "posts": [post], "state": { "count": count } }));
        }
        "crash" => std::process::exit(7),
        "half" => {
            print("{\"type\":\"done\",\"id\":");
            std::process::exit(0);
        }
        "hang" => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        "garbage" => print("this is no JSON\n"),
        "typo" => say(&json!({ "type": "done", "id": id, "psots": [] })),
        "other" => say(&json!({ "type": "done", "id": 4711 })),
        "ready" => say(&json!({ "type": "ready" })),
        "chatter" => {
            say(&json!({ "type": "done", "id": id, "posts": [{ "text": "one" }] }));
            say(&json!({ "type": "done", "id": id, "posts": [{ "text": "two" }] }));
        }
        "endless" => loop {
            print(&"x".repeat(65_536));
        },
        "eat" => {
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            loop {
                eaten.push(vec![1; 1 << 20]);
            }
        }
        "flood" => {
            for line in 0..100_000 {
                complain(&format!("line {line} of many"));
            }
            say(&json!({ "type": "done", "id": id, "posts": [{ "text": "flooded" }] }));
        }
        "many" => {
            let posts = vec![json!({ "text": "again" }); 101];
            say(&json!({ "type": "done", "id": id, "posts": posts }));
        }
        "elsewhere" => {
            say(&json!({ "type": "done", "id": id, "posts": [{ "room": "Nowhere", "text": "hi" }] }))
        }
        "environment" => {
            let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            names.sort_unstable();
            say(&json!({ "type": "done", "id": id, "posts": [{ "text": names.join(" ") }] }));
        }
        "child" => {
            // It holds the pipes of this program and outlives it, unless somebody sees to it.
            let child = std::process::Command::new("sleep").arg("3600").spawn();
            let child = child.map(|child| child.id()).unwrap_or_default();
            say(
                &json!({ "type": "done", "id": id, "posts": [{ "text": format!("{} {child}", std::process::id()) }] }),
            );
        }
        "whoami" => {
            say(&json!({ "type": "done", "id": id, "posts": [{ "text": std::process::id().to_string() }] }))
        }
        other => {
            say(&json!({ "type": "tell", "id": id, "post": { "text": format!("I do not do {other}") } }))
        }
    }
}

fn say(line: &Value) {
    print(&format!("{line}\n"));
}

fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    if output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .is_err()
    {
        std::process::exit(1);
    }
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
