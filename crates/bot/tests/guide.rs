//! The guide and the README show code that compiles and is tested: each of their Rust blocks stands in an example,
//! word for word.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

const GUIDE: &str = include_str!("../../../docs/writing-a-bot.md");
const README: &str = include_str!("../../../README.md");
const EXAMPLES: [&str; 2] = [
    include_str!("../examples/hello.rs"),
    include_str!("../examples/tea.rs"),
];

/// Code as the compiler sees it: however its lines are broken.
fn plain(code: &str) -> String {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    code.replace(",}", "}").replace(",)", ")")
}

fn blocks(page: &'static str, language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    page.split(&start)
        .skip(1)
        .map(|after| after.split("```").next().unwrap())
        .collect()
}

#[test]
fn rust_blocks_stand_in_the_examples() {
    let examples: Vec<String> = EXAMPLES.iter().map(|example| plain(example)).collect();
    let (guide, readme) = (blocks(GUIDE, "rust"), blocks(README, "rust"));
    assert!(guide.len() > 5 && !readme.is_empty(), "both pages show code");
    for block in guide.into_iter().chain(readme) {
        assert!(
            examples.iter().any(|example| example.contains(&plain(block))),
            "in no example:\n{block}"
        );
    }
}

#[test]
fn there_is_no_code_of_another_kind() {
    let languages = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("```"))
        .filter(|rest| !rest.is_empty());
    for language in languages {
        assert!(
            ["rust", "toml", "sh", "text"].contains(&language),
            "{language} would be tested by nobody"
        );
    }
}
