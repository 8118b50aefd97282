//! What the FAQ bot collects, whom it answers, and the page it keeps.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::time::Duration;

use parlor_bot::testkit::{TestKit, TestKitBuilder};
use parlor_bot::{Event, Setup};
use parlor_bot_faq::Faq;
use serde_json::{Value, json};

/// A kit in two rooms, where Alice is an editor; `extra` are further settings.
fn kit_in(folder: &Path, extra: Value) -> TestKitBuilder {
    let mut settings = json!({"editors": ["sip:alice@example.com"]});
    settings
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let setup = Setup::new("test", "sip:bot@example.com".parse().unwrap()).with_folder(folder);
    TestKit::of::<Faq>(settings).setup(setup).rooms(["Help", "Ops"])
}

async fn kit(extra: Value) -> TestKit {
    kit_in(Path::new("."), extra).start().await.unwrap()
}

/// Says it in the first room and gives the answer.
async fn ask(kit: &mut TestKit, who: &str, text: &str) -> String {
    kit.message("Help", who, text).await.unwrap();
    let texts: Vec<_> = kit
        .take_posts()
        .into_iter()
        .map(|post| post.message.display_text())
        .collect();
    texts.join("|")
}

#[tokio::test]
async fn editors_collect_and_everybody_is_answered() {
    let mut kit = kit(json!({"cooldown": "0s"})).await;
    for (who, said, answered) in [
        ("alice", "!faq list", "Nothing is known yet."),
        (
            "alice",
            "!faq add Where is the printer? = In the\nkitchen.",
            "Noted as question 1.",
        ),
        (
            "alice",
            "!faq add  How do I  get VPN? = https://vpn.example.com/?a=b",
            "Noted as question 2.",
        ),
        ("bob", "where is the PRINTER", "In the\nkitchen."),
        ("bob", "hi, where is the printer?", "In the\nkitchen."),
        ("bob", "is there a printer?", ""),
        ("bob", "how do I get VPN", "https://vpn.example.com/?a=b"),
        (
            "bob",
            "!faq list",
            "1. Where is the printer?\n2. How do I get VPN?",
        ),
        (
            "bob",
            "!faq show 2",
            "2. How do I get VPN?\nhttps://vpn.example.com/?a=b",
        ),
        (
            "bob",
            "!faq show where is the printer",
            "1. Where is the printer?\nIn the\nkitchen.",
        ),
        (
            "alice",
            "!faq add where is the printer = Upstairs",
            "Changed the answer to question 1.",
        ),
        ("bob", "Where is the printer?", "Upstairs"),
        (
            "alice",
            "!faq remove 1",
            "Removed question 1: where is the printer",
        ),
        ("bob", "Where is the printer?", ""),
        ("alice", "!faq add Lunch? = At noon", "Noted as question 3."),
    ] {
        assert_eq!(ask(&mut kit, who, said).await, answered, "{said}");
    }
    kit.restart_after(Duration::from_secs(60)).await.unwrap();
    assert_eq!(ask(&mut kit, "bob", "lunch").await, "At noon");
}

#[tokio::test]
async fn what_is_no_order_is_explained() {
    let mut kit = kit(json!({})).await;
    let long_question = format!("!faq add {} = x", "q".repeat(301));
    let long_answer = format!("!faq add q = {}", "x".repeat(1001));
    for (who, said, answered) in [
        (
            "bob",
            "!faq add a = b",
            "Sorry bob, only editors change what is known.",
        ),
        (
            "bob",
            "!faq remove 1",
            "Sorry bob, only editors change what is known.",
        ),
        ("alice", "!faq add a=b", "Write `!faq add QUESTION = ANSWER`."),
        ("alice", "!faq add", "Write `!faq add QUESTION = ANSWER`."),
        (
            "alice",
            "!faq add ?? = b",
            "Not noted: a question needs at least one word.",
        ),
        (
            "alice",
            &long_question,
            "Not noted: the question has 301 bytes; the limit is 300.",
        ),
        (
            "alice",
            &long_answer,
            "Not noted: the answer has 1001 bytes; the limit is 1000.",
        ),
        (
            "alice",
            "!faq remove 7",
            "There is no such question; `!faq list` shows them.",
        ),
        (
            "bob",
            "!faq show",
            "There is no such question; `!faq list` shows them.",
        ),
    ] {
        assert_eq!(ask(&mut kit, who, said).await, answered, "{said}");
    }
    let usage = ask(&mut kit, "bob", "!faq forget 1").await;
    assert!(
        usage.ends_with("Usage: !faq <add|list|remove|show> [about...]"),
        "{usage}"
    );
    assert_eq!(kit.all_state().iter().count(), 0);
}

