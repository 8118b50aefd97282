//! The settings as they stand in the configuration.

use parlor_bot::prelude::*;
use parlor_bot::settings::{Network, Span};
use parlor_bot::{Condition, HeaderName, RequestKey, SecretSource, Signature, Template, WebhookName};

/// Settings of the relay.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The webhooks.
    pub hooks: Vec<HookSettings>,
}

/// One webhook. Templates and conditions have the variables `body` (what was sent), `headers` (by name in small
/// letters, `headers['x-event']`), `hook` (its name), `id`, `received` (`2026-03-29 08:55`, UTC) and `room`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookSettings {
    /// Its name, unique in this host: requests go to `/hooks/NAME`.
    pub name: WebhookName,
    /// How a sender proves that it knows the secret: `"github"`, `"gitlab"`, `"stripe"`, `"bearer"` (`Authorization:
    /// Bearer SECRET`), `"hmac(X-Signature)"` (HMAC-SHA256 of the body in hexadecimal digits), `"timestamped(X-Signature,
    /// 5m)"` (as Stripe signs), `"token(X-Token)"` (the secret itself), or `"path"` (the secret is the last part of the
    /// address).
    pub signature: Signature,
    /// Where the secret is, 16 bytes of it at least: `"file:ci.secret"` (beside the configuration) or `"env:CI_SECRET"`.
    pub secret: SecretSource,
    /// Where the secret is that counts too while senders are moved to a new one. Default: none.
    pub old_secret: Option<SecretSource>,
    /// Where the sender says which request it is, so that none is posted twice: `"usual"` (the headers `Idempotency-Key`,
    /// `Webhook-Id`, `X-GitHub-Delivery` and their like), `"header(X-Request-Id)"` or `"body(/event/id)"`. Default:
    /// `"usual"`.
    pub key: Option<RequestKey>,
    /// For how long the same body counts as a repeat, when the sender gives no key; `"0s"` for not at all. Default:
    /// `"5m"`.
    pub repeat_within: Option<Span>,
    /// At most so many requests a minute; who sends more is asked to come again later. Default: 300.
    pub per_minute: Option<u32>,
    /// Networks and addresses that may send: `["192.0.2.0/24"]`. Default: all.
    pub from: Option<Vec<Network>>,
    /// Headers for templates and conditions, beside `User-Agent` and those that say which event it is. Default: none.
    pub headers: Option<Vec<HeaderName>>,
    /// The rooms, out of the bot's rooms. Default: all of them.
    pub rooms: Option<Vec<String>>,
    /// Only requests for which this holds are posted: `"body.state == 'failed'"`. Default: all.
    pub when: Option<Condition>,
    /// What a post is: `"text"`, `"story"` (title and text) or `"alert"` (text of high importance). Default: `"text"`.
    pub post_as: Option<PostAs>,
    /// The text of a post: a template. Default: what fits the request, when it is a push, issue, merge or release of
    /// GitHub, GitLab or Gitea, an alert of Alertmanager or Grafana, or has a `text` as for Slack or Mattermost; others
    /// are set aside.
    pub text: Option<Template>,
    /// The title of a story: a template. Default: what fits the request, else the webhook's name.
    pub title: Option<Template>,
    /// An address that is put under the text: a template; none when it renders empty. Default: what fits the request,
    /// when `text` is left out too.
    pub link: Option<Template>,
    /// What the link reads: a template. Default: the address.
    pub link_text: Option<Template>,
    /// When this holds, the post is of high importance. Default: when `post_as` says so, and for alerts that fire.
    pub alert_when: Option<Condition>,
    /// The longest post, in bytes; a longer text is cut at a word. Default: what the server takes.
    pub max_length: Option<usize>,
}

/// What a request becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostAs {
    /// A message.
    #[default]
    Text,
    /// A title, and text to unfold.
    Story,
    /// A message of high importance.
    Alert,
}
