//! Where Discord's description of its API is behind its documentation: `corrections.json` adds what is missing and says what is otherwise, each
//! with the page that has it. A table that has it already stays as it is.

use serde::Deserialize;
use serde_json::Value;

/// One addition; its `source`, the page of Discord's documentation that has it, is for who reads the file.
#[derive(Deserialize)]
struct Correction {
    /// Where in the table: a JSON pointer to a table, a list, a type or a switch.
    at: String,
    /// The entries of a table, the items of a list, or the kind of value beside those of a type that are added unless
    /// they are there; or what a switch says instead.
    adds: Value,
}

fn corrections() -> Vec<Correction> {
    serde_json::from_str(include_str!("corrections.json")).unwrap_or_default()
}

/// Adds to a table what Discord's description lacks.
pub(super) fn apply(table: &mut Value) {
    for Correction { at, adds } in corrections() {
        match (table.pointer_mut(&at), adds) {
            (Some(Value::Object(fields)), Value::Object(adds)) => {
                for (name, value) in adds {
                    fields.entry(name).or_insert(value);
                }
            }
            (Some(Value::Array(items)), Value::Array(adds)) => {
                for value in adds {
                    if !items.contains(&value) {
                        items.push(value);
                    }
                }
            }
            (Some(Value::String(kinds)), Value::String(kind))
                if !kinds.split('|').any(|known| known == kind) =>
            {
                *kinds = format!("{kind}|{kinds}");
            }
            (Some(Value::Bool(switch)), Value::Bool(other)) => *switch = other,
            // A newer description has no such place.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_correction_has_a_source_and_a_place_in_the_present_table() {
        let table: Value = serde_json::from_str(include_str!("../operations.json")).unwrap();
        let listed: Vec<Value> = serde_json::from_str(include_str!("corrections.json")).unwrap();
        assert!(!listed.is_empty());
        assert_eq!(listed.len(), corrections().len());
        for one in listed {
            let source = one["source"].as_str().unwrap_or_default();
            assert!(
                source.starts_with("https://docs.discord.com/developers/"),
                "{one}"
            );
            assert!(
                table.pointer(one["at"].as_str().unwrap()).is_some(),
                "{one}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_added_once() {
        let mut table = json!({"schemas": {
            "MessageReferenceType": {"values": {"DEFAULT": 0}},
            "GuildChannelResponse": {"fields": {"type": {"enum": [0]}}},
        }});
        apply(&mut table);
        let once = table.clone();
        assert_eq!(
            once["schemas"]["MessageReferenceType"]["values"]["FORWARD"],
            1
        );
        assert_eq!(
            once["schemas"]["GuildChannelResponse"]["fields"]["type"]["enum"],
            json!([0, 16])
        );
        apply(&mut table);
        assert_eq!(table, once);
    }
}
