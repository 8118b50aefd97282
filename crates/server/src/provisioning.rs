//! In-band provisioning, and the names of everything that can be subscribed to.
//! How a subscription travels is left to the session.

use bytes::Bytes;
use parlor_xccos::SipUri;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

/// Event package of in-band provisioning, [MS-SIPREGE] 2.2.2.5.
pub(crate) const PROVISIONING_EVENT: &str = "vnd-microsoft-provisioning-v2";
/// Event package of the contact list.
pub(crate) const CONTACTS_EVENT: &str = "vnd-microsoft-roaming-contacts";
/// Event package of a user's own presence and access lists.
pub(crate) const SELF_EVENT: &str = "vnd-microsoft-roaming-self";

/// Event package of the presence of others.
pub(crate) const PRESENCE_EVENT: &str = "presence";

/// What can be subscribed to, as Allow-Events says it: a comma without a space (real-client 3.1).
pub(crate) const EVENTS: &str =
    "vnd-microsoft-provisioning-v2,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-self,presence";

/// Media type of a provisioning document.
pub(crate) const PROVISIONING_TYPE: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";
/// Media type of a contact list.
pub(crate) const CONTACTS_TYPE: &str = "application/vnd-microsoft-roaming-contacts+xml";
/// Media type of roaming-self data.
pub(crate) const SELF_TYPE: &str = "application/vnd-microsoft-roaming-self+xml";

/// The provisioning group that tells a client where persistent chat is.
const CHAT_GROUP: &str = "persistentChatConfiguration";
const GROUP_LIST_NAMESPACE: &str = "http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification";

/// Whether a provisioning request asks for the chat group; one without a readable list asks for everything.
pub(crate) fn wants_chat(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return true;
    };
    let mut reader = Reader::from_str(text);
    let mut listed = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                if element.local_name().as_ref() != "provisioningGroup" {
                    continue;
                }
                listed = true;
                let named = element.attributes().flatten().any(|attribute| {
                    attribute.key.local_name().as_ref() == "name" && attribute.value == CHAT_GROUP
                });
                if named {
                    return true;
                }
            }
            Ok(Event::Eof) | Err(_) => return !listed,
            Ok(_) => {}
        }
    }
}

/// The provisioning document: chat is on and where it is (facts E4). `with_chat` false gives an empty list.
pub(crate) fn provisioning(chat_uri: &SipUri, with_chat: bool) -> Bytes {
    let mut document = Document::new();
    document.open("provisionGroupList", &[("xmlns", GROUP_LIST_NAMESPACE)]);
    if with_chat {
        let uri = chat_uri.to_string();
        document.open("provisionGroup", &[("name", CHAT_GROUP)]);
        document.open("propertyEntryList", &[]);
        for (name, value) in [
            ("EnablePersistentChat", "true"),
            ("DefaultPersistentChatPoolUri", uri.as_str()),
            ("PersistentChatPoolUris", uri.as_str()),
        ] {
            document.text("property", &[("name", name)], value);
        }
        document.close("propertyEntryList");
        document.close("provisionGroup");
    }
    document.close("provisionGroupList");
    document.finish()
}

/// Writes elements to memory, where writing cannot fail.
struct Document {
    writer: Writer<Vec<u8>>,
}

impl Document {
    fn new() -> Self {
        Self {
            writer: Writer::new(Vec::new()),
        }
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Start(
            BytesStart::new(name).with_attributes(attributes.iter().copied()),
        ));
    }

    fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.event(Event::Text(BytesText::new(text)));
        self.close(name);
    }

    fn close(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn event(&mut self, event: Event<'_>) {
        self.writer.write_event(event).expect("a Vec takes every byte");
    }

    fn finish(self) -> Bytes {
        self.writer.into_inner().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_switches_chat_on_and_names_the_pool() {
        let uri = "sip:pchat@example.com".parse().unwrap();
        let text = String::from_utf8(provisioning(&uri, true).to_vec()).unwrap();
        assert_eq!(
            text,
            "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification\">\
             <provisionGroup name=\"persistentChatConfiguration\"><propertyEntryList>\
             <property name=\"EnablePersistentChat\">true</property>\
             <property name=\"DefaultPersistentChatPoolUri\">sip:pchat@example.com</property>\
             <property name=\"PersistentChatPoolUris\">sip:pchat@example.com</property>\
             </propertyEntryList></provisionGroup></provisionGroupList>"
        );
    }

    #[test]
    fn only_a_list_without_the_chat_group_goes_without_it() {
        let list = |groups: &str| {
            format!(
                "<provisioningGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist\">{groups}\
                 </provisioningGroupList>"
            )
        };
        assert!(wants_chat(b""));
        assert!(wants_chat(
            list("<provisioningGroup name=\"persistentChatConfiguration\"/>").as_bytes()
        ));
        assert!(!wants_chat(
            list("<provisioningGroup name=\"ucPolicy\"/>").as_bytes()
        ));
        assert!(wants_chat(b"\xff\xfe"));
    }
}
