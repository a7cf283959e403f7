//! Embeds as Discord gives them back.

use serde_json::{Value, json};

/// The embeds of a message's body: each with its type, without what is null, each field with whether it is inline.
pub(super) fn of_message(body: &Value) -> Value {
    let embeds = body.get("embeds").and_then(Value::as_array);
    let shown = embeds.into_iter().flatten().map(|embed| {
        let mut embed = embed.clone();
        drop_nulls(&mut embed);
        embed["type"] = "rich".into();
        let fields = embed.get_mut("fields").and_then(Value::as_array_mut);
        for field in fields
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            field.entry("inline").or_insert(json!(false));
        }
        embed
    });
    shown.collect()
}

fn drop_nulls(tree: &mut Value) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}
