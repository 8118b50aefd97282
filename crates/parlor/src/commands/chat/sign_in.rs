//! Signing in for `parlor chat`: by a certificate, named or issued for development, or by a password.

use std::fs;
use std::path::Path;

use parlor_client::{
    Credentials, EstablishError, PrivateMessages, Proxy, UserEndpoint, UserEndpointSettings,
};
use parlor_net::certificates::IdentityFiles;
use parlor_xccos::SipUri;

use crate::cli::{ChatArgs, exit};
use crate::commands::password;
use crate::config::{HostPort, Settings};
use crate::failure::Failure;
use crate::identity;

/// Holds a password for programs that start this one.
const VARIABLE: &str = "PARLOR_PASSWORD";

/// Exit code of a wrong command line, as the argument parser has it.
const USAGE: u8 = 2;

/// An established endpoint of the person, and what others write to it alone.
pub(super) async fn sign_in(
    settings: &Settings,
    arguments: &ChatArgs,
) -> Result<(UserEndpoint, PrivateMessages), Failure> {
    let owner = owner(arguments)?;
    let proxy = proxy(settings, arguments)?;
    let mut user = UserEndpointSettings::new(owner.clone(), proxy);
    let identity = match &arguments.account {
        Some(name) => {
            let password = read_password(name, arguments.password_file.as_deref())?;
            user.credentials = Some(Credentials::new(name.as_str(), password));
            None
        }
        None => Some(certificate(settings, &owner, arguments)?),
    };
    let platform = identity::user_platform(settings, identity)?;
    let endpoint = UserEndpoint::new(&platform, user);
    let private = endpoint.private_messages().await;
    endpoint.establish().await.map_err(|error| refused(&error))?;
    Ok((endpoint, private))
}

/// Whom to be: an account is named like its user's address unless it was given another name.
fn owner(arguments: &ChatArgs) -> Result<SipUri, Failure> {
    if let Some(owner) = &arguments.user {
        return Ok(owner.clone());
    }
    let name = arguments.account.as_deref().unwrap_or_default();
    format!("sip:{name}").parse().map_err(|_| {
        Failure::new(format!(
            "`{name}` is not an address: say with --as whose account it is"
        ))
        .with_code(USAGE)
    })
}

fn proxy(settings: &Settings, arguments: &ChatArgs) -> Result<Proxy, Failure> {
    let Some(server) = &arguments.server else {
        return identity::proxy(settings)
            .ok_or_else(|| Failure::new("the configuration names no server; use --server HOST:PORT"));
    };
    let HostPort { host, port } = server
        .parse()
        .map_err(|error| Failure::new(format!("--server: {error}")).with_code(USAGE))?;
    Ok(Proxy::new(host, port))
}

fn certificate(settings: &Settings, owner: &SipUri, arguments: &ChatArgs) -> Result<IdentityFiles, Failure> {
    match (&arguments.certificate, &arguments.key) {
        (Some(certificates), Some(key)) => Ok(IdentityFiles {
            certificates: certificates.clone(),
            key: key.clone(),
        }),
        _ => identity::user_files(settings, owner),
    }
}

fn read_password(name: &str, file: Option<&Path>) -> Result<String, Failure> {
    if let Some(file) = file {
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::caused(&format!("--password-file {}", file.display()), &error))?;
        return Ok(password::first_line(&text));
    }
    if let Ok(password) = std::env::var(VARIABLE) {
        return Ok(password);
    }
    password::typed(&format!("Password of {name}: "))?.ok_or_else(|| {
        Failure::new("there is no terminal to ask for the password")
            .with_code(USAGE)
            .with_help(format!(
                "Name a file with --password-file, or put the password into {VARIABLE}."
            ))
    })
}

fn refused(error: &EstablishError) -> Failure {
    let failure = Failure::caused("cannot sign in", error);
    match error {
        EstablishError::WrongPassword { .. } => failure.with_help(
            "`parlor user passwd` sets a password; its --account gives the account another name than the address.",
        ),
        // The answer holds the server's own reason.
        EstablishError::Refused(_) => failure.with_code(exit::UNREACHABLE),
        error if error.is_permanent() => failure,
        _ => failure.with_code(exit::UNREACHABLE).with_help(
            "Is the server running (`parlor status`), and does it know the user (`parlor user list`)?",
        ),
    }
}
