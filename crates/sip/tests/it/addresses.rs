//! URIs and name-addrs: lossless, and safe to build from any text.

use parlor_sip::{NameAddr, Params, Uri};
use proptest::prelude::*;

fn uri() -> impl Strategy<Value = String> {
    let user = "([a-zA-Z0-9._!~*'()&=+$;?/%-]{1,12}(:[a-z]{1,4})?@)?";
    let host = prop_oneof![
        "[a-zA-Z0-9]([a-zA-Z0-9.-]{0,10}[a-z])?",
        Just("[2001:db8::1]".to_owned())
    ];
    let param = prop_oneof!["[a-z]{1,8}", "[a-z]{1,8}=[a-zA-Z0-9:%/\\[\\]&+$_.-]{1,16}"];
    let params = prop::collection::vec(param, 0..4);
    (
        prop::sample::select(vec!["sip", "sips", "SIP"]),
        user,
        host,
        proptest::option::of(any::<u16>()),
        params,
        "(\\?[a-z]{1,4}=[a-z%0-9]{0,6})?",
    )
        .prop_map(|(scheme, user, host, port, params, headers)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let params: String = params.iter().map(|param| format!(";{param}")).collect();
            format!("{scheme}:{user}{host}{port}{params}{headers}")
        })
}

proptest! {
    #[test]
    fn a_uri_displays_as_it_was_written(text in uri()) {
        let uri: Uri = text.parse().unwrap();
        prop_assert_eq!(uri.to_string(), text);
        prop_assert!(uri.aor().parse::<Uri>().is_ok());
        prop_assert_eq!(uri.aor(), uri.aor().to_lowercase());
    }

    #[test]
    fn a_uri_takes_and_gives_back_any_parameter(text in uri(), value in "[a-z:]{1,8}") {
        let uri: Uri = text.parse().unwrap();
        let with = uri.with_param("opaque", Some(&value)).unwrap();
        prop_assert_eq!(with.opaque(), Some(&*value));
        prop_assert_eq!((with.user(), with.host(), with.port()), (uri.user(), uri.host(), uri.port()));
        prop_assert_eq!(with.headers(), uri.headers());
    }

    #[test]
    fn no_text_makes_the_uri_parser_panic(text in "\\PC{0,60}", sip in "sip:[@:;?=\\[\\]<>\" a-zé0-9]{0,30}") {
        for text in [text, sip] {
            if let Ok(uri) = text.parse::<Uri>() {
                prop_assert_eq!(uri.as_str(), &*text);
                let _ = (uri.user(), uri.host(), uri.headers(), uri.aor(), uri.params().count());
            }
        }
    }

    #[test]
    fn a_name_addr_reads_back_what_it_displays(
        uri in uri(),
        display in proptest::option::of("[^\\x00-\\x1f\\x7f]{1,20}"),
        tag in proptest::option::of("[^\\x00-\\x1f\\x7f\"\\\\]{1,20}"),
    ) {
        let mut address = NameAddr::new(uri.parse().unwrap()).with_param("epid", Some("cf0b98dadeb9"));
        address.display = display;
        address.params = match &tag {
            Some(tag) => address.params.with("tag", Some(tag)),
            None => address.params,
        };
        let again: NameAddr = address.to_string().parse().unwrap();
        prop_assert_eq!(again.tag(), tag.as_deref());
        prop_assert_eq!(again, address);
    }

    #[test]
    fn a_list_of_addresses_is_split_where_it_was_joined(uris in prop::collection::vec(uri(), 0..5)) {
        let list: Vec<NameAddr> = uris
            .iter()
            .map(|uri| NameAddr::new(uri.parse().unwrap()).with_display("A, \"B\" <c>"))
            .collect();
        let text: Vec<_> = list.iter().map(ToString::to_string).collect();
        prop_assert_eq!(NameAddr::parse_list(&text.join(", ")).unwrap(), list);
    }

    #[test]
    fn no_text_makes_the_name_addr_parser_panic(text in "[\"<>;=:@, \\\\a-zé]{0,40}") {
        if let Ok(address) = text.parse::<NameAddr>() {
            let again: NameAddr = address.to_string().parse().unwrap();
            prop_assert_eq!(again.uri, address.uri);
        }
        let _ = NameAddr::parse_list(&text);
    }

    #[test]
    fn no_value_breaks_out_of_its_parameter(name in ".{0,10}", value in ".{0,20}") {
        let params = Params::default().with("first", Some("1")).with(&name, Some(&value));
        prop_assert_eq!(params.get("first").is_some(), true);
        prop_assert!(params.iter().count() <= 2);
        prop_assert!(!params.to_string().contains(['\r', '\n']));
    }
}
