//! Users: list, create, change.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use parlor_rooms::{Edit, User, UserKind};
use parlor_xccos::SipUri;

use super::{Answer, Shared, edit};
use crate::accounts::Accounts;
use crate::control::error::ControlError;
use crate::control::{CreateUser, SetPassword, UpdateUser, UserKindName, UserView};

pub(super) async fn list(State(service): Shared) -> Json<Vec<UserView>> {
    let directory = service.directory.read();
    Json(
        directory
            .users()
            .map(|user| view(user, &service.accounts))
            .collect(),
    )
}

pub(super) async fn create(
    State(service): Shared,
    body: Result<Json<CreateUser>, JsonRejection>,
) -> Answer<UserView> {
    let Json(wanted) = body?;
    let user = User {
        display_name: wanted
            .display_name
            .unwrap_or_else(|| wanted.uri.user().to_owned()),
        kind: match wanted.kind {
            UserKindName::User => UserKind::User,
            UserKindName::Contact => UserKind::Contact,
        },
        ..User::new(wanted.uri)
    };
    let shown = view(&user, &service.accounts);
    edit(&service, move |directory| {
        if directory.user(&user.uri).is_some() {
            return Err(ControlError::Exists {
                what: "user",
                name: user.uri.to_string(),
            });
        }
        Ok(Edit::PutUser(user))
    })
    .await?;
    Ok(Json(shown))
}

pub(super) async fn update(
    State(service): Shared,
    Path(user): Path<String>,
    body: Result<Json<UpdateUser>, JsonRejection>,
) -> Answer<UserView> {
    let Json(wanted) = body?;
    let uri: SipUri = user.parse().map_err(|_| ControlError::missing("user", &user))?;
    let changed = uri.clone();
    edit(&service, move |directory| {
        let known = directory
            .user(&changed)
            .ok_or_else(|| ControlError::missing("user", &user))?;
        let mut user = User::clone(known);
        user.display_name = wanted.display_name.unwrap_or(user.display_name);
        user.disabled = wanted.disabled.unwrap_or(user.disabled);
        Ok(Edit::PutUser(user))
    })
    .await?;
    let directory = service.directory.read();
    let user = directory
        .user(&uri)
        .ok_or_else(|| ControlError::missing("user", uri.as_str()))?;
    Ok(Json(view(user, &service.accounts)))
}

pub(super) async fn set_password(
    State(service): Shared,
    Path(user): Path<String>,
    body: Result<Json<SetPassword>, JsonRejection>,
) -> Answer<UserView> {
    let Json(SetPassword { password, account }) = body?;
    let uri: SipUri = user.parse().map_err(|_| ControlError::missing("user", &user))?;
    let known = service.directory.read().user(&uri).cloned();
    let known = known.ok_or_else(|| ControlError::missing("user", &user))?;
    let task = tokio::spawn(async move {
        service
            .accounts
            .set_password(&uri, account.as_deref(), &password)
            .await?;
        service.sessions.recheck_users();
        Ok::<_, ControlError>(view(&known, &service.accounts))
    });
    let shown = task.await.map_err(|_| ControlError::Abandoned)??;
    Ok(Json(shown))
}

fn view(user: &User, accounts: &Accounts) -> UserView {
    UserView {
        uri: user.uri.clone(),
        display_name: user.display_name.clone(),
        kind: match user.kind {
            UserKind::User => UserKindName::User,
            UserKind::Contact => UserKindName::Contact,
        },
        disabled: user.disabled,
        account: accounts.of(&user.uri).map(|account| account.name.clone()),
    }
}
