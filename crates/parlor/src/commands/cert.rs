//! `parlor cert`: development certificates, and what a certificate holds.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use parlor_net::certificates::{CertificateReport, Expectations, IdentityFiles, Severity, Subject, inspect};
use serde_json::json;

use crate::cli::{CertCommand, CertDevArgs, Global, exit};
use crate::failure::Failure;
use crate::identity;
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WARNING, json_document, line, remark, styled};

pub(crate) fn run(global: &Global, command: &CertCommand) -> Result<(), Failure> {
    match command {
        CertCommand::Dev(arguments) => dev(global, arguments),
        CertCommand::Show { files } => show(global, files),
    }
}

fn dev(global: &Global, arguments: &CertDevArgs) -> Result<(), Failure> {
    let settings = crate::load(global)?;
    let mut issued: Vec<(String, IdentityFiles)> = Vec::new();
    for user in &arguments.user {
        let subject = Subject::User {
            uri: user.to_string(),
        };
        issued.push((
            user.to_string(),
            identity::issue(&settings, &identity::user_file_name(user), &subject)?,
        ));
    }
    if let Some((pool, computers)) = arguments.application.split_first() {
        let computers = if computers.is_empty() {
            vec![pool.clone()]
        } else {
            computers.to_vec()
        };
        let subject = Subject::Application {
            pool: pool.clone(),
            computers,
        };
        issued.push((
            pool.clone(),
            identity::issue(&settings, &format!("application-{pool}"), &subject)?,
        ));
    }
    if let Some(first) = arguments.server.first() {
        let files = identity::issue(
            &settings,
            &format!("server-{first}"),
            &identity::server_subject(&arguments.server),
        )?;
        issued.push((first.clone(), files));
    }
    let asked_for_none = issued.is_empty();
    if asked_for_none && let Some(server) = &settings.server {
        issued.push(("server".to_owned(), identity::server_files(&settings, server)?));
    }
    if asked_for_none && let Some(host) = &settings.host {
        issued.push(("host".to_owned(), identity::host_files(&settings, host)?));
    }
    let roots = identity::authority(&settings)?.roots();
    let reports = issued
        .iter()
        .map(|(name, files)| Ok((name, files, look(&files.certificates)?)));
    let reports: Vec<_> = reports.collect::<Result<_, Failure>>()?;
    let authority = look(&roots)?;
    if global.json {
        let list: Vec<_> = reports
            .iter()
            .map(|(name, files, report)| {
                json!({ "for": name, "certificate": files.certificates, "key": files.key, "expires": date(report.not_after) })
            })
            .collect();
        json_document(
            &json!({ "authority": { "certificate": roots, "expires": date(authority.not_after) }, "issued": list }),
        );
        return Ok(());
    }
    line(format_args!(
        "{}  {}  expires {}",
        styled(STRONG, "authority"),
        roots.display(),
        date(authority.not_after)
    ));
    for (name, files, report) in &reports {
        line(format_args!(
            "{}  expires {}",
            styled(STRONG, name),
            date(report.not_after)
        ));
        line(format_args!("  certificate  {}", files.certificates.display()));
        line(format_args!("  key          {}", files.key.display()));
    }
    remark(styled(
        FAINT,
        "For this machine only: whoever has the authority's key can be anyone. See certs/README.md.",
    ));
    Ok(())
}

fn look(path: &Path) -> Result<CertificateReport, Failure> {
    inspect(path, &Expectations::default(), SystemTime::now()).map_err(|error| {
        Failure::caused("cannot show the certificate", &error).with_code(exit::CONFIGURATION)
    })
}

fn show(global: &Global, files: &[PathBuf]) -> Result<(), Failure> {
    let reports: Vec<_> = files.iter().map(|file| look(file)).collect::<Result<_, _>>()?;
    if global.json {
        json_document(&reports.iter().map(to_json).collect::<Vec<_>>());
    } else {
        for report in &reports {
            print(report);
        }
    }
    if reports.iter().any(CertificateReport::has_errors) {
        return Err(Failure::new("a certificate cannot be used").with_code(exit::CONFIGURATION));
    }
    Ok(())
}

/// A report as data, for `cert show` and `check`.
pub(crate) fn to_json(report: &CertificateReport) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| json!({ "severity": severity(finding.severity()), "message": finding.to_string() }))
        .collect();
    json!({
        "file": report.path,
        "subject": report.subject,
        "issuer": report.issuer,
        "names": report.dns_names,
        "addresses": report.addresses,
        "sip_uris": report.sip_uris,
        "not_before": date(report.not_before),
        "not_after": date(report.not_after),
        "days_left": report.days_left,
        "server_use": report.server_use,
        "client_use": report.client_use,
        "authority": report.is_authority,
        "sha256": report.fingerprint,
        "findings": findings,
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A report for people, for `cert show` and `check`.
pub(crate) fn print(report: &CertificateReport) {
    line(format_args!("{}", styled(STRONG, report.path.display())));
    line(format_args!("  subject   {}", report.subject));
    line(format_args!("  issuer    {}", report.issuer));
    let addresses = report.addresses.iter().map(ToString::to_string);
    let names: Vec<_> = report
        .dns_names
        .iter()
        .chain(&report.sip_uris)
        .cloned()
        .chain(addresses)
        .collect();
    if !names.is_empty() {
        line(format_args!("  names     {}", names.join(" ")));
    }
    let uses: Vec<_> = [
        (report.server_use, "server"),
        (report.client_use, "client"),
        (report.is_authority, "authority"),
    ]
    .into_iter()
    .filter_map(|(yes, word)| yes.then_some(word))
    .collect();
    line(format_args!("  use       {}", uses.join(", ")));
    line(format_args!(
        "  valid     {} to {}, {} days left",
        date(report.not_before),
        date(report.not_after),
        report.days_left
    ));
    line(format_args!("  sha-256   {}", report.fingerprint));
    if report.findings.is_empty() {
        line(format_args!("  {}", styled(GOOD, "nothing wrong")));
    }
    for finding in &report.findings {
        let style = if finding.severity() == Severity::Error {
            BAD
        } else {
            WARNING
        };
        line(format_args!(
            "  {} {finding}",
            styled(style, severity(finding.severity()))
        ));
    }
}

fn date(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).format("%Y-%m-%d").to_string()
}