#[tokio::test]
async fn a_question_rests_after_its_answer_in_each_room_and_across_restarts() {
    let mut kit =
        kit(json!({"cooldown": "5m", "reply": "{{ author }}, {{ number }} in {{ room }}: {{ answer }}"}))
            .await;
    ask(&mut kit, "alice", "!faq add Where is the printer? = Kitchen").await;
    assert_eq!(
        ask(&mut kit, "bob", "where is the printer?").await,
        "bob, 1 in Help: Kitchen"
    );
    assert_eq!(ask(&mut kit, "carol", "where is the printer?").await, "");
    kit.message("Ops", "carol", "where is the printer?")
        .await
        .unwrap();
    kit.assert_posts(&[("Ops", "carol, 1 in Ops: Kitchen")]);
    kit.restart_after(Duration::from_secs(299)).await.unwrap();
    assert_eq!(ask(&mut kit, "bob", "where is the printer?").await, "");
    kit.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(
        ask(&mut kit, "bob", "where is the printer?").await,
        "bob, 1 in Help: Kitchen"
    );
}

#[tokio::test]
async fn bots_the_past_and_long_posts_are_not_answered() {
    let mut kit = kit(json!({})).await;
    ask(&mut kit, "alice", "!faq add tea = yes").await;
    let mut automated = kit.incoming("Help", "newsbot", "tea");
    automated.automated = true;
    kit.deliver(Event::Message(automated)).await.unwrap();
    let mut old = kit.incoming("Help", "bob", "tea");
    old.sent -= chrono::TimeDelta::minutes(11);
    kit.deliver(Event::Message(old)).await.unwrap();
    // The same word again and again is as like as can be, but nobody asks so.
    kit.message("Help", "bob", &"tea ".repeat(301)).await.unwrap();
    kit.assert_posts(&[]);
    assert_eq!(kit.skipped(), ["asked too long ago"]);
    assert_eq!(ask(&mut kit, "bob", &"tea ".repeat(300)).await, "yes");
}

#[tokio::test]
async fn the_number_of_questions_is_bounded_and_the_longest_can_be_remembered() {
    // Signs that take two bytes as JSON; there is no more than this.
    let (question, answer) = ("\"".repeat(297), "\"".repeat(1000));
    let entry = |number: u32| json!({"number": number, "question": format!("{number:03}{question}"), "answer": answer});
    let entries: Vec<Value> = (1..300).map(entry).collect();
    let before = json!({"last": 299, "entries": entries});
    let mut kit = kit_in(Path::new("."), json!({}))
        .state("collection", before)
        .start()
        .await
        .unwrap();
    let last = ask(&mut kit, "alice", &format!("!faq add 300{question} = {answer}")).await;
    assert_eq!(last, "Noted as question 300.");
    let full = ask(&mut kit, "alice", "!faq add one more = no").await;
    assert_eq!(
        full,
        "Not noted: there are 300 questions already; remove one first."
    );
    let list = ask(&mut kit, "bob", "!faq list").await;
    assert!(
        list.starts_with("1. 001\"") && list.ends_with("\nPage 1 of 15: `!faq list PAGE` shows the others.")
    );
    assert_eq!(list.lines().count(), 21);
    assert!(ask(&mut kit, "bob", "!faq list 15").await.starts_with("281. "));
    assert_eq!(
        ask(&mut kit, "bob", "!faq list 16").await,
        "The list has pages 1 to 15."
    );
}

