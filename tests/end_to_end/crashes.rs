//! `kill -9` of either side: nothing acknowledged is lost, nothing is posted twice, everybody comes back.

use serde_json::Value;

use crate::deployment::{Deployment, HELP, NEWS};

fn posted(instance: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["instance"] == instance
}

#[test]
fn the_host_survives_kill_9_of_itself_and_of_the_server() {
    let deployment = Deployment::new(&format!("{NEWS}{HELP}"));
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let mut host = deployment.start("host");
    for _ in 0..3 {
        host.event("posted", posted("news"));
    }
    host.kill();

    deployment.feed(&[1, 2, 3, 4]);
    let mut host = deployment.start("host");
    host.event("posted", posted("news"));
    assert_eq!(deployment.texts("News").len(), 4);

    serve.kill();
    host.event("recovering", |_| true);
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    assert_eq!(
        deployment.texts("News").len(),
        4,
        "what was acknowledged is in the history"
    );
    deployment.json(&["room", "post", "Help", "help", "--as", "sip:alice@example.com"]);
    host.event("posted", posted("help"));
    assert_eq!(deployment.texts("Help"), ["help", "At your service."]);
    assert_eq!(deployment.texts("News").len(), 4);
    host.interrupt();
    serve.interrupt();
}
