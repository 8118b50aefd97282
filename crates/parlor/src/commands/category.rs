//! `parlor category`: what holds rooms and says whom they may admit.

use parlor_server::control::{CategoryView, Client, CreateCategory};

use crate::cli::{CategoryCommand, Global};
use crate::failure::Failure;
use crate::terminal::{json_document, line, table};

pub(crate) async fn run(client: Client, global: &Global, command: CategoryCommand) -> Result<(), Failure> {
    match command {
        CategoryCommand::List => {
            let categories = client.categories().await?;
            if global.json {
                json_document(&categories);
            } else {
                let rows: Vec<_> = categories.iter().map(row).collect();
                table(&["category", "rooms", "admits", "never", "description"], &rows);
            }
        }
        CategoryCommand::Create {
            name,
            description,
            allow,
            deny,
            creators,
        } => {
            // An empty list is everybody; `everyone` is the word for it on the command line.
            let allowed = if allow.iter().any(|who| who == "everyone") {
                Vec::new()
            } else {
                scope(allow)
            };
            let wanted = CreateCategory {
                name,
                description,
                allowed,
                denied: scope(deny),
                creators,
            };
            let category = client.create_category(&wanted).await?;
            if global.json {
                json_document(&category);
            } else {
                line(format_args!("created category {}", category.name));
            }
        }
    }
    Ok(())
}

/// `@example.com` and `example.com` both mean the domain.
fn scope(entries: Vec<String>) -> Vec<String> {
    entries
        .into_iter()
        .map(|entry| {
            entry
                .strip_prefix('@')
                .map_or_else(|| entry.clone(), str::to_owned)
        })
        .collect()
}

fn row(category: &CategoryView) -> Vec<String> {
    let list = |entries: &[String], none: &str| {
        if entries.is_empty() {
            none.to_owned()
        } else {
            entries.join(" ")
        }
    };
    vec![
        category.name.clone(),
        category.rooms.to_string(),
        list(&category.allowed, "everyone"),
        list(&category.denied, "-"),
        category.description.clone(),
    ]
}
