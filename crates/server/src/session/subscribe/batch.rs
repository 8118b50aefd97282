//! The presence of many users in one body ([MS-PRES] 4.3).

use std::fmt::Write;

use parlor_xccos::SipUri;
use quick_xml::escape::escape;
use uuid::Uuid;

use super::{Notification, Subscription};

/// The type of one user's presence.
pub(super) const CATEGORIES_TYPE: &str = "application/msrtc-event-categories+xml";
/// The type of a subscription to many users at once.
pub(super) const BATCH_TYPE: &str = "application/msrtc-adrl-categorylist+xml";

/// The list of the users, then one part for each whom the directory knows, in their order. An empty line stands before
/// each boundary, or a real client loses two bytes (real-client 4). What separates the parts is new each time: users
/// write what stands in them, and whoever knew it could speak for somebody else.
pub(super) fn batch_of(subscription: &Subscription, documents: &[(SipUri, String)]) -> Notification {
    let boundary = format!("part-{}", Uuid::new_v4().simple());
    let mut out = String::new();
    let part = |out: &mut String, id: &str, media_type: &str, body: &str| {
        let _ = write!(
            out,
            "--{boundary}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{id}>\r\n\
             Content-Type: {media_type}\r\n\r\n{body}\r\n\r\n"
        );
    };
    part(
        &mut out,
        "resourceList",
        "application/rlmi+xml",
        &list(subscription, documents),
    );
    for (at, (_, document)) in documents.iter().enumerate() {
        part(&mut out, &at.to_string(), CATEGORIES_TYPE, document);
    }
    let _ = write!(out, "--{boundary}--\r\n");
    let media_type =
        format!("multipart/related; type=\"application/rlmi+xml\";start=resourceList;boundary={boundary}");
    Notification::new(&media_type, out)
}

/// Which part tells of whom.
fn list(subscription: &Subscription, documents: &[(SipUri, String)]) -> String {
    let mut out = format!(
        "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"{}\" version=\"0\" fullState=\"false\">",
        escape(subscription.subscriber.as_str())
    );
    let mut known = documents.iter().enumerate().peekable();
    for user in &subscription.watched {
        let instance = match known.next_if(|(_, (other, _))| other == user) {
            Some((at, _)) => format!("state=\"active\" cid=\"{at}\""),
            None => "state=\"terminated\" reason=\"noresource\"".to_owned(),
        };
        let uri = escape(user.as_str());
        let _ = write!(
            out,
            "<resource uri=\"{uri}\"><instance id=\"0\" {instance}/></resource>"
        );
    }
    out.push_str("</list>");
    out
}
