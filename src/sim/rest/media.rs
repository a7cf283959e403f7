//! The pictures and files that embeds and components name.

use crate::sim::errors::{ApiError, Invalid};
use serde_json::{Map, Value};

const REFERENCE: &str = "attachment://";

/// Puts the attachments of a message in the place of their names (`attachment://cat.png`) in its embeds and components.
/// Fails when a component names one that the message does not have.
pub(super) fn resolve(fields: &mut Map<String, Value>) -> Result<(), ApiError> {
    let attachments = fields.get("attachments").cloned().unwrap_or_default();
    let attachments = attachments.as_array().cloned().unwrap_or_default();
    if let Some(embeds) = fields.get_mut("embeds") {
        name_in_embeds(embeds, &attachments);
    }
    match fields.get_mut("components") {
        Some(components) => in_components(components, "components", &attachments),
        None => Ok(()),
    }
}

fn find<'a>(attachments: &'a [Value], url: &str) -> Option<&'a Value> {
    let name = url.strip_prefix(REFERENCE)?;
    attachments.iter().find(|one| one["filename"] == name)
}

fn name_in_embeds(tree: &mut Value, attachments: &[Value]) {
    match tree {
        Value::Array(items) => {
            for item in items {
                name_in_embeds(item, attachments);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let url = value
                    .as_str()
                    .filter(|_| name == "url" || name == "icon_url");
                match url.and_then(|url| find(attachments, url)) {
                    Some(attachment) => *value = attachment["url"].clone(),
                    None => name_in_embeds(value, attachments),
                }
            }
        }
        _ => {}
    }
}

fn in_components(tree: &mut Value, path: &str, attachments: &[Value]) -> Result<(), ApiError> {
    match tree {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                in_components(item, &format!("{path}.{index}"), attachments)?;
            }
            Ok(())
        }
        Value::Object(fields) => {
            for name in ["components", "component", "accessory", "items"] {
                if let Some(inner) = fields.get_mut(name) {
                    in_components(inner, &format!("{path}.{name}"), attachments)?;
                }
            }
            for name in ["media", "file"] {
                let place = format!("{path}.{name}.url");
                let Some(media) = fields.get_mut(name) else {
                    continue;
                };
                let attachment = show(media, &place, attachments)?;
                if let Some(attachment) = attachment.filter(|_| name == "file") {
                    fields.insert("name".into(), attachment["filename"].clone());
                    fields.insert("size".into(), attachment["size"].clone());
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What Discord shows of a picture or a file; the attachment that it is.
fn show<'a>(
    media: &mut Value,
    path: &str,
    attachments: &'a [Value],
) -> Result<Option<&'a Value>, ApiError> {
    let url = media["url"].as_str().unwrap_or_default().to_owned();
    if !url.starts_with(REFERENCE) {
        if media["proxy_url"].is_null() {
            media["proxy_url"] = url.into();
        }
        return Ok(None);
    }
    let Some(attachment) = find(attachments, &url) else {
        let code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND";
        let message = format!("The referenced attachment was not found: {url}");
        return Err(Invalid::one(path, code, message));
    };
    for name in ["url", "proxy_url", "content_type"] {
        media[name] = attachment[name].clone();
    }
    media["attachment_id"] = attachment["id"].clone();
    Ok(Some(attachment))
}
