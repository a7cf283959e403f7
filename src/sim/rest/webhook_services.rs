//! Webhooks for what speaks as Slack's and GitHub's webhooks do: their bodies become messages with embeds.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, open};
use super::webhooks;
use crate::sim::errors::INVALID_JSON;
use crate::sim::ids::timestamp;
use crate::sim::world::World;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    open(
        "POST",
        "/webhooks/{webhook_id}/{webhook_token}/slack",
        slack,
    ),
    open(
        "POST",
        "/webhooks/{webhook_id}/{webhook_token}/github",
        github,
    ),
];

/// The longest title of an embed, in characters.
const TITLE: usize = 256;
/// How much of a text an embed shows, in characters.
const DESCRIPTION: usize = 2_000;

fn slack(world: &mut World, call: &RestCall) -> Outcome {
    let hook = webhooks::by_token(world, call)?;
    // A form has all of it in one field.
    let body = match call.string("payload") {
        Some(text) => serde_json::from_str(text).map_err(|_| INVALID_JSON)?,
        None => call.body.clone(),
    };
    let attachments = body["attachments"].as_array();
    let embeds: Vec<Value> = attachments.into_iter().flatten().map(slack_embed).collect();
    let mut message = json!({"content": body["text"], "embeds": embeds});
    for (name, from) in [("username", "username"), ("avatar_url", "icon_url")] {
        if let Some(value) = body.get(from).filter(|value| !value.is_null()) {
            message[name] = value.clone();
        }
    }
    webhooks::send(world, call, &hook, &message)?;
    Ok(RestAnswer::Ok("ok".into()))
}

fn slack_embed(attachment: &Value) -> Value {
    let text = |name: &str| attachment[name].as_str();
    let mut embed = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            embed.insert(name.into(), value);
        }
    };
    put("title", text("title").map(Value::from));
    put("url", text("title_link").map(Value::from));
    let words: Vec<&str> = ["pretext", "text"].into_iter().filter_map(text).collect();
    put(
        "description",
        (!words.is_empty()).then(|| words.join("\n").into()),
    );
    put("color", text("color").and_then(color).map(Value::from));
    let at = attachment["ts"].as_u64().map(Duration::from_secs);
    put("timestamp", at.map(|at| timestamp(at).into()));
    let footer = text("footer").map(|it| json!({"text": it, "icon_url": text("footer_icon")}));
    put("footer", footer.map(without_nulls));
    let author = text("author_name").map(
        |name| json!({"name": name, "url": text("author_link"), "icon_url": text("author_icon")}),
    );
    put("author", author.map(without_nulls));
    put("image", text("image_url").map(|url| json!({ "url": url })));
    put(
        "thumbnail",
        text("thumb_url").map(|url| json!({ "url": url })),
    );
    let fields = attachment["fields"].as_array();
    let field = |field: &Value| {
        // Slack's own names for them are understood, too.
        let either = |one: &str, other: &str| field.get(one).or_else(|| field.get(other)).cloned();
        json!({
            "name": either("name", "title"), "value": field["value"],
            "inline": either("inline", "short").unwrap_or(false.into()),
        })
    };
    put("fields", fields.map(|all| all.iter().map(field).collect()));
    Value::Object(embed)
}

/// The number of `#f80` or `#ff8800`.
fn color(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('#')?;
    let digits = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => digits.to_owned(),
    };
    u64::from_str_radix(&digits, 16).ok()
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

fn github(world: &mut World, call: &RestCall) -> Outcome {
    let hook = webhooks::by_token(world, call)?;
    let Some((title, url, text)) = github_event(&call.body) else {
        // A ping, or what Discord shows nothing of.
        return Ok(RestAnswer::Nothing);
    };
    let sender = &call.body["sender"];
    let embed = json!({
        "title": beginning(&title, TITLE),
        "url": url,
        "description": text.map(|text| beginning(&text, DESCRIPTION)),
        "author": {
            "name": sender["login"], "url": sender["html_url"], "icon_url": sender["avatar_url"],
        },
    });
    let message = json!({
        "username": "GitHub", "embeds": [without_nulls(embed)],
    });
    webhooks::send(world, call, &hook, &message)?;
    Ok(RestAnswer::Nothing)
}

fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What an event of GitHub's is about: a title, its address, and the text.
fn github_event(body: &Value) -> Option<(String, Value, Option<String>)> {
    let repository = body["repository"]["full_name"].as_str().unwrap_or_default();
    let action = body["action"].as_str().unwrap_or_default();
    let text = |of: &Value| of["body"].as_str().map(ToOwned::to_owned);
    let numbered = |what: &str, of: &Value| {
        let (number, title) = (&of["number"], of["title"].as_str().unwrap_or_default());
        format!("[{repository}] {what}: #{number} {title}")
    };
    let known = |name: &str| body.get(name).filter(|value| value.is_object());
    if let Some(comment) = known("comment") {
        let about = known("issue")
            .or(known("pull_request"))
            .or(known("discussion"));
        let title = match about {
            Some(about) => numbered("New comment on", about),
            None => format!("[{repository}] New comment on a commit"),
        };
        return Some((title, comment["html_url"].clone(), text(comment)));
    }
    for (name, what) in [
        ("review", "Review"),
        ("pull_request", "Pull request"),
        ("issue", "Issue"),
        ("discussion", "Discussion"),
    ] {
        let Some(thing) = known(name) else { continue };
        let about = known("pull_request")
            .filter(|_| name == "review")
            .unwrap_or(thing);
        let title = numbered(&format!("{what} {action}"), about);
        return Some((title, thing["html_url"].clone(), text(thing)));
    }
    if let Some(release) = known("release") {
        let tag = release["tag_name"].as_str().unwrap_or_default();
        let title = format!("[{repository}] New release {action}: {tag}");
        return Some((title, release["html_url"].clone(), None));
    }
    if let Some(run) = known("check_run") {
        let conclusion = run["conclusion"].as_str().unwrap_or(action);
        let name = run["name"].as_str().unwrap_or_default();
        let title = format!("[{repository}] {name} {conclusion}");
        return Some((title, run["html_url"].clone(), None));
    }
    if let Some(fork) = known("forkee") {
        let name = fork["full_name"].as_str().unwrap_or_default();
        let title = format!("[{repository}] Fork created: {name}");
        return Some((title, fork["html_url"].clone(), None));
    }
    let branch = body["ref"].as_str().unwrap_or_default();
    if let Some(commits) = body["commits"].as_array().filter(|all| !all.is_empty()) {
        let branch = branch.trim_start_matches("refs/heads/");
        let line = |commit: &Value| {
            let id = beginning(commit["id"].as_str().unwrap_or_default(), 7);
            let message = commit["message"].as_str().unwrap_or_default();
            let message = message.lines().next().unwrap_or_default();
            let author = commit["author"]["name"].as_str().unwrap_or_default();
            let url = commit["url"].as_str().unwrap_or_default();
            format!("[`{id}`]({url}) {message} - {author}")
        };
        let lines: Vec<String> = commits.iter().map(line).collect();
        let noun = if commits.len() == 1 {
            "commit"
        } else {
            "commits"
        };
        let title = format!("[{repository}:{branch}] {} new {noun}", commits.len());
        return Some((title, body["compare"].clone(), Some(lines.join("\n"))));
    }
    let of = body["ref_type"].as_str()?;
    let url = body["repository"]["html_url"].clone();
    Some((format!("[{repository}] {of}: {branch}"), url, None))
}
