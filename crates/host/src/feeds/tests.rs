//! Feeds from a web server on loopback, which does what servers do in the wild.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::address::is_private;
use super::web::Web;
use super::*;
use parlor_bot::{FeedItem, FeedUrl};

const RSS: &str = include_str!("testdata/news.rss");

/// Answers one request per answer, in order; `None` holds the connection open without a word. Gives back the requests.
async fn serve(answers: Vec<Option<Vec<u8>>>) -> (SocketAddr, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        let mut silent = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            requests.push(String::from_utf8(head).unwrap());
            match answer {
                // The client may have hung up, having seen enough.
                Some(answer) => drop(stream.write_all(&answer).await),
                None => silent.push(stream),
            }
        }
        if !silent.is_empty() {
            std::future::pending::<()>().await;
        }
        requests
    });
    (address, task)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    Some(answer)
}

/// 127.0.0.2 stands for the private networks, 127.0.0.1 for the public one.
fn private_is_two(address: IpAddr) -> bool {
    address == IpAddr::from([127, 0, 0, 2])
}

fn fetcher() -> Fetcher {
    Fetcher::over(Web::direct(
        "parlor-test/1",
        Duration::from_secs(20),
        private_is_two,
    ))
}

fn url(address: SocketAddr, path: &str) -> FeedUrl {
    format!("http://{address}{path}").parse().unwrap()
}

async fn fetch(answers: Vec<Option<Vec<u8>>>) -> Result<Fetched, FeedError> {
    let (address, _server) = serve(answers).await;
    fetcher()
        .fetch(&url(address, "/feed"), &Validators::default(), false)
        .await
}

fn feed(fetched: Fetched) -> Feed {
    match fetched {
        Fetched::Changed { feed, .. } => feed,
        Fetched::NotModified { .. } => panic!("not modified"),
    }
}

async fn items(body: &[u8]) -> Vec<FeedItem> {
    feed(fetch(vec![answer("200 OK", "", body)]).await.unwrap()).items
}

fn titles(items: &[FeedItem]) -> Vec<&str> {
    items.iter().map(|item| item.title.as_str()).collect()
}

#[tokio::test]
async fn a_feed_is_fetched_and_the_next_look_is_conditional() {
    let (address, server) = serve(vec![
        answer(
            "200 OK",
            "ETag: \"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 09:00:00 GMT\r\n",
            RSS.as_bytes(),
        ),
        answer(
            "304 Not Modified",
            "Retry-After: 120\r\nCache-Control: max-age=300\r\n",
            b"",
        ),
    ])
    .await;
    let url = url(address, "/feed");
    let fetched = fetcher()
        .fetch(&url, &Validators::default(), false)
        .await
        .unwrap();
    let Fetched::Changed { validators, feed, .. } = fetched else {
        panic!("{fetched:?}")
    };
    assert_eq!(feed.title.as_deref(), Some("Example & Friends"));
    assert_eq!(
        titles(&feed.items),
        ["First", "Second: Vec<T>", "Without a title, but with words"]
    );

    let second = fetcher().fetch(&url, &validators, false).await.unwrap();
    assert_eq!(
        second,
        Fetched::NotModified {
            advice: Advice {
                retry_after: Some(Duration::from_secs(120)),
                fresh_for: Some(Duration::from_secs(300)),
                moved_to: None,
            }
        }
    );
    let requests = server.await.unwrap();
    assert!(!requests[0].contains("if-none-match"), "{}", requests[0]);
    assert!(requests[0].contains("user-agent: parlor-test/1"));
    assert!(requests[1].contains("if-none-match: \"v1\""), "{}", requests[1]);
    assert!(requests[1].contains("if-modified-since: Sat, 21 Nov 2026 09:00:00 GMT"));
}

#[tokio::test]
async fn items_come_with_plain_text_and_an_identity() {
    let items = items(RSS.as_bytes()).await;
    insta::assert_debug_snapshot!(items);
}

