//! Two hosts that share a database: who is killed is followed by the other, and both tell of it.

use parlor_testkit::Schema;

use crate::deployment::{Deployment, HELP};

/// A configuration whose host shares its state; the second one has a data folder and a name of its own.
fn deployment(schema: &Schema) -> Deployment {
    let database = format!(
        "\n[host.database]\naddress = \"{}\"\nlease = \"2s\"\n",
        schema.address()
    );
    let deployment = Deployment::new(&format!("{database}{HELP}"));
    let first = std::fs::read_to_string(deployment.path("parlor.toml")).expect("the configuration is there");
    let pool = "fqdn = \"bots.example.com\"\n[[server.trusted_pool.application]]";
    let computers = "computers = [\"bots.example.com\", \"spare.example.com\"]\n";
    let first = first.replace(pool, &pool.replace("[[", &format!("{computers}[[")));
    deployment.write("parlor.toml", &first);
    let at = first.find("[host]").expect("a host");
    let (_, host) = first.split_at(at);
    let host = host.replace(
        "fqdn = \"bots.example.com\"",
        "fqdn = \"spare.example.com\"\npool = \"bots.example.com\"",
    );
    let second = format!("data = \"spare\"\n[certificates]\ndevelopment = \"certs\"\n{host}");
    deployment.write("spare.toml", &second);
    deployment
}

#[test]
fn a_host_takes_over_from_one_that_was_killed() {
    let schema = Schema::new();
    let deployment = deployment(&schema);
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let mut first = deployment.start("host");
    first.event("joined", |_| true);
    let mut spare = deployment.start_with("spare.toml", "host");
    let both = |event: &serde_json::Value| event["hosts"].as_array().is_some_and(|hosts| hosts.len() == 2);
    spare.event("pool_changed", both);
    first.event("pool_changed", both);
    let status = deployment.run(&["status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(
        status.contains("pool         bots.example.com, spare.example.com")
            && status.contains("sip:helpbot@example.com led here"),
        "{status}"
    );

    first.kill();
    deployment.json(&["room", "post", "Help", "help", "--as", "sip:alice@example.com"]);
    spare.event("posted", |_| true);
    assert_eq!(deployment.texts("Help"), ["help", "At your service."]);
    // The ledger is the pool's, and can be read where no host runs.
    let entries = deployment.json(&["ledger", "list", "--status", "acknowledged"]);
    assert_eq!(entries.as_array().map(Vec::len), Some(1), "{entries}");
    spare.interrupt();
    serve.interrupt();
}
