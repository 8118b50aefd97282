//! In-band provisioning (facts E4): the question and the one property of the answer that chat needs.

use parlor_xccos::SipUri;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// `Accept` and `Content-Type` of the subscription.
pub(crate) const CONTENT_TYPE: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";
/// The event package.
pub(crate) const EVENT: &str = "vnd-microsoft-provisioning-v2";
/// The groups asked for.
pub(crate) const BODY: &str = concat!(
    r#"<provisioningGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist">"#,
    r#"<provisioningGroup name="persistentChatConfiguration"/>"#,
    "</provisioningGroupList>"
);
const GROUP: &str = "persistentChatConfiguration";
const PROPERTY: &str = "DefaultPersistentChatPoolUri";

/// Finds the address of the chat service in a provisioning document.
///
/// `None` when the document is broken, switches chat off by leaving the group out, or names no usable address.
pub(crate) fn chat_uri(document: &[u8]) -> Option<SipUri> {
    let mut reader = Reader::from_str(std::str::from_utf8(document).ok()?);
    let mut in_group = false;
    let mut value: Option<String> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if start.local_name().as_ref() == "provisionGroup" => {
                in_group = attribute(&start).as_deref() == Some(GROUP);
            }
            Event::Start(start) if in_group && start.local_name().as_ref() == "property" => {
                value = (attribute(&start).as_deref() == Some(PROPERTY)).then(String::new);
            }
            Event::Text(text) => {
                if let Some(value) = &mut value {
                    value.push_str(&text.xml10_content());
                }
            }
            Event::End(end) if end.local_name().as_ref() == "property" => {
                if let Some(value) = value.take() {
                    return value.trim().parse().ok();
                }
            }
            // No entity is needed in a SIP address, and a document type is refused as everywhere.
            Event::GeneralRef(_) => value = None,
            Event::DocType(_) | Event::Eof => return None,
            _ => {}
        }
    }
}

fn attribute(start: &BytesStart<'_>) -> Option<String> {
    let name = start.try_get_attribute("name").ok()??;
    name.normalized_value(XmlVersion::Implicit1_0)
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::chat_uri;

    fn document(group: &str, property: &str) -> String {
        format!(
            r#"<provisionGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification">
              <provisionGroup name="other"><propertyEntryList>
                <property name="DefaultPersistentChatPoolUri">sip:wrong@example.com</property>
              </propertyEntryList></provisionGroup>
              <provisionGroup name="{group}"><propertyEntryList>
                <property name="EnablePersistentChat">true</property>
                <property name="DefaultPersistentChatPoolUri">{property}</property>
              </propertyEntryList></provisionGroup>
            </provisionGroupList>"#
        )
    }

    #[test]
    fn the_pool_address_is_found_in_its_own_group() {
        let text = document(
            "persistentChatConfiguration",
            " sip:GC-1-PersistentChatService-2@Example.com ",
        );
        let uri = chat_uri(text.as_bytes()).expect("an address");
        assert_eq!(uri.as_str(), "sip:gc-1-persistentchatservice-2@example.com");
    }

    #[test]
    fn documents_without_a_usable_address_give_none() {
        for text in [
            document("meetingPolicy", "sip:chat@example.com"),
            document("persistentChatConfiguration", ""),
            document("persistentChatConfiguration", "tel:1"),
            document("persistentChatConfiguration", "sip:&x;@example.com"),
            format!(
                "<!DOCTYPE x>{}",
                document("persistentChatConfiguration", "sip:chat@example.com")
            ),
            "<provisionGroupList><property".to_owned(),
            String::new(),
        ] {
            assert_eq!(chat_uri(text.as_bytes()), None, "{text}");
        }
        assert_eq!(chat_uri(&[0xff, 0xfe]), None);
    }
}
