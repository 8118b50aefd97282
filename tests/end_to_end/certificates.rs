//! Certificates that others made: accepted when right, refused with the reason when wrong.

use std::fs;

use crate::deployment::{Deployment, HELP, complaint};

/// An authority and a host certificate made with openssl, for server use only as a web-server template makes them.
fn foreign_host_certificate(deployment: &Deployment, name: &str) {
    fs::write(
        deployment.path("host.ext"),
        format!("subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n"),
    )
    .expect("the extension file is written");
    deployment.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem -days 30 -subj /CN=Corp");
    deployment.openssl(&format!("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout host-key.pem -out host.csr -subj /CN={name}"));
    deployment.openssl("x509 -req -in host.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out host.pem -days 30 -extfile host.ext");
}

/// The development authority's roots and the foreign one's, together.
fn trust_both(deployment: &Deployment) {
    let both = format!(
        "{}{}",
        fs::read_to_string(deployment.path("certs/authority.pem"))
            .expect("the development authority's certificate"),
        fs::read_to_string(deployment.path("ca.pem")).expect("the foreign authority's certificate"),
    );
    fs::write(deployment.path("roots.pem"), both).expect("the roots are written");
}

const HOST_TLS: &str =
    "\n[host.tls]\ncertificate = \"host.pem\"\nkey = \"host-key.pem\"\nroots = \"certs/authority.pem\"\n";

#[test]
fn a_corporate_certificate_for_server_use_signs_the_host_in() {
    let deployment = Deployment::with_server_tls(
        "[server.tls]\nroots = \"roots.pem\"",
        &format!("{HOST_TLS}{HELP}"),
    );
    deployment.json(&["cert", "dev", "--user", "sip:alice@example.com"]);
    foreign_host_certificate(&deployment, "bots.example.com");
    trust_both(&deployment);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    up.interrupt();
}

#[test]
fn a_certificate_of_an_unknown_authority_does_not_sign_in() {
    let deployment = Deployment::new(&format!("{HOST_TLS}{HELP}"));
    foreign_host_certificate(&deployment, "bots.example.com");
    let mut up = deployment.start("up");
    up.event("sign_in_failed", |_| true);
    // The server goes on for everybody else.
    assert!(deployment.run(&["status"]).status.success());
    up.interrupt();
}

#[test]
fn a_certificate_with_a_wrong_name_is_found_before_the_start() {
    let deployment = Deployment::new(&format!("{HOST_TLS}{HELP}"));
    foreign_host_certificate(&deployment, "elsewhere.example.com");
    let output = deployment.run(&["check"]);
    assert_eq!(output.status.code(), Some(3), "{}", complaint(&output));
    let words = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        complaint(&output)
    );
    assert!(
        words.contains("bots.example.com") && words.contains("elsewhere.example.com"),
        "{words}"
    );
}
