//! `parlor bot new`: a crate of its own with one bot and a program that runs it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{BotNewArgs, Global};
use crate::failure::Failure;
use crate::terminal::{json_document, line};

/// The files of the crate, with words to be replaced.
const TEMPLATE: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("src/main.rs", include_str!("template/main.rs.txt")),
    ("tests/dialogue.rs", include_str!("template/dialogue.rs.txt")),
    ("config/parlor.toml", include_str!("template/parlor.toml.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    (".gitignore", "/target\n/config/data\n/config/certs\n"),
];

/// The longest name; it becomes part of a crate's name and of an address.
const MAX_NAME: usize = 40;

/// Where the new crate finds Parlor.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Sources(PathBuf),
    Version(String),
}

pub(super) fn run(global: &Global, arguments: &BotNewArgs) -> Result<(), Failure> {
    let name = checked(&arguments.name)?;
    let folder = arguments.path.clone().unwrap_or_else(|| PathBuf::from(name));
    let target = std::path::absolute(&folder).map_err(|error| unwritable(&folder, &error))?;
    if fs::read_dir(&target).is_ok_and(|mut entries| entries.next().is_some()) || target.is_file() {
        let problem = format!("{} exists and is not empty", folder.display());
        return Err(Failure::new(problem).with_help("Name another folder with --path DIR."));
    }
    let source = source(arguments.parlor.as_deref(), &target)?;
    write(&target, name, &source).map_err(|error| unwritable(&folder, &error))?;
    if global.json {
        let files: Vec<_> = TEMPLATE.iter().map(|(file, _)| target.join(file)).collect();
        json_document(&json!({ "kind": name, "folder": target, "files": files }));
    } else {
        line(format_args!(
            "A bot of kind `{name}` in {}. Next:\n",
            folder.display()
        ));
        line(format_args!("  cd {}", folder.display()));
        line("  cargo test            its dialogue, without a network");
        line("  cargo run -- up       a server and the bot, as config/parlor.toml says");
        line("\nREADME.md tells more.");
    }
    Ok(())
}

fn checked(name: &str) -> Result<&str, Failure> {
    let right = name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if right {
        return Ok(name);
    }
    let help = "Write lower-case letters, digits and single `-`, for example `tea-time`; at most 40.";
    Err(Failure::new(format!("`{name}` cannot be the name of a bot")).with_help(help))
}

fn source(given: Option<&str>, target: &Path) -> Result<Source, Failure> {
    let found = match given {
        None => around(target),
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) && !Path::new(text).exists() => {
            return Ok(Source::Version(text.to_owned()));
        }
        Some(text) => Some(PathBuf::from(text)).filter(|folder| is_parlor(folder)),
    };
    let Some(found) = found else {
        let problem = match given {
            None => "the sources of Parlor are around neither the new folder nor this one".to_owned(),
            Some(text) => format!("{text} does not hold the sources of Parlor"),
        };
        return Err(Failure::new(problem)
            .with_help("Name them with --parlor DIR, or a release with --parlor VERSION."));
    };
    let found = found
        .canonicalize()
        .map_err(|error| Failure::caused("cannot read the sources of Parlor", &error))?;
    if target
        .parent()
        .is_some_and(|parent| [found.join("bots"), found.join("crates")].contains(&parent.to_owned()))
    {
        let help =
            "A bot of Parlor itself is made as CONTRIBUTING.md says; name another folder with --path DIR.";
        return Err(Failure::new("this folder belongs to Parlor's own workspace").with_help(help));
    }
    Ok(Source::Sources(found))
}

/// The sources that the new folder lies in, else those that the command is given in.
fn around(target: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let folders = target.ancestors().skip(1).chain(here.ancestors());
    folders.map(Path::to_owned).find(|folder| is_parlor(folder))
}

fn is_parlor(folder: &Path) -> bool {
    folder.join("crates/bot/Cargo.toml").is_file() && folder.join("crates/parlor/Cargo.toml").is_file()
}

fn write(target: &Path, name: &str, source: &Source) -> io::Result<()> {
    for (file, text) in TEMPLATE {
        let path = target.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, filled(text, name, source))?;
    }
    if let Source::Sources(sources) = source {
        // The versions that Parlor was tested with.
        match fs::copy(sources.join("Cargo.lock"), target.join("Cargo.lock")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn filled(text: &str, name: &str, source: &Source) -> String {
    let dependency = |package: &str, folder: &str| match source {
        Source::Sources(sources) => format!("{package} = {{ path = {:?} }}", sources.join(folder)),
        Source::Version(version) => format!("{package} = {version:?}"),
    };
    text.replace("@NAME@", name)
        .replace("@IDENT@", &name.replace('-', "_"))
        .replace("@TYPE@", &type_name(name))
        .replace("@PARLOR@", &dependency("parlor", "crates/parlor"))
        .replace("@PARLOR_BOT@", &dependency("parlor-bot", "crates/bot"))
}

/// `tea-time` as a Rust type: `TeaTime`.
fn type_name(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    name.split('-').map(capital).collect()
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::caused(&format!("cannot write {}", folder.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_types() {
        assert_eq!(type_name("tea"), "Tea");
        assert_eq!(type_name("tea-time-2"), "TeaTime2");
    }

    #[test]
    fn only_names_that_cargo_and_addresses_take_are_taken() {
        for name in ["tea", "tea-time", "t2"] {
            assert!(checked(name).is_ok(), "{name}");
        }
        let long = "x".repeat(MAX_NAME + 1);
        for name in [
            "",
            "Tea",
            "2tea",
            "tea_time",
            "tea-",
            "tea--time",
            "../tea",
            "té",
            &long,
        ] {
            assert!(checked(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_release_or_sources_are_depended_on() {
        let sources = Source::Sources(PathBuf::from("/src/parlor"));
        assert_eq!(
            filled("@PARLOR_BOT@", "tea", &sources),
            "parlor-bot = { path = \"/src/parlor/crates/bot\" }"
        );
        let version = Source::Version("0.1".to_owned());
        assert_eq!(filled("@PARLOR@", "tea", &version), "parlor = \"0.1\"");
    }

    #[test]
    fn every_word_of_the_templates_is_replaced() {
        for (file, text) in TEMPLATE {
            let text = filled(text, "tea-time", &Source::Version("0.1".to_owned()));
            assert!(
                !text.contains('@') || file == "config/parlor.toml" || file == "README.md",
                "{file}"
            );
            for word in ["@NAME", "@IDENT", "@TYPE", "@PARLOR"] {
                assert!(!text.contains(word), "{word} in {file}");
            }
        }
    }
}
