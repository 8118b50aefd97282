//! Certificate files that change under a running server.

use std::path::Path;
use std::time::{Duration, SystemTime};

use parlor_net::certificates::{Identity, IdentityFiles};
use parlor_net::{ClientTls, HandshakeError, Reloaded, ServerTls, ServerTlsSettings};

use crate::support::{Authority, DAY, SERVER, chain, server_only, shake};

/// Puts other files in the place of some.
fn replace(files: &IdentityFiles, by: &IdentityFiles) {
    move_over(&by.certificates, &files.certificates);
    move_over(&by.key, &files.key);
}

fn move_over(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}

/// The fingerprint of the certificate that a client is shown.
async fn shown(server: &ServerTls, client: &ClientTls) -> [u8; 32] {
    let (_served, connected) = shake(server, client).await;
    connected.unwrap().peer().unwrap().fingerprint
}

#[tokio::test]
async fn new_handshakes_use_the_new_certificate() {
    let authority = Authority::new("A");
    let settings = authority.server_tls();
    let server = ServerTls::load(settings.clone()).unwrap();
    let client = ClientTls::load(authority.client_tls(Some(authority.application()))).unwrap();
    let old = shown(&server, &client).await;
    assert_eq!(server.refresh().unwrap(), Reloaded::Unchanged);

    replace(&settings.identity, &authority.issue("new", &[SERVER], |_| {}));
    assert_eq!(shown(&server, &client).await, old);
    assert_eq!(server.refresh().unwrap(), Reloaded::Changed);
    assert_ne!(shown(&server, &client).await, old);
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_reported_once() {
    let authority = Authority::new("A");
    let settings = authority.server_tls();
    let server = ServerTls::load(settings.clone()).unwrap();
    let client = ClientTls::load(authority.client_tls(Some(authority.application()))).unwrap();
    let old = shown(&server, &client).await;

    // Half of a renewal: the certificate is the new one, the key still the old one.
    let new = authority.issue("new", &[SERVER], |_| {});
    move_over(&new.certificates, &settings.identity.certificates);
    let (certificate, key) = (
        settings.identity.certificates.display(),
        settings.identity.key.display(),
    );
    let mismatch = format!("the key in {key} does not belong to the certificate in {certificate}");
    assert_eq!(server.refresh().unwrap_err().to_string(), mismatch);
    assert_eq!(server.refresh().unwrap(), Reloaded::Unchanged, "reported once");
    assert_eq!(
        server.reload().unwrap_err().to_string(),
        mismatch,
        "unless somebody asks"
    );
    assert_eq!(shown(&server, &client).await, old);

    move_over(&new.key, &settings.identity.key);
    assert_eq!(server.refresh().unwrap(), Reloaded::Changed);
    assert_ne!(shown(&server, &client).await, old);
}

#[tokio::test]
async fn a_certificate_revoked_meanwhile() {
    let authority = Authority::new("A");
    let crl = authority.revoke(&[], SystemTime::now() + DAY);
    let server = ServerTls::load(ServerTlsSettings {
        crl: Some(crl),
        ..authority.server_tls()
    })
    .unwrap();
    let client = ClientTls::load(authority.client_tls(Some(authority.application()))).unwrap();
    shown(&server, &client).await;
    authority.revoke(&[4711], SystemTime::now() + DAY);
    server.reload().unwrap();
    let (served, _) = shake(&server, &client).await;
    let error: HandshakeError = served.unwrap_err();
    assert_eq!(chain(&error), "peer certificate refused: revoked");
}

#[tokio::test]
async fn a_client_renews_its_certificate() {
    let authority = Authority::new("A");
    let server = ServerTls::load(authority.server_tls()).unwrap();
    let files = authority.application();
    let client = ClientTls::load(authority.client_tls(Some(files.clone()))).unwrap();
    let (served, _connected) = shake(&server, &client).await;
    let old = served.unwrap().peer().unwrap().fingerprint;
    replace(&files, &authority.issue("new", &["bots.example.com"], |_| {}));
    assert_eq!(client.refresh().unwrap(), Reloaded::Changed);
    let (served, _connected) = shake(&server, &client).await;
    assert_ne!(served.unwrap().peer().unwrap().fingerprint, old);
}

#[tokio::test(start_paused = true)]
async fn files_are_looked_at_from_time_to_time() {
    let authority = Authority::new("A");
    let settings = authority.server_tls();
    let server = ServerTls::load(settings.clone()).unwrap();
    let refreshing = server.keep_fresh(Duration::from_secs(60));
    replace(&settings.identity, &authority.issue("new", &[SERVER], |_| {}));
    // Time stands still while the files are read on another thread, and the next look comes after it.
    tokio::time::sleep(Duration::from_secs(150)).await;
    drop(refreshing);
    assert_eq!(
        server.refresh().unwrap(),
        Reloaded::Unchanged,
        "it was found already"
    );
}

#[test]
fn every_bad_file_is_named() {
    let authority = Authority::new("A");
    let good = authority.server();
    let broken = authority.path("broken.pem");
    let load = |certificates: &Path, key: &Path| {
        chain(
            &Identity::load(&IdentityFiles {
                certificates: certificates.into(),
                key: key.into(),
            })
            .unwrap_err(),
        )
    };
    let at = broken.display();
    assert_eq!(
        load(&broken, &good.key),
        format!("cannot read {at}: No such file or directory (os error 2)")
    );
    std::fs::write(&broken, "nothing").unwrap();
    assert_eq!(
        load(&broken, &good.key),
        format!("{at} holds no certificate (BEGIN CERTIFICATE)")
    );
    assert_eq!(
        load(&good.certificates, &broken),
        format!("{at} holds no private key (BEGIN PRIVATE KEY)")
    );
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nMII\n").unwrap();
    assert!(load(&broken, &good.key).starts_with(&format!("{at} is not valid PEM: ")));
    std::fs::write(
        &broken,
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    assert_eq!(
        load(&broken, &good.key),
        format!("{at} holds an unreadable certificate")
    );
    std::fs::write(
        &broken,
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    assert!(
        load(&good.certificates, &broken).starts_with(&format!("{at} holds a key that cannot be used: "))
    );

    let settings = ServerTlsSettings {
        client_roots: None,
        ..authority.server_tls()
    };
    let error = ServerTls::load(settings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "client certificates are asked for but no roots for them are named"
    );
    std::fs::write(
        &broken,
        "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n",
    )
    .unwrap();
    let settings = ServerTlsSettings {
        crl: Some(broken.clone()),
        ..authority.server_tls()
    };
    let error = ServerTls::load(settings).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{at} holds an unreadable revocation list")
    );
    let mut settings = authority.client_tls(Some(authority.issue("lync", &["a"], server_only)));
    settings.crl = Some(broken.clone());
    assert_eq!(
        ClientTls::load(settings).unwrap_err().to_string(),
        error.to_string()
    );
}
