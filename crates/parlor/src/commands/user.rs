//! `parlor user`: who may sign in.

use parlor_server::control::{Client, CreateUser, SetPassword, UpdateUser, UserKindName, UserView};
use parlor_xccos::SipUri;

use super::password;
use crate::cli::{Global, UserCommand};
use crate::failure::Failure;
use crate::terminal::{json_document, line, table};

pub(crate) async fn run(client: Client, global: &Global, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::List => {
            let users = client.users().await?;
            if global.json {
                json_document(&users);
            } else {
                let rows: Vec<_> = users.iter().map(row).collect();
                table(&["user", "name", "kind", "state", "account"], &rows);
            }
            Ok(())
        }
        UserCommand::Add { uri, name } => {
            let display_name = (!name.is_empty()).then_some(name);
            let user = client
                .create_user(&CreateUser {
                    uri,
                    display_name,
                    kind: UserKindName::User,
                })
                .await?;
            show(global, &user, "added");
            Ok(())
        }
        UserCommand::Passwd { uri, account } => {
            let password = read_password()?;
            let user = client
                .set_password(uri.as_str(), &SetPassword { password, account })
                .await?;
            show(global, &user, "password set for");
            Ok(())
        }
        UserCommand::Disable { uri } => switch(&client, global, &uri, true).await,
        UserCommand::Enable { uri } => switch(&client, global, &uri, false).await,
    }
}

/// What is typed on a terminal, which does not show it, or the first line of standard input.
fn read_password() -> Result<String, Failure> {
    if let Some(typed) = password::typed("New password: ")? {
        return Ok(typed);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_line(&mut text)
        .map_err(|error| Failure::caused("cannot read the password", &error))?;
    Ok(password::first_line(&text))
}

async fn switch(client: &Client, global: &Global, uri: &SipUri, disabled: bool) -> Result<(), Failure> {
    let change = UpdateUser {
        disabled: Some(disabled),
        ..UpdateUser::default()
    };
    let user = client.update_user(uri.as_str(), &change).await?;
    show(global, &user, if disabled { "disabled" } else { "enabled" });
    Ok(())
}

fn show(global: &Global, user: &UserView, done: &str) {
    if global.json {
        json_document(user);
    } else {
        line(format_args!("{done} {} ({})", user.uri, user.display_name));
    }
}

fn row(user: &UserView) -> Vec<String> {
    let kind = match user.kind {
        UserKindName::User => "user",
        UserKindName::Contact => "contact",
    };
    let state = if user.disabled { "disabled" } else { "enabled" };
    vec![
        user.uri.to_string(),
        user.display_name.clone(),
        kind.to_owned(),
        state.to_owned(),
        user.account.clone().unwrap_or_default(),
    ]
}
