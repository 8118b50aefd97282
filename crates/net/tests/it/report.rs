//! What an operator is told about certificate files.

use std::time::SystemTime;

use parlor_net::certificates::{Expectations, Severity, inspect};

use crate::support::{Authority, DAY, SERVER, server_only};

#[test]
fn a_good_certificate() {
    let authority = Authority::new("A");
    let roots = authority.roots();
    let names = [SERVER.to_owned()];
    let expectations = Expectations {
        roots: Some(&roots),
        names: &names,
        for_server: true,
        ..Expectations::default()
    };
    let report = authority
        .server()
        .inspect(&expectations, SystemTime::now())
        .unwrap();
    assert!(report.findings.is_empty() && !report.has_errors());
    assert_eq!((report.days_left, report.issuer.contains("CN=A")), (365, true));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["dns_names"][0], SERVER);
    assert!(json["not_after"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn everything_wrong_at_once_worst_first() {
    let (authority, other) = (Authority::new("A"), Authority::new("B"));
    let files = authority.issue("bad", &["*.example.org"], server_only);
    let stranger = other.server();
    let crl = authority.revoke(&[], SystemTime::UNIX_EPOCH + 20_454 * DAY);
    std::fs::copy(&stranger.key, &files.key).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&files.key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let roots = other.roots();
    let names = ["bots.example.org".to_owned(), SERVER.to_owned()];
    let expectations = Expectations {
        roots: Some(&roots),
        crl: Some(&crl),
        names: &names,
        for_client: true,
        ..Expectations::default()
    };
    let report = files
        .inspect(&expectations, SystemTime::now() + 350 * DAY)
        .unwrap();
    let key = files.key.display();
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "issuer is not trusted".to_owned(),
            "not valid for pool.example.com, only for *.example.org".to_owned(),
            format!("the key in {key} belongs to another certificate"),
            found[3].clone(),
            "made for servers only (extended key usage); the other side must accept that of a client"
                .to_owned(),
            "the revocation list should have been replaced on 2026-01-01".to_owned(),
            format!("everybody can read the key in {key} (mode 0644, wanted 0600)"),
        ]
    );
    assert!(found[3].starts_with("expires on 20"));
    assert!(report.has_errors());
    assert_eq!(report.findings[3].severity(), Severity::Warning);
}

#[test]
fn expired_revoked_and_nameless() {
    let authority = Authority::new("A");
    let roots = authority.roots();
    let files = authority.application();
    let crl = authority.revoke(&[4711], SystemTime::now() + DAY);
    let texts = |expectations: &Expectations<'_>, now| -> Vec<String> {
        inspect(&files.certificates, expectations, now)
            .unwrap()
            .findings
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let expectations = Expectations {
        roots: Some(&roots),
        crl: Some(&crl),
        ..Expectations::default()
    };
    assert_eq!(texts(&expectations, SystemTime::now()), ["revoked"]);
    let later = SystemTime::now() + 400 * DAY;
    let expired = texts(
        &Expectations {
            roots: Some(&roots),
            ..Expectations::default()
        },
        later,
    );
    assert!(
        expired.len() == 1 && expired[0].starts_with("expired on "),
        "{expired:?}"
    );

    let nameless = authority.issue("nameless", &[], |_| {});
    let report = nameless
        .inspect(&Expectations::default(), SystemTime::now())
        .unwrap();
    assert_eq!(
        report.findings[0].to_string(),
        "holds neither a DNS name nor a SIP URI nor an address"
    );
}