#[tokio::test]
async fn the_page_is_kept_as_html_with_everything_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("faq.html");
    let mut kit = kit_in(folder.path(), json!({"page": "faq.html", "title": "R&D"}))
        .start()
        .await
        .unwrap();
    let empty = std::fs::read_to_string(&page).unwrap();
    assert!(empty.contains("<h1>R&amp;D</h1>\n</body>"), "{empty}");

    ask(
        &mut kit,
        "alice",
        "!faq add Is 1 < 2 & \"so\"? = <script>alert('x')</script>\nyes",
    )
    .await;
    let expected = "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>R&amp;D</title>\n</head>\n<body>\n\
                    <h1>R&amp;D</h1>\n<h2 id=\"q1\">Is 1 &lt; 2 &amp; &quot;so&quot;?</h2>\n\
                    <p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;<br>\nyes</p>\n</body>\n</html>\n";
    assert_eq!(std::fs::read_to_string(&page).unwrap(), expected);

    // Whatever happens to the page, a start makes it again from what is remembered.
    std::fs::write(&page, "").unwrap();
    kit.restart_after(Duration::ZERO).await.unwrap();
    assert_eq!(std::fs::read_to_string(&page).unwrap(), expected);
    ask(&mut kit, "alice", "!faq remove 1").await;
    assert_eq!(std::fs::read_to_string(&page).unwrap(), empty);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn the_page_is_kept_as_markdown_with_everything_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let mut kit = kit_in(folder.path(), json!({"page": "faq.md"}))
        .start()
        .await
        .unwrap();
    let said = "!faq add What *is* a_b? = 1. [x](y) <b>\n- one\\\n\n\n\nhttps://example.com/a-b";
    ask(&mut kit, "alice", said).await;
    assert_eq!(
        std::fs::read_to_string(folder.path().join("faq.md")).unwrap(),
        "# Questions and answers\n\n## What \\*is\\* a\\_b?\n\n1\\. \\[x\\](y) \\<b\\>\\\n\\- one\\\\\n\nhttps://example.com/a-b\n"
    );
}

#[tokio::test]
async fn a_page_that_cannot_be_written_costs_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    std::fs::create_dir(&pages).unwrap();
    let mut kit = kit_in(folder.path(), json!({"page": "pages/faq.md"}))
        .start()
        .await
        .unwrap();
    std::fs::remove_dir_all(&pages).unwrap();
    let reply = ask(&mut kit, "alice", "!faq add tea = yes").await;
    assert_eq!(reply, "Noted as question 1.\nThe page could not be written.");
    assert!(kit.skipped()[0].starts_with("the page could not be written: "));
    assert_eq!(ask(&mut kit, "bob", "tea?").await, "yes");

    std::fs::create_dir(&pages).unwrap();
    kit.restart_after(Duration::ZERO).await.unwrap();
    assert!(
        std::fs::read_to_string(pages.join("faq.md"))
            .unwrap()
            .contains("## tea\n\nyes")
    );
}

#[tokio::test]
async fn wrong_settings_are_located() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!(
        "page: `no/faq.md`: there is no folder {}",
        folder.path().join("no").display()
    );
    for (extra, expected) in [
        (json!({"editors": []}), "editors: nobody could add a question"),
        (json!({"alike": 49}), "alike: 49 is not in 50-100"),
        (json!({"alike": 101}), "alike: 101 is not in 50-100"),
        (
            json!({"page": "faq.txt"}),
            "page: `faq.txt` does not end in `.html` or `.md`",
        ),
        (json!({"page": "no/faq.md"}), &missing),
        (
            json!({"reply": "{{ anwser }}"}),
            "reply: there is no variable `anwser`; there are `answer`, `question`, `number`, `author`, `author_uri`, `room`",
        ),
    ] {
        let problem = kit_in(folder.path(), extra)
            .start()
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(problem, expected);
    }
}
