//! What forges send: GitHub, Gitea and Gogs (which send the same, under headers of their own) and GitLab.

use parlor_bot::WebhookRequest;
use serde_json::Value;

use super::{Draft, Piece, first, first_line, text};

/// Commits of a push that are listed.
const COMMITS: usize = 5;
/// Characters of a commit's id that are shown.
const ID: usize = 7;

pub(super) fn draft(request: &WebhookRequest) -> Option<Draft> {
    let body = &request.body;
    let github = ["x-github-event", "x-gitea-event", "x-gogs-event"];
    if let Some(event) = github.iter().find_map(|name| request.header(name)) {
        let repository = first(body, &["/repository/full_name", "/organization/login"]);
        return match event {
            "push" => push(body, repository?, text(body, "/pusher/name")),
            "ping" => Some(Draft::text(format!("Webhook of {} is set up", repository?))),
            _ => happened(body, event, repository?),
        };
    }
    let repository = text(body, "/project/path_with_namespace")?;
    match text(body, "/object_kind")? {
        "push" | "tag_push" => push(body, repository, text(body, "/user_name")),
        kind => {
            let title = first(body, &["/object_attributes/title", "/object_attributes/name"]);
            let action = first(body, &["/object_attributes/action", "/object_attributes/status"]);
            let who = text(body, "/user/name");
            let words = [Some(&*kind.replace('_', " ")), action, title].map(|word| word.map(str::to_owned));
            Some(
                sentence(repository, words.into_iter().flatten(), who)
                    .leading_to(text(body, "/object_attributes/url")),
            )
        }
    }
}

/// A push: who, how many commits, where to, and the first of them.
fn push(body: &Value, repository: &str, who: Option<&str>) -> Option<Draft> {
    let branch = text(body, "/ref")?;
    let branch = branch
        .strip_prefix("refs/heads/")
        .or_else(|| branch.strip_prefix("refs/tags/"))
        .unwrap_or(branch);
    let who = who.unwrap_or("somebody");
    let is = |name: &str| body[name].as_bool() == Some(true);
    let commits = body["commits"].as_array().map_or(&[][..], Vec::as_slice);
    let head = if is("deleted") {
        format!("{repository}: {who} deleted {branch}")
    } else if commits.is_empty() {
        format!("{repository}: {who} pushed {branch}")
    } else {
        let noun = if commits.len() == 1 { "commit" } else { "commits" };
        let forced = if is("forced") { ", by force" } else { "" };
        format!(
            "{repository}: {who} pushed {} {noun} to {branch}{forced}",
            commits.len()
        )
    };
    let mut pieces = vec![Piece::Text(head)];
    for commit in commits.iter().take(COMMITS) {
        let id: String = text(commit, "/id").unwrap_or("?").chars().take(ID).collect();
        pieces.push(Piece::Text("\n".to_owned()));
        pieces.push(match text(commit, "/url") {
            Some(target) => Piece::Link {
                text: id,
                target: target.to_owned(),
            },
            None => Piece::Text(id),
        });
        let subject = first_line(text(commit, "/message").unwrap_or_default());
        pieces.push(Piece::Text(format!(" {subject}")));
    }
    if commits.len() > COMMITS {
        pieces.push(Piece::Text(format!("\n… and {} more", commits.len() - COMMITS)));
    }
    let draft = Draft {
        pieces,
        ..Draft::default()
    };
    Some(draft.leading_to(text(body, "/compare")))
}

/// Anything else that GitHub tells: which event, what became of what, by whom.
fn happened(body: &Value, event: &str, repository: &str) -> Option<Draft> {
    // The object that the event is about stands under its name, or under the first part of it.
    let subject = [event, event.split('_').next().unwrap_or(event)]
        .into_iter()
        .chain(event.starts_with("issue_").then_some("issue"))
        .filter_map(|name| body.get(name))
        .find(|value| value.is_object())
        .unwrap_or(&Value::Null);
    let title = first(subject, &["/title", "/name", "/tag_name", "/head_branch"]);
    // What has an action is in the state that follows from it.
    let outcome = if text(body, "/action").is_some() {
        &["/conclusion"][..]
    } else {
        &["/conclusion", "/state"]
    };
    let words = [
        Some(event.replace('_', " ")),
        subject["number"].as_u64().map(|number| format!("#{number}")),
        text(body, "/action").map(str::to_owned),
        first(subject, outcome).map(|outcome| format!("({outcome})")),
        title.map(|title| format!("“{}”", first_line(title))),
    ];
    let draft = sentence(
        repository,
        words.into_iter().flatten(),
        text(body, "/sender/login"),
    );
    let link = text(subject, "/html_url").or_else(|| text(body, "/repository/html_url"));
    Some(draft.leading_to(link))
}

fn sentence(repository: &str, words: impl Iterator<Item = String>, who: Option<&str>) -> Draft {
    let words: Vec<String> = words.collect();
    let who = who.map(|who| format!(" by {who}")).unwrap_or_default();
    Draft::text(format!("{repository}: {}{who}", words.join(" ")))
}

impl Draft {
    fn leading_to(mut self, link: Option<&str>) -> Self {
        self.link = link.map(str::to_owned);
        self
    }
}