#[tokio::test]
async fn all_formats_are_read() {
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title>
        <entry><id>urn:2</id><title type="html">&lt;i&gt;Two&lt;/i&gt;</title><updated>2026-11-02T00:00:00Z</updated>
        <link rel="self" href="https://example.com/api/2"/><link rel="alternate" href="https://example.com/2"/></entry>
        <entry><id>urn:1</id><title>One</title><updated>2026-11-01T00:00:00Z</updated></entry></feed>"#;
    let atom = items(atom.as_bytes()).await;
    assert_eq!(titles(&atom), ["One", "Two"]);
    assert_eq!(
        (atom[1].id.as_str(), atom[1].link.as_deref()),
        ("urn:2", Some("https://example.com/2"))
    );

    let json = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [
        {"id": "7", "url": "https://example.com/7", "title": "Seven", "content_html": "<p>a &amp; b</p>"}]}"#;
    let json = items(json.as_bytes()).await;
    assert_eq!(
        (titles(&json), json[0].summary.as_str()),
        (vec!["Seven"], "a & b")
    );
}

#[tokio::test]
async fn an_item_without_id_is_known_by_its_link_or_else_its_title() {
    let rss = "<rss version='2.0'><channel><title>x</title>\
        <item><title>a</title><link>https://example.com/a</link></item>\
        <item><title>b</title></item><item><title>b</title></item></channel></rss>";
    let first = items(rss.as_bytes()).await;
    let ids: Vec<_> = first.iter().map(|item| item.id.as_str()).collect();
    assert_eq!((ids.len(), ids[2]), (3, "https://example.com/a"));
    assert!(ids[0].starts_with("hash:"));
    assert_eq!(ids[0], ids[1], "the same item twice is one item");
    assert_eq!(items(rss.as_bytes()).await, first, "and the same next time");
}

#[tokio::test]
async fn broken_feeds_are_repaired_where_that_is_safe() {
    let ampersand = "<rss version='2.0'><channel><title>AT&T</title><item><title>Q&A</title>\
        <link>https://example.com/?a=1&b=2</link></item></channel></rss>";
    let items_of = items(ampersand.as_bytes()).await;
    assert_eq!(
        (titles(&items_of), items_of[0].id.as_str()),
        (vec!["Q&A"], "https://example.com/?a=1&b=2")
    );
}

#[tokio::test]
async fn what_is_no_feed_is_an_error_and_never_a_panic() {
    // Cut off before the end of its first item.
    let truncated = &RSS.as_bytes()[..RSS.find("</item>").unwrap()];
    for (name, body) in [
        ("truncated", truncated),
        ("garbage", &b"\x00\xff\xfe<\x01{"[..]),
        ("html", b"<html><body>Not here</body></html>"),
        ("json", b"{\"version\": 3}"),
        ("text", b"hello"),
    ] {
        let error = fetch(vec![answer("200 OK", "", body)]).await.unwrap_err();
        assert!(
            matches!(error, FeedError::Parse(ParseError::Format(_))),
            "{name}: {error:?}"
        );
        assert!(!error.is_network());
    }
    let empty = fetch(vec![answer("200 OK", "", b" \r\n")]).await.unwrap_err();
    assert!(matches!(empty, FeedError::Parse(ParseError::Empty)));
}

#[tokio::test]
async fn compressed_answers_are_read_and_bounded() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let read = fetch(vec![answer(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        &gzip(RSS.as_bytes()),
    )])
    .await
    .unwrap();
    assert_eq!(feed(read).items.len(), 3);
    let bomb = gzip(&vec![b' '; 9 << 20]);
    assert!(bomb.len() < 100_000);
    let error = fetch(vec![answer("200 OK", "Content-Encoding: gzip\r\n", &bomb)])
        .await
        .unwrap_err();
    assert!(matches!(error, FeedError::Large), "{error:?}");
    let broken = fetch(vec![answer("200 OK", "Content-Encoding: gzip\r\n", b"not gzip")])
        .await
        .unwrap_err();
    assert!(matches!(broken, FeedError::Broken(_)), "{broken:?}");
}

