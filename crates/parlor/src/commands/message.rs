//! `parlor message`: what messages say is taken out of their room, and the record of that.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use parlor_server::control::{
    Client, ClientError, HistoryQuery, PostView, RemovalView, RemovalsQuery, RemoveMessage, RemovedMessage,
};
use parlor_xccos::MessageId;
use serde_json::{Value, json};

use super::posts;
use crate::cli::{Global, MessageCommand, MessageRemoveArgs, MessageSelection};
use crate::failure::{Failure, chain};
use crate::terminal::{BAD, FAINT, harmless, json_document, line, remark, styled};

/// Messages read at once: what the server gives.
const PAGE: usize = 999;
/// The most messages that one selection takes: more of them are rather a mistake, and each is a commit of its own.
const MAX_SELECTED: usize = 10_000;

pub(crate) async fn run(client: Client, global: &Global, command: MessageCommand) -> Result<(), Failure> {
    match command {
        MessageCommand::Remove(arguments) => remove(&client, global, arguments).await,
        MessageCommand::Removed { room } => {
            let removals = removals(&client, &room).await?;
            if global.json {
                json_document(&removals);
            } else if removals.is_empty() {
                line("nothing was removed");
            } else {
                removals.iter().for_each(show_removal);
            }
            Ok(())
        }
    }
}

async fn remove(client: &Client, global: &Global, arguments: MessageRemoveArgs) -> Result<(), Failure> {
    let room = &arguments.room;
    let ids: Vec<MessageId> = if arguments.ids.is_empty() {
        let selected = select(client, room, &arguments.selection).await?;
        if arguments.selection.dry_run {
            dry_run(global, &selected);
            return Ok(());
        }
        selected.iter().map(|post| post.id).collect()
    } else {
        arguments.ids.iter().copied().map(MessageId).collect()
    };
    let removal = RemoveMessage {
        by: arguments.by.unwrap_or_else(|| "the operator".to_owned()),
        reason: arguments.reason,
        text: arguments.text,
        posted: None,
    };
    let (mut done, mut failed) = (Vec::new(), 0);
    let mut broken_off = None;
    for id in &ids {
        match client.remove_message(room, *id, &removal).await {
            Ok(removed) => {
                if !global.json {
                    line(told(&removed));
                }
                done.push(json!(removed));
            }
            Err(error @ ClientError::Refused { .. }) => {
                failed += 1;
                if !global.json {
                    remark(format_args!("{} {}", styled(BAD, "not removed:"), chain(&error)));
                }
                done.push(refusal(*id, &error));
            }
            // What was done is told all the same: it cannot be undone.
            Err(error) => {
                broken_off = Some(error);
                break;
            }
        }
    }
    if global.json {
        json_document(&done);
    } else if ids.is_empty() {
        line("no messages are so");
    }
    if let Some(error) = broken_off {
        let help = format!("{} of {} messages were dealt with before", done.len(), ids.len());
        return Err(Failure::from(error).with_help(help));
    }
    match failed {
        0 => Ok(()),
        failed => Err(Failure::new(format!(
            "{failed} of {} messages were not removed",
            ids.len()
        ))),
    }
}

fn told(removed: &RemovedMessage) -> String {
    let (id, author) = (removed.id, &removed.author);
    if removed.repeated {
        let by = harmless(&removed.by);
        format!(
            "message {id} of {author} was removed before, by {by} at {}",
            removed.at
        )
    } else {
        format!("message {id} of {author} is removed")
    }
}

fn refusal(id: MessageId, error: &ClientError) -> Value {
    match error {
        ClientError::Refused { body, .. } => {
            json!({ "id": id, "error": body.error, "message": body.message })
        }
        other => json!({ "id": id, "message": chain(other) }),
    }
}

fn dry_run(global: &Global, selected: &[PostView]) {
    if global.json {
        return json_document(&selected);
    }
    selected.iter().for_each(show);
    line(format_args!("{} messages would be removed", selected.len()));
}

/// The messages that a selection means, oldest first, without those that are removed already.
async fn select(client: &Client, room: &str, selection: &MessageSelection) -> Result<Vec<PostView>, Failure> {
    let now = Utc::now();
    let wanted = Wanted {
        selection,
        from: selection.from.map(|since| since.from(now)),
        to: selection.to.map(|since| since.from(now)),
        containing: selection.containing.as_deref().map(str::to_lowercase),
        removed: removals(client, room)
            .await?
            .iter()
            .map(|removal| removal.original.id)
            .collect(),
    };
    let (mut selected, mut before) = (Vec::new(), None);
    loop {
        let query = HistoryQuery {
            last: Some(PAGE),
            before,
            after: None,
        };
        let page = client.history(room, &query).await?;
        before = page.first().map(|oldest| oldest.id);
        let done = page.first().is_none_or(|oldest| wanted.is_before(oldest));
        selected.extend(page.into_iter().rev().filter(|post| wanted.holds(post)));
        if selected.len() > MAX_SELECTED {
            let problem = format!("more than {MAX_SELECTED} messages are so");
            return Err(Failure::new(problem).with_help("Narrow it down with --author, --from and --to."));
        }
        if done {
            selected.reverse();
            return Ok(selected);
        }
    }
}

struct Wanted<'s> {
    selection: &'s MessageSelection,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    /// In lower case.
    containing: Option<String>,
    removed: HashSet<MessageId>,
}

impl Wanted<'_> {
    fn holds(&self, post: &PostView) -> bool {
        let posted = moment(post);
        let author = self.selection.author.as_ref();
        author.is_none_or(|author| *author == post.author)
            && self.from.is_none_or(|from| posted >= from)
            && self.to.is_none_or(|to| posted <= to)
            && self
                .containing
                .as_ref()
                .is_none_or(|text| post.text.to_lowercase().contains(text))
            && !self.removed.contains(&post.id)
    }

    /// Whether everything older than this is too old; a room's times only grow.
    fn is_before(&self, post: &PostView) -> bool {
        self.from.is_some_and(|from| moment(post) < from)
    }
}

fn moment(post: &PostView) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(post.timestamp.as_millis()).unwrap_or_default()
}

/// The whole record of a room.
async fn removals(client: &Client, room: &str) -> Result<Vec<RemovalView>, Failure> {
    let mut removals: Vec<RemovalView> = Vec::new();
    loop {
        let after = removals.last().map_or(0, |last| last.number);
        let page = client.removals(room, &RemovalsQuery { after }).await?;
        if page.is_empty() {
            return Ok(removals);
        }
        removals.extend(page);
    }
}

fn show(post: &PostView) {
    let shown = posts::post(&posts::Line {
        timestamp: post.timestamp,
        author: &post.author,
        author_name: post.author_name.as_deref(),
        alert: post.alert,
        chat: &post.text,
    });
    line(format_args!("{:>6}  {shown}", post.id.0));
}

fn show_removal(removal: &RemovalView) {
    show(&removal.original);
    let reason = removal
        .reason
        .as_deref()
        .map(|reason| format!(": {}", harmless(reason)))
        .unwrap_or_default();
    let by = harmless(&removal.by);
    line(styled(
        FAINT,
        format_args!("        removed {} by {by}{reason}", removal.at),
    ));
}
