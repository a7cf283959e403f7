use super::*;
use crate::charge::Allowance;
use proptest::prelude::*;
use serde_json::{Value, json};

fn of(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_document_keeps_what_the_text_says() {
    let text =
        r#"{"id":"123456789012345678","n":-2,"f":1.5,"list":[true,null,{"deep":"x"}],"e":[[],{}]}"#;
    let json = of(text);
    assert_eq!(json.str("id"), Some("123456789012345678"));
    let list = json.list("list");
    assert_eq!(list.len(), 3);
    assert_eq!(list.last().unwrap().str("deep"), Some("x"));
    assert_eq!(json.at(&["e"]).unwrap().items().len(), 2);
    assert_eq!(serde_json::to_string(&json).unwrap(), text);
    assert_eq!(Json::from(&Value::from(&json)), json);
}

#[test]
fn what_is_not_there_is_nothing() {
    let json = of(r#"{"id":{"id":"inner"},"unknown":1,"content":"x"}"#);
    assert_eq!(json.str("id"), None);
    assert_eq!(json.at(&["id", "id"]).unwrap().as_str(), Some("inner"));
    for name in ["", "i", "idx", "unknown2", "guild_id"] {
        assert!(json.get(name).is_none(), "{name}");
    }
    assert_eq!(json.get("unknown").unwrap().as_i64(), Some(1));
    assert!(
        Json::NULL.get("id").is_none() && json.items().is_empty() && Json::NULL.fields().is_empty()
    );
}

#[test]
fn a_field_is_replaced_or_added() {
    let json = of(r#"{"id":"1","content":"a","mine":2}"#);
    let replaced = json.with("content", Json::string("b").view());
    assert_eq!(
        serde_json::to_string(&replaced).unwrap(),
        r#"{"id":"1","mine":2,"content":"b"}"#
    );
    let added = json.with("other", json.view());
    assert_eq!(added.at(&["other", "mine"]).unwrap().as_i64(), Some(2));
    assert_eq!(
        serde_json::to_string(&Json::NULL.with("a", Json::NULL.view())).unwrap(),
        r#"{"a":null}"#
    );
}

#[test]
fn a_part_that_is_kept_takes_no_more_than_itself() {
    let json = of(&format!(
        r#"{{"member":{{"nick":"n"}},"rest":"{}"}}"#,
        "x".repeat(10_000)
    ));
    let member = json.get("member").unwrap();
    assert!(member.to_json().bytes() > 10_000);
    assert!(member.detached().bytes() < 100);
    assert_eq!(member.detached(), member.to_json());
}

fn parsed(text: &str, limit: usize) -> (Result<Json, Unreadable>, usize) {
    let allowance = Allowance::alone(limit);
    let mut charge = allowance.take(0).unwrap();
    let json = Json::parse(text.as_bytes(), &mut charge);
    (json, charge.bytes())
}

#[test]
fn a_document_is_charged_for_what_it_takes() {
    for text in [
        "1",
        "[]",
        r#"{"a":{"b":[1,2,"three",{}]},"c":""}"#,
        &format!("[{}0]", "0,".repeat(5_000)),
        &format!("[{}[]]", r#"{"a":[]},"#.repeat(5_000)),
    ] {
        let (json, charged) = parsed(text, 4 << 20);
        let json = json.unwrap();
        assert_eq!(charged, json.bytes(), "{text:.40}");
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
    }
}

#[test]
fn a_document_that_is_too_large_is_given_up_and_costs_nothing_more() {
    for part in ["0", "[]", "{}", r#"{"a":0}"#, r#""""#, "[[[[]]]]"] {
        let text = format!("[{}{part}]", format!("{part},").repeat(50_000));
        let (json, _) = parsed(&text, 100 << 10);
        assert!(matches!(json, Err(Unreadable::TooLarge)), "{part}");
    }
    let (json, charged) = parsed("[1,", 1 << 20);
    assert!(matches!(json, Err(Unreadable::Syntax(_))));
    assert_eq!(charged, 0);
    let (json, _) = parsed("[] []", 1 << 20);
    assert!(matches!(json, Err(Unreadable::Syntax(_))));
}

/// Values as they may come, some fields with names that Discord has.
fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        ".{0,200}".prop_map(Value::from),
    ];
    let name = prop_oneof!["id|guild_id|content|author|member", ".{0,3}"];
    scalar.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_comes_back_as_it_went_in(value in values()) {
        let json = Json::from(&value);
        prop_assert_eq!(&Value::from(&json), &value);
        let text = serde_json::to_string(&value).unwrap();
        let (read, _) = parsed(&text, 64 << 20);
        let read = read.unwrap();
        prop_assert_eq!(&read, &json);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn fields_are_found_like_in_a_map(value in values(), name in "id|content|.{0,3}") {
        let json = Json::from(&value);
        prop_assert_eq!(json.get(&name).map(Value::from), value.get(&name).cloned());
        let fields = value.as_object().map_or(0, serde_json::Map::len);
        prop_assert_eq!(json.fields().len(), fields);
        let mut changed = value.clone();
        if let Some(fields) = changed.as_object_mut() {
            fields.shift_remove(&name);
            fields.insert(name.clone(), json!("new"));
            let with = json.with(&name, Json::string("new").view());
            prop_assert_eq!(with, Json::from(&changed));
        }
    }
}

#[test]
fn fields_that_are_picked_are_those_that_are_got() {
    let names = ["content", "id", "x", "nothing", "author"];
    let texts = [
        r#"{"id":"1","author":{"id":"2"},"content":"a","embeds":[],"x":null}"#,
        r#"{"x":1,"x":2,"id":"1"}"#,
        r#"{"nonce":5}"#,
        "{}",
        "[1]",
        "null",
    ];
    for text in texts {
        let json: Json = serde_json::from_str(text).unwrap();
        let got = names.map(|name| json.get(name));
        assert_eq!(json.view().pick(names), got, "{text}");
        let parts = json.view().items().len() + json.view().fields().len();
        assert_eq!(json.view().has_parts(), parts > 0, "{text}");
    }
}