#[tokio::test]
async fn servers_that_fail_are_told_from_feeds_that_fail() {
    let status = fetch(vec![answer(
        "503 Service Unavailable",
        "Retry-After: 3600\r\n",
        b"",
    )])
    .await
    .unwrap_err();
    assert_eq!(status.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(status.to_string(), "the server answered 503");
    assert!(!status.is_network());

    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<rss>".to_vec();
    let broken = fetch(vec![Some(short)]).await.unwrap_err();
    assert!(
        matches!(broken, FeedError::Broken(_)) && !broken.is_network(),
        "{broken:?}"
    );

    let (address, server) = serve(vec![]).await;
    server.await.unwrap();
    let nobody = fetcher()
        .fetch(&url(address, "/"), &Validators::default(), false)
        .await
        .unwrap_err();
    assert!(
        matches!(nobody, FeedError::Unreachable(_)) && nobody.is_network(),
        "{nobody:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let (address, _server) = serve(vec![None]).await;
    let fetcher = Fetcher::over(Web::direct(
        "parlor-test/1",
        Duration::from_millis(50),
        private_is_two,
    ));
    let late = fetcher
        .fetch(&url(address, "/"), &Validators::default(), false)
        .await
        .unwrap_err();
    assert!(matches!(late, FeedError::Late) && late.is_network(), "{late:?}");
}

#[tokio::test]
async fn oversized_answers_are_cut_off() {
    let error = fetch(vec![answer("200 OK", "", &vec![b'x'; 9 << 20])])
        .await
        .unwrap_err();
    assert!(matches!(error, FeedError::Large), "{error:?}");
    assert_eq!(error.to_string(), "more than 8388608 bytes");
}

#[tokio::test]
async fn redirects_are_followed_a_little_and_not_into_private_networks() {
    let moved = |to: &str| answer("301 Moved", &format!("Location: {to}\r\n"), b"");
    let read = fetch(vec![moved("/elsewhere"), answer("200 OK", "", RSS.as_bytes())])
        .await
        .unwrap();
    assert_eq!(feed(read).items.len(), 3);

    let round = fetch((0..7).map(|_| moved("/again")).collect())
        .await
        .unwrap_err();
    assert!(matches!(round, FeedError::Redirects(_)), "{round:?}");
    let scheme = fetch(vec![moved("file:///etc/passwd")]).await.unwrap_err();
    assert!(
        matches!(scheme, FeedError::Redirects(BadRedirect::Scheme(_))),
        "{scheme:?}"
    );
    let nowhere = fetch(vec![answer("302 Found", "", b"")]).await.unwrap_err();
    assert!(
        matches!(nowhere, FeedError::Redirects(BadRedirect::Place)),
        "{nowhere:?}"
    );
    let private = fetch(vec![moved("http://127.0.0.2:1/")]).await.unwrap_err();
    assert_eq!(
        private.to_string(),
        "127.0.0.2 is in a private network, which only `allow_private = true` permits"
    );
    let mapped = fetch(vec![moved("http://[::ffff:127.0.0.2]:1/")])
        .await
        .unwrap_err();
    assert!(!matches!(mapped, FeedError::Status { .. }), "{mapped:?}");
}

#[tokio::test]
async fn a_move_for_good_is_told_and_one_for_now_is_not() {
    let permanent = |to: &str| answer("301 Moved", &format!("Location: {to}\r\n"), b"");
    let for_now = |to: &str| answer("302 Found", &format!("Location: {to}\r\n"), b"");
    let moved_to = |answers: Vec<Option<Vec<u8>>>| async move {
        let ends = answers
            .into_iter()
            .chain([answer("200 OK", "", RSS.as_bytes())])
            .collect();
        match fetch(ends).await.unwrap() {
            Fetched::Changed { advice, .. } => advice.moved_to.map(|to| to.path().to_owned()),
            Fetched::NotModified { .. } => panic!("not modified"),
        }
    };
    assert_eq!(moved_to(vec![]).await, None);
    assert_eq!(moved_to(vec![permanent("/b")]).await.as_deref(), Some("/b"));
    assert_eq!(
        moved_to(vec![permanent("/b"), permanent("/c#x")])
            .await
            .as_deref(),
        Some("/c")
    );
    assert_eq!(moved_to(vec![for_now("/b")]).await, None);
    assert_eq!(
        moved_to(vec![permanent("/b"), for_now("/c"), permanent("/d")])
            .await
            .as_deref(),
        Some("/b"),
        "what comes after a detour is no move"
    );
}

#[tokio::test]
async fn a_feed_that_is_gone_says_so() {
    let gone = fetch(vec![answer("410 Gone", "", b"")]).await.unwrap_err();
    assert!(matches!(gone, FeedError::Gone) && !gone.is_network());
    assert_eq!(
        gone.to_string(),
        "the server says that the feed is gone for good (410)"
    );
}

#[tokio::test]
async fn http_names_the_encoding_and_half_a_feed_has_no_validators() {
    let polish =
        b"<rss version='2.0'><channel><title>x</title><item><title>\xb3\xf3d\xbc</title></item><item><title>";
    let headers = "ETag: \"v1\"\r\nContent-Type: text/xml; charset=\"ISO-8859-2\"\r\n";
    let Fetched::Changed { validators, feed, .. } =
        fetch(vec![answer("200 OK", headers, polish)]).await.unwrap()
    else {
        panic!("not modified")
    };
    assert_eq!(titles(&feed.items), ["łódź"]);
    assert_eq!(
        (validators, feed.repairs),
        (Validators::default(), vec![Repair::Items(1)])
    );
}

#[tokio::test]
async fn private_addresses_need_permission() {
    let answers = || vec![answer("200 OK", "", RSS.as_bytes())];
    let shipped = Fetcher::over(Web::direct("parlor-test/1", Duration::from_secs(20), is_private));
    let (address, _server) = serve(answers()).await;
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let url: FeedUrl = format!("http://{host}:{}/", address.port()).parse().unwrap();
        let refused = shipped
            .fetch(&url, &Validators::default(), false)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, FeedError::Private { .. }),
            "{host}: {refused:?}"
        );
    }
    let allowed = shipped
        .fetch(&url(address, "/"), &Validators::default(), true)
        .await
        .unwrap();
    assert_eq!(feed(allowed).items.len(), 3);
}

#[tokio::test]
async fn files_are_read_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("news.xml");
    std::fs::write(&path, RSS).unwrap();
    let url = FeedUrl::File(path.clone());
    let fetcher = fetcher();
    let Fetched::Changed { validators, feed, .. } =
        fetcher.fetch(&url, &Validators::default(), false).await.unwrap()
    else {
        panic!("a first look")
    };
    assert_eq!(feed.items.len(), 3);
    let again = fetcher.fetch(&url, &validators, false).await.unwrap();
    assert_eq!(
        again,
        Fetched::NotModified {
            advice: Advice::default()
        }
    );
    std::fs::write(&path, format!("{RSS}\n")).unwrap();
    assert!(matches!(
        fetcher.fetch(&url, &validators, false).await.unwrap(),
        Fetched::Changed { .. }
    ));

    let missing = fetcher
        .fetch(&FeedUrl::File(folder.path().join("none")), &validators, false)
        .await
        .unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    let folder_itself = fetcher
        .fetch(&FeedUrl::File(folder.path().to_owned()), &validators, false)
        .await;
    assert!(matches!(folder_itself, Err(FeedError::File { .. })));
}
