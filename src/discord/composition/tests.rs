use super::*;
use crate::discord::schema::check_body;
use proptest::prelude::*;
use serde_json::json;

fn faults(found: &[Violation]) -> Vec<String> {
    let found = found.iter().cloned().map(shown_place);
    found
        .map(|fault| {
            let path = fault.path.join(".");
            format!("{path}: expected {}, got {}", fault.expected, fault.got)
        })
        .collect()
}

fn of_message(message: &Value) -> Vec<String> {
    faults(&check_message(message.as_object().unwrap()))
}

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "x", "custom_id": id })
}

fn row(inside: &[Value]) -> Value {
    json!({ "type": 1, "components": inside })
}

fn text(content: &str) -> Value {
    json!({ "type": 10, "content": content })
}

fn select(fields: &Value) -> Value {
    let options = json!([{ "label": "a", "value": "a" }, { "label": "b", "value": "b" }]);
    let mut select = json!({ "type": 3, "custom_id": "s", "options": options });
    let fields = fields.as_object().unwrap().clone();
    select.as_object_mut().unwrap().extend(fields);
    select
}

#[test]
fn what_discord_takes_has_no_faults() {
    let section = json!({ "type": 9, "components": [text("a")], "accessory": button("b") });
    let container = json!({ "type": 17, "components": [
        text("x"), section, row(&[button("1"), button("2")]), { "type": 14 },
        { "type": 12, "items": [{ "media": { "url": "https://x.example/a.png" } }] },
    ]});
    for message in [
        json!({}),
        json!({ "content": "x", "embeds": [{ "title": "a" }], "components": [row(&[button("a")])] }),
        json!({ "components": vec![row(&[select(&json!({ "max_values": 2 }))])] }),
        json!({ "flags": IS_COMPONENTS_V2, "content": "", "embeds": [], "components": [container] }),
        json!({ "flags": IS_COMPONENTS_V2, "components": [text(&"x".repeat(4_000))] }),
        json!({ "embeds": vec![json!({ "description": "x".repeat(3_000) }); 2] }),
        json!({ "components": null, "embeds": null }),
    ] {
        assert_eq!(of_message(&message), [""; 0], "{message}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_rule_has_its_words() {
    let many = |count: usize| {
        (0..count)
            .map(|id| button(&id.to_string()))
            .collect::<Vec<_>>()
    };
    let v2 = |components: Value| json!({ "flags": IS_COMPONENTS_V2, "components": components });
    let rows: Vec<Value> = many(6)
        .iter()
        .map(|one| row(std::slice::from_ref(one)))
        .collect();
    let texts: Vec<Value> = vec![text("x"); 41];
    let selects = row(&[select(&json!({})), button("b")]);
    let same = json!([{ "label": "a", "value": "a" }, { "label": "b", "value": "a" }]);
    for (message, expected) in [
        (
            json!({ "embeds": vec![json!({ "description": "x".repeat(3_001) }); 2] }),
            "embeds: expected at most 6000 characters in all texts of all embeds together, got 6002",
        ),
        (
            json!({ "embeds": [{ "color": 5, "title": " " }] }),
            "embeds.0.description: expected something to show: a title, a description, fields, an image …, got nothing",
        ),
        (
            json!({ "embeds": [{ "fields": [{ "name": "a", "value": "" }] }] }),
            "embeds.0.fields.0.value: expected a text that is not empty, got an empty one",
        ),
        (
            json!({ "components": rows }),
            "components: expected at most 5 rows, got 6",
        ),
        (
            json!({ "components": [button("a")] }),
            "components.0: expected a row, got a button",
        ),
        (
            json!({ "components": [row(&[row(&[])])] }),
            "components.0.components.0: expected a button or a select, got a row",
        ),
        (
            json!({ "components": [{ "type": 99 }, 5] }),
            "components.0: expected a row, got one whose type is the number 99",
        ),
        (
            json!({ "components": [selects] }),
            "components.0.components: expected up to 5 buttons, or one select alone, got 2 components, a select among them",
        ),
        (
            json!({ "components": [row(&[button("a"), button("a")])] }),
            "components.0.components.1.custom_id: expected an id of its own, got the string \"a\", which components[1].components[1] has, too",
        ),
        (
            v2(json!([{ "type": 14, "id": 7 }, { "type": 14, "id": 7 }])),
            "components.1.id: expected a number of its own, got 7, which components[1] has, too",
        ),
        (
            v2(json!(texts)),
            "components: expected at most 40 components, with those inside of others, got 41",
        ),
        (
            v2(json!([text(&"ä".repeat(2_000)), text(&"ä".repeat(2_001))])),
            "components: expected at most 4000 characters in all texts together, got 4001",
        ),
        (
            json!({ "flags": IS_COMPONENTS_V2, "components": [text("x")], "content": "hi" }),
            "content: expected nothing beside a text (put the text into ui.text), got the string \"hi\"",
        ),
        (
            json!({ "flags": IS_COMPONENTS_V2, "components": [text("x")], "embeds": [{ "title": "x" }] }),
            "embeds: expected nothing beside a text (put a ui.container in their place), got a list of 1 item",
        ),
        (
            v2(json!([{ "type": 17, "components": [{ "type": 17, "components": [] }] }])),
            "components.0.components.0: expected a row, a text, a section, a gallery, a file or a separator, got a container",
        ),
        (
            v2(json!([{ "type": 9, "components": [text("x")], "accessory": text("y") }])),
            "components.0.accessory: expected a button or a thumbnail, got a text",
        ),
        (
            json!({ "components": [row(&[json!({ "type": 2, "style": 1, "custom_id": "a" })])] }),
            "components.0.components.0.label: expected a label, an emoji or both, got nothing",
        ),
        (
            json!({ "components": [row(&[json!({ "type": 2, "style": 5, "label": "a" })])] }),
            "components.0.components.0.url: expected the URL that it opens, got nothing",
        ),
        (
            json!({ "components": [row(&[json!({ "type": 2, "style": 1, "label": "a" })])] }),
            "components.0.components.0.custom_id: expected the id that a click brings back, got nothing",
        ),
        (
            json!({ "components": [row(&[select(&json!({ "max_values": 3 }))])] }),
            "components.0.components.0.options: expected at least 3 options, as max_values says, got 2",
        ),
        (
            json!({ "components": [row(&[select(&json!({ "min_values": 2 }))])] }),
            "components.0.components.0.min_values: expected at most 1, which is max_values, got 2",
        ),
        (
            json!({ "components": [row(&[select(&json!({ "options": same }))])] }),
            "components.0.components.0.options.1: expected a value of its own, got the string \"a\" again",
        ),
    ] {
        assert_eq!(
            of_message(&message).first().map(String::as_str),
            Some(expected),
            "{message}"
        );
    }
}

#[test]
fn a_modal_holds_labels_texts_and_rows_of_inputs() {
    let input = json!({ "type": 4, "style": 1, "custom_id": "a", "label": "x" });
    let bare = json!({ "type": 4, "style": 1, "custom_id": "a" });
    let label = |inside: &Value| json!({ "type": 18, "label": "x", "component": inside });
    let modal = |components: Value| {
        let modal = json!({ "custom_id": "m", "title": "t", "components": components });
        faults(&check_modal(modal.as_object().unwrap()))
    };
    assert_eq!(modal(json!([label(&bare), text("x")])), [""; 0]);
    assert_eq!(modal(json!([row(std::slice::from_ref(&input))])), [""; 0]);
    for (components, expected) in [
        (
            json!(vec![text("x"); 6]),
            "components: expected 1 to 5 components, got 6",
        ),
        (
            json!([bare]),
            "components.0: expected a label, a text or a row, got a text input",
        ),
        (
            json!([label(&input)]),
            "components.0.component.label: expected nothing: the label around it has the text, got the string \"x\"",
        ),
        (
            json!([row(&[button("b")])]),
            "components.0.components.0: expected a text input, got a button",
        ),
        (
            json!([label(&select(&json!({ "disabled": true })))]),
            "components.0.component.disabled: expected nothing: what is in a modal cannot be disabled, got true",
        ),
        (
            json!([label(
                &json!({ "type": 4, "style": 1, "custom_id": "a", "min_length": 9, "max_length": 3 })
            )]),
            "components.0.component.min_length: expected at most 3, which is max_length, got 9",
        ),
    ] {
        assert_eq!(
            modal(components).first().map(String::as_str),
            Some(expected)
        );
    }
}

#[test]
fn one_part_is_checked_by_itself() {
    let embed =
        json!({ "description": "x".repeat(4_096), "footer": { "text": "x".repeat(1_905) } });
    let expected = "expected at most 6000 characters in all texts of an embed together, got 6001";
    assert_eq!(faults(&check_embed(&embed)), [format!(": {expected}")]);
    assert_eq!(
        faults(&check_component(&row(&[button("a"), button("b")]))),
        [""; 0]
    );
    let found = faults(&check_component(&row(&[button("a"), text("x")])));
    assert_eq!(
        found,
        ["components.1: expected a button or a select, got a text"]
    );
}

#[test]
fn the_flag_follows_from_the_components() {
    assert!(needs_v2(&json!([row(&[]), text("x")])));
    assert!(!needs_v2(&json!([row(&[button("a")])])));
    assert!(!needs_v2(&json!(null)));
}

/// Every kind that the facts know is in the table, and the other way round.
#[test]
fn the_table_has_all_of_discords_components() {
    let Some(crate::discord::schema::Schema::Choices(types)) =
        crate::discord::schema::schema("MessageComponentTypes")
    else {
        panic!("no types of components");
    };
    for id in types.values() {
        assert!(kind(&json!({ "type": id })).is_some(), "{id}");
    }
    let known = (0..100).filter(|id| kind(&json!({ "type": id })).is_some());
    assert_eq!(known.count(), types.len());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..30).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 6, |inner| {
        let name = prop::sample::select(vec![
            "type",
            "components",
            "component",
            "accessory",
            "custom_id",
            "id",
            "style",
            "label",
            "options",
            "value",
            "min_values",
            "max_values",
            "content",
            "embeds",
            "fields",
            "flags",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name, inner, 0..8).prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(fields.collect())
            }),
        ]
    })
}

