use super::*;

fn command(text: &str) -> Element {
    Element::parse(text.as_bytes()).unwrap()
}

const SET: &str = "<m:setContact xmlns:m='u'><m:displayName>B&amp;b</m:displayName><m:groups>1 </m:groups>\
                   <m:subscribed>true</m:subscribed><m:URI>sip:bob@example.com</m:URI><m:deltaNum>1</m:deltaNum>\
                   </m:setContact>";

fn add(group: &str) -> Element {
    command(&format!("<addGroup><name>{group}</name></addGroup>"))
}

/// The list as a restarted server finds it.
fn recalled(documents: &[DocumentChange]) -> Contacts {
    let mut list = Contacts::default();
    let mut last = std::collections::BTreeMap::new();
    for document in documents {
        last.insert(document.name(), document);
    }
    for document in last.values() {
        if let DocumentChange::Put { name, content } = document {
            let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
            list.recall(kind, rest, content).unwrap();
        }
    }
    list
}

#[test]
fn every_change_counts_and_tells_only_what_changed() {
    let mut list = Contacts::default();
    let changed = list.apply(&command(SET)).unwrap();
    assert_eq!(
        changed.delta.unwrap(),
        "<contactDelta deltaNum=\"2\" prevDeltaNum=\"1\"><addedContact uri=\"sip:bob@example.com\" name=\"B&amp;b\" \
         groups=\"1\" subscribed=\"true\" externalURI=\"\"/></contactDelta>"
    );
    assert_eq!(
        list.apply(&command(SET)).err(),
        Some(Fault::WrongVersions(vec![(1, 2)]))
    );
    let group = list
        .apply(&command(
            "<addGroup><name>Team</name><deltaNum>2</deltaNum></addGroup>",
        ))
        .unwrap();
    assert!(group.answer.unwrap().contains("<m:groupID>2</m:groupID>"));
    list.apply(&command(
        "<deleteGroup><groupID>2</groupID><deltaNum>3</deltaNum></deleteGroup>",
    ))
    .unwrap();
    let gone = "<deleteContact><URI>sip:bob@example.com</URI><deltaNum>4</deltaNum></deleteContact>";
    let gone = list.apply(&command(gone)).unwrap().delta.unwrap();
    assert!(
        gone.contains("<deletedContact uri=\"sip:bob@example.com\"/>"),
        "{gone}"
    );
    assert_eq!(
        list.document(),
        "<contactList deltaNum=\"5\"><group id=\"1\" name=\"~\" externalURI=\"\"/></contactList>"
    );
}

#[test]
fn contacts_of_a_removed_group_stay_in_the_list() {
    let mut list = Contacts::default();
    list.apply(&add("Team")).unwrap();
    list.apply(&command(
        "<setContact><URI>bob@example.com</URI><groups>2</groups></setContact>",
    ))
    .unwrap();
    let changed = list
        .apply(&command("<deleteGroup><groupID>2</groupID></deleteGroup>"))
        .unwrap();
    let delta = changed.delta.unwrap();
    assert!(
        delta.contains("<modifiedContact uri=\"sip:bob@example.com\" name=\"\" groups=\"1\""),
        "{delta}"
    );
    assert!(
        delta.ends_with("<deletedGroup id=\"2\"/></contactDelta>"),
        "{delta}"
    );
}

#[test]
fn a_stored_list_is_the_same_again() {
    let mut list = Contacts::default();
    let mut documents = Vec::new();
    for text in [
        SET,
        "<addGroup><name>A &lt; B</name></addGroup>",
        "<addGroup><name>gone</name></addGroup>",
        "<setContact><URI>carol@example.com</URI><groups>2 3</groups><subscribed>false</subscribed></setContact>",
        "<setContact><URI>dave@example.com</URI></setContact>",
        "<deleteContact><URI>dave@example.com</URI></deleteContact>",
        "<modifyGroup><groupID>1</groupID><name>~</name><externalURI>x</externalURI></modifyGroup>",
        "<deleteGroup><groupID>3</groupID></deleteGroup>",
    ] {
        documents.extend(list.apply(&command(text)).unwrap().documents);
    }
    assert_eq!(recalled(&documents).document(), list.document());
    assert!(list.document().contains("deltaNum=\"9\""));
    assert!(!recalled(&documents).is_new());
}

#[test]
fn a_command_that_makes_no_sense_changes_nothing() {
    let mut list = Contacts::default();
    let long = format!("<addGroup><name>{}</name></addGroup>", "x".repeat(MAX_TEXT + 1));
    let far = format!(
        "<setContact><URI>{}</URI></setContact>",
        "x".repeat(SipUri::MAX_LEN + 1)
    );
    for (text, fault) in [
        ("<dance/>", Fault::Unreadable),
        ("<setContact/>", Fault::Unreadable),
        (
            "<deleteContact><URI>sip:x@y</URI></deleteContact>",
            Fault::Unknown,
        ),
        ("<deleteGroup><groupID>1</groupID></deleteGroup>", Fault::Unknown),
        ("<modifyGroup><groupID>9</groupID></modifyGroup>", Fault::Unknown),
        (&long, Fault::TooMany),
        (&far, Fault::Unreadable),
    ] {
        assert_eq!(list.apply(&command(text)).err(), Some(fault), "{text}");
    }
    assert!(list.document().contains("deltaNum=\"1\""));
}

#[test]
fn a_list_is_so_long_and_no_longer() {
    let mut list = Contacts::default();
    for n in 1..MAX_GROUPS {
        list.apply(&add(&n.to_string())).unwrap();
    }
    assert_eq!(list.apply(&add("one more")).err(), Some(Fault::TooMany));
    let set = |n: usize| command(&format!("<setContact><URI>u{n}@example.com</URI></setContact>"));
    for n in 0..MAX_CONTACTS {
        list.apply(&set(n)).unwrap();
    }
    assert_eq!(list.apply(&set(MAX_CONTACTS)).err(), Some(Fault::TooMany));
    assert!(list.apply(&set(0)).is_ok());
}

#[test]
fn a_number_that_is_none_is_not_taken_for_the_right_one() {
    let mut list = Contacts::default();
    for number in ["99999999999", "-1", "one"] {
        let command = command(&SET.replace("deltaNum>1<", &format!("deltaNum>{number}<")));
        assert_eq!(list.apply(&command).err(), Some(Fault::Unreadable), "{number}");
    }
    assert!(list.is_new());
}
