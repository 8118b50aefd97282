//! Feeds broken as they are in the wild, one file for each kind, and what is read from them.

use std::fmt::Write as _;
use std::path::Path;

use super::parse::parse;

/// What was read from each file: what was repaired, then its items.
#[test]
fn feeds_of_the_wild_are_read_as_people_read_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/feeds/testdata/wild");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "the corpus is there");
    let mut told = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        // `latin2.http-iso-8859-2.xml` came with `charset=iso-8859-2`.
        let charset = name.split('.').find_map(|part| part.strip_prefix("http-"));
        writeln!(told, "{name}").unwrap();
        match parse(
            &std::fs::read(&file).unwrap(),
            Some("https://example.com/feed"),
            charset,
        ) {
            Err(problem) => writeln!(told, "  {problem}").unwrap(),
            Ok(feed) => {
                for repair in &feed.repairs {
                    writeln!(told, "  repaired: {repair}").unwrap();
                }
                for item in feed.items {
                    writeln!(told, "  {} | {} | {}", item.id, item.title, item.summary).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(told);
}
