//! What Alertmanager sends (its webhook format, version 4), and Grafana's alerting, which sends the same and a title.

use serde_json::Value;

use super::{Draft, Piece, first, first_line, text};

/// Alerts of a group that are listed.
const ALERTS: usize = 10;

pub(super) fn draft(body: &Value) -> Option<Draft> {
    let alerts = body["alerts"].as_array()?;
    let status = text(body, "/status")?;
    let firing = status == "firing";
    let name = first(
        body,
        &["/commonLabels/alertname", "/groupLabels/alertname", "/receiver"],
    );
    let title = match text(body, "/title") {
        Some(title) => title.to_owned(),
        None => {
            let name = name.unwrap_or("alerts");
            let count = alerts.iter().filter(|alert| alert["status"] == "firing").count();
            if firing {
                format!("[FIRING:{count}] {name}")
            } else {
                format!("[{}] {name}", status.to_uppercase())
            }
        }
    };
    let mut lines: Vec<String> = alerts.iter().take(ALERTS).map(line).collect();
    if alerts.len() > ALERTS {
        lines.push(format!("… and {} more", alerts.len() - ALERTS));
    }
    let source = first(body, &["/alerts/0/generatorURL", "/externalURL"]);
    Some(Draft {
        title: Some(title),
        pieces: vec![Piece::Text(lines.join("\n"))],
        link: source.map(str::to_owned),
        alert: firing,
    })
}

/// One alert: its state, what it says of itself, where it is.
fn line(alert: &Value) -> String {
    let said = [
        "/annotations/summary",
        "/annotations/description",
        "/annotations/message",
        "/labels/alertname",
    ];
    let said = first(alert, &said).unwrap_or("alert");
    let state = match text(alert, "/status") {
        Some("firing") | None => String::new(),
        Some(state) => format!("{state}: "),
    };
    let labels = ["severity", "instance", "job"];
    let labels = labels
        .iter()
        .filter_map(|label| text(&alert["labels"], &format!("/{label}")));
    let labels: Vec<&str> = labels.collect();
    let labels = if labels.is_empty() {
        String::new()
    } else {
        format!(" ({})", labels.join(", "))
    };
    format!("{state}{}{labels}", first_line(said))
}
