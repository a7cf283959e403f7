//! The pictures and files that embeds and components name.

use crate::sim::errors::{ApiError, Invalid};
use crate::sim::world::World;
use serde_json::{Map, Value};

const REFERENCE: &str = "attachment://";

/// Puts the attachments of a message in the place of their names (`attachment://cat.png`) in its embeds and components.
/// Fails when a component names one that the message does not have.
pub(super) fn resolve(world: &mut World, fields: &mut Map<String, Value>) -> Result<(), ApiError> {
    let attachments = fields.get("attachments").cloned().unwrap_or_default();
    let attachments = attachments.as_array().cloned().unwrap_or_default();
    if let Some(embeds) = fields.get_mut("embeds") {
        name_in_embeds(embeds, &attachments);
    }
    match fields.get_mut("components") {
        Some(components) => in_components(world, components, "components", &attachments),
        None => Ok(()),
    }
}

fn find<'a>(attachments: &'a [Value], url: &str) -> Option<&'a Value> {
    let name = url.strip_prefix(REFERENCE)?;
    attachments.iter().find(|one| one["filename"] == name)
}

fn name_in_embeds(embeds: &mut Value, attachments: &[Value]) {
    for embed in embeds.as_array_mut().into_iter().flatten() {
        for name in ["image", "thumbnail"] {
            if let Some(picture) = embed.get_mut(name) {
                show_picture(picture, attachments);
            }
        }
        for name in ["author", "footer"] {
            if let Some(icon) = embed.get_mut(name) {
                show_icon(icon, attachments);
            }
        }
    }
}

/// A picture of an embed: with what Discord's proxy knows of it.
fn show_picture(picture: &mut Value, attachments: &[Value]) {
    let Some(url) = picture["url"].as_str().map(ToOwned::to_owned) else {
        return;
    };
    let Some(attachment) = find(attachments, &url) else {
        if !url.starts_with(REFERENCE) {
            picture["proxy_url"] = url.into();
        }
        return;
    };
    for name in ["url", "proxy_url", "width", "height", "content_type"] {
        if let Some(value) = attachment.get(name) {
            picture[name] = value.clone();
        }
    }
}

fn show_icon(icon: &mut Value, attachments: &[Value]) {
    let Some(url) = icon["icon_url"].as_str().map(ToOwned::to_owned) else {
        return;
    };
    let attachment = find(attachments, &url);
    let (shown, proxied) = match attachment {
        Some(attachment) => (attachment["url"].clone(), attachment["proxy_url"].clone()),
        None if url.starts_with(REFERENCE) => return,
        None => (url.as_str().into(), url.as_str().into()),
    };
    icon["icon_url"] = shown;
    icon["proxy_icon_url"] = proxied;
}

fn in_components(
    world: &mut World,
    tree: &mut Value,
    path: &str,
    attachments: &[Value],
) -> Result<(), ApiError> {
    match tree {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                in_components(world, item, &format!("{path}.{index}"), attachments)?;
            }
            Ok(())
        }
        Value::Object(fields) => {
            for name in ["components", "component", "accessory", "items"] {
                if let Some(inner) = fields.get_mut(name) {
                    in_components(world, inner, &format!("{path}.{name}"), attachments)?;
                }
            }
            for name in ["media", "file"] {
                let place = format!("{path}.{name}.url");
                let Some(media) = fields.get_mut(name) else {
                    continue;
                };
                let attachment = show(world, media, &place, attachments)?;
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
    world: &mut World,
    media: &mut Value,
    path: &str,
    attachments: &'a [Value],
) -> Result<Option<&'a Value>, ApiError> {
    let url = media["url"].as_str().unwrap_or_default().to_owned();
    if media["id"].is_null() {
        media["id"] = world.new_id().to_string().into();
    }
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
    for name in ["url", "proxy_url", "content_type", "width", "height"] {
        media[name] = attachment[name].clone();
    }
    media["attachment_id"] = attachment["id"].clone();
    Ok(Some(attachment))
}