/// A message that keeps all rules: rows of buttons, and a container of texts.
fn good_message() -> impl Strategy<Value = Value> {
    let rows = prop::collection::vec(1_usize..=5, 1..=5);
    let texts = prop::collection::vec("[a-zä]{1,80}", 1..=8);
    (rows, texts, any::<bool>()).prop_map(|(rows, texts, is_v2)| {
        let mut next = 0;
        let mut rows: Vec<Value> = rows
            .into_iter()
            .map(|count| {
                let ids = next..next + count;
                next += count;
                row(&ids.map(|id| button(&id.to_string())).collect::<Vec<_>>())
            })
            .collect();
        if !is_v2 {
            return json!({ "content": "x", "components": rows });
        }
        rows.truncate(4);
        let texts: Vec<Value> = texts.iter().map(|content| text(content)).collect();
        rows.push(json!({ "type": 17, "components": texts }));
        json!({ "flags": IS_COMPONENTS_V2, "components": rows })
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_looked_at(value in any_value()) {
        let mut message = serde_json::Map::new();
        message.insert("components".to_owned(), json!([value.clone()]));
        message.insert("embeds".to_owned(), json!([value.clone()]));
        for flags in [0, IS_COMPONENTS_V2] {
            message.insert("flags".to_owned(), flags.into());
            check_message(&message);
        }
        check_modal(&message);
        check_component(&value);
        check_embed(&value);
    }

    #[test]
    fn good_messages_have_no_faults_by_rules_and_schema(message in good_message()) {
        prop_assert_eq!(of_message(&message), [""; 0]);
        prop_assert_eq!(check_body("MessageCreateRequest", &message), []);
    }

    /// A second component with an id that is there already is always found.
    #[test]
    fn a_repeated_id_is_found(message in good_message(), which in any::<prop::sample::Index>()) {
        let mut message = message;
        let rows: Vec<usize> = message["components"].as_array().unwrap().iter().enumerate()
            .filter(|(_, it)| it["type"] == 1).map(|(at, _)| at).collect();
        let at = rows[which.index(rows.len())];
        let copy = message["components"][at]["components"][0].clone();
        message["components"].as_array_mut().unwrap().push(row(&[copy]));
        let found = of_message(&message);
        prop_assert!(found.iter().any(|it| it.contains("expected an id of its own")), "{:?}", found);
    }
}
