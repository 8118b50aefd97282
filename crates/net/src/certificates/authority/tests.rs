use super::*;
use crate::certificates::{Expectations, IdentityFiles, inspect};

fn server(name: &str) -> Subject {
    Subject::Server {
        names: vec![name.to_owned()],
        addresses: vec!["127.0.0.1".parse().unwrap()],
    }
}

fn fingerprint(files: &IdentityFiles) -> String {
    inspect(&files.certificates, &Expectations::default(), SystemTime::now())
        .unwrap()
        .fingerprint
}

#[test]
fn every_kind_of_certificate_is_what_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(&folder.path().join("dev")).unwrap();
    let roots = authority.roots();
    let now = SystemTime::now();
    let check = |files: &IdentityFiles, names: &[&str], for_server, for_client| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let expectations = Expectations {
            roots: Some(&roots),
            names: &names,
            for_server,
            for_client,
            ..Expectations::default()
        };
        let report = files.inspect(&expectations, now).unwrap();
        assert_eq!(report.findings, []);
        assert_eq!(report.days_left, 365);
        report
    };
    let files = authority.issue("server", &server("Chat.Example.com")).unwrap();
    let report = check(&files, &["chat.example.com", "127.0.0.1"], true, false);
    assert!(!report.client_use && !report.is_authority);

    let subject = Subject::Application {
        pool: "bots.example.com".into(),
        computers: vec!["bot1.example.com".into()],
    };
    let files = authority.issue("application", &subject).unwrap();
    let report = check(&files, &["bots.example.com", "bot1.example.com"], true, true);
    assert_eq!(report.common_name.as_deref(), Some("bots.example.com"));

    let files = authority
        .issue(
            "alice",
            &Subject::User {
                uri: "sip:alice@example.com".into(),
            },
        )
        .unwrap();
    let report = check(&files, &["sip:alice@example.com"], false, true);
    assert!(!report.server_use);

    let report = inspect(
        &roots,
        &Expectations {
            roots: Some(&roots),
            ..Expectations::default()
        },
        now,
    )
    .unwrap();
    assert!(report.is_authority && report.findings.is_empty(), "{report:?}");
}

#[test]
fn certificates_are_kept_until_they_no_longer_fit() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let open = |now| DevelopmentAuthority::open_at(folder.path(), now).unwrap();
    let issue = |name: &str, now| fingerprint(&open(now).issue_at("server", &server(name), now).unwrap());
    let first = issue("a.example.com", now);
    assert_eq!(issue("a.example.com", now + DAY * 300), first);
    let renewed = issue("a.example.com", now + DAY * 340);
    assert_ne!(renewed, first, "about to expire");
    assert_ne!(issue("b.example.com", now + DAY * 340), renewed, "another name");
}

#[test]
fn a_new_authority_issues_anew() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let authority = DevelopmentAuthority::open_at(folder.path(), now).unwrap();
    let first = fingerprint(
        &authority
            .issue_at("server", &server("a.example.com"), now)
            .unwrap(),
    );
    let root = std::fs::read(authority.roots()).unwrap();
    let later = now + AUTHORITY_VALIDITY - AUTHORITY_RENEWAL + DAY;
    let authority = DevelopmentAuthority::open_at(folder.path(), later).unwrap();
    assert_ne!(std::fs::read(authority.roots()).unwrap(), root);
    let files = authority
        .issue_at("server", &server("a.example.com"), later)
        .unwrap();
    assert_ne!(fingerprint(&files), first);
}

#[test]
fn what_a_crash_left_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(folder.path()).unwrap();
    let files = authority.issue("server", &server("a.example.com")).unwrap();
    let other = authority.issue("other", &server("b.example.com")).unwrap();
    std::fs::copy(&other.key, &files.key).unwrap();
    std::fs::write(files.certificates.with_extension("pem.new"), "half a certif").unwrap();
    authority.issue("server", &server("a.example.com")).unwrap();
    Identity::load(&files).unwrap();
}

#[test]
fn two_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/dev");
    let start = std::sync::Barrier::new(8);
    let issued: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let authority = DevelopmentAuthority::open(&path).unwrap();
                    let files = authority.issue("server", &server("a.example.com")).unwrap();
                    Identity::load(&files).unwrap();
                    fingerprint(&files)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(issued.iter().all(|fingerprint| *fingerprint == issued[0]));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_keys() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dev");
    let authority = DevelopmentAuthority::open(&path).unwrap();
    let files = authority.issue("server", &server("a.example.com")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&files.key), 0o600);
    assert_eq!(mode(&path.join("authority-key.pem")), 0o600);
    assert_eq!(mode(&files.certificates), 0o644);
}

#[test]
fn a_name_that_is_no_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(folder.path()).unwrap();
    let error = authority.issue("server", &server("bücher.example")).unwrap_err();
    assert_eq!(error.to_string(), "cannot issue a certificate");
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(&folder.path().join("dev")).unwrap();
    let files = authority
        .issue("user-../../a%b@example.com", &server("a.example.com"))
        .unwrap();
    assert_eq!(
        files.certificates,
        folder.path().join("dev/user-..%2f..%2fa%25b@example.com.pem")
    );
    Identity::load(&files).unwrap();
}
