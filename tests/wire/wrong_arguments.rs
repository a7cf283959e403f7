//! Every operation that a cog may call, with every kind of wrong argument that its fields allow: each is an error at
//! the author's own line, and nothing is sent.
//!
//! A case is made of the operation's example in the book, which is right, by one change.

use crate::support::{Stage, setup};
use cogsmith::discord::reference::example_arguments;
use cogsmith::discord::schema::{Field, Fields, Schema, Shape, fields, schema};
use cogsmith::discord::{Operation, operations};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Texts and lists that are longer than this are not tried.
const LONGEST: usize = 100_000;

/// How many cases are in one function: Luau has a limit of constants.
const IN_ONE: usize = 40;

/// One wrong call.
struct Case {
    operation: &'static Operation,
    kind: &'static str,
    arguments: Map<String, Value>,
    /// What its error must contain.
    expected: Vec<String>,
}

/// A field of the path, the query or the body, with what it takes.
fn fields_of(operation: &'static Operation) -> Vec<(&'static str, &'static Field)> {
    let own = operation.params.iter().chain(&operation.query);
    let mut all: Vec<_> = own.map(|(name, field)| (*name, field)).collect();
    let shape = operation.body.map(Shape::parse);
    let takes_whole = shape.as_ref().is_some_and(is_whole);
    let schemas: Vec<_> = shape.iter().flat_map(Shape::names).collect();
    // Of several kinds, the one that was meant is checked: there a wrong field may be right for another one.
    if !takes_whole && schemas.len() == 1 {
        let body = fields(schemas[0]).into_iter().flatten();
        all.extend(body.map(|(name, field)| (*name, field)));
    }
    all.retain(|(name, _)| operation.file_field != Some(name));
    all
}

/// Fields that all of several kinds of a body have, and that no kind may be true in.
fn shared_by_kinds(operation: &'static Operation) -> Vec<&'static str> {
    let shape = operation.body.map(Shape::parse);
    let shape = shape.filter(|shape| !is_whole(shape));
    let kinds: Vec<_> = shape
        .iter()
        .flat_map(Shape::names)
        .filter_map(fields)
        .collect();
    let Some(first) = kinds.first().filter(|_| kinds.len() > 1) else {
        return Vec::new();
    };
    let refuses = |name: &str| {
        let of_kind = |kind: &&&Fields| {
            let wrong = kind.get(name).and_then(of_wrong_type);
            wrong == Some(json!(true))
        };
        kinds.iter().filter(of_kind).count() == kinds.len()
    };
    let names = first.keys().copied();
    names.filter(|name| refuses(name)).collect()
}

/// Whether a body comes as the argument `body`.
fn is_whole(shape: &Shape) -> bool {
    let parts = match shape {
        Shape::Union(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let whole = |part: &Shape| matches!(part, Shape::List(_) | Shape::Map(_));
    parts.iter().any(whole)
}

/// The one type of a field, besides null.
fn only_shape(shape: &Shape) -> Option<&Shape> {
    match shape {
        Shape::Union(parts) => {
            let mut real = parts.iter().filter(|part| **part != Shape::Null);
            let first = real.next()?;
            real.next().is_none().then_some(first)
        }
        other => Some(other),
    }
}

/// A value of a type that the field does not take.
fn of_wrong_type(field: &Field) -> Option<Value> {
    match only_shape(&field.shape)? {
        Shape::Any | Shape::Null => None,
        Shape::Boolean => Some(json!("perhaps")),
        Shape::Named(name) => match schema(name)? {
            Schema::Alias(alias) => of_wrong_type(alias),
            _ => Some(json!(true)),
        },
        _ => Some(json!(true)),
    }
}

/// A value that is too long, too many or too great, and one that is the contrary.
fn out_of_bounds(field: &Field, right: Option<&Value>) -> Vec<Value> {
    let text = |length: usize| json!("x".repeat(length));
    let fits = |length: &usize| *length <= LONGEST;
    let mut wrong = Vec::new();
    match only_shape(&field.shape) {
        Some(Shape::Integer | Shape::Number) if field.choices.is_empty() => {
            let exact = |number: f64| number.abs() < 9e15;
            let numbers = [
                field.max.map(|max| max + 1.0),
                field.min.map(|min| min - 1.0),
            ];
            let numbers = numbers.into_iter().flatten();
            wrong.extend(numbers.filter(|number| exact(*number)).map(|it| json!(it)));
        }
        Some(Shape::String) if field.choices.is_empty() => {
            let longer = field.max_length.filter(fits).map(|max| text(max + 1));
            let shorter = field.min_length.filter(|min| *min > 0);
            wrong.extend(longer);
            wrong.extend(shorter.map(|min| text(min - 1)));
        }
        Some(Shape::List(_)) => {
            let item = right.and_then(|right| right.get(0)).cloned();
            let item = item.unwrap_or_else(|| json!("1"));
            let list = |length: usize| json!(vec![item.clone(); length]);
            let longer = field.max_items.filter(|max| *max <= 2_000);
            let shorter = field.min_items.filter(|min| *min > 1);
            wrong.extend(longer.map(|max| list(max + 1)));
            wrong.extend(shorter.map(|min| list(min - 1)));
        }
        Some(Shape::Named(name)) => {
            if let Some(Schema::Alias(alias)) = schema(name)
                && field.min.is_none()
                && field.max.is_none()
            {
                return out_of_bounds(alias, right);
            }
        }
        _ => {}
    }
    wrong
}

/// A value of the right type that is none of the choices, or has not the right form.
fn of_wrong_form(field: &Field) -> Option<Value> {
    match only_shape(&field.shape)? {
        Shape::DateTime => Some(json!("the day after tomorrow")),
        Shape::Uri => Some(json!("no address")),
        Shape::Snowflake => Some(json!("12x")),
        Shape::Integer if !field.choices.is_empty() => Some(json!(987_654)),
        Shape::String if !field.choices.is_empty() => Some(json!("nonsense")),
        Shape::Named(name) => match schema(name)? {
            Schema::Choices(values) if values.values().all(Value::is_string) => {
                Some(json!("nonsense"))
            }
            Schema::Choices(_) => Some(json!(987_654)),
            Schema::Alias(alias) => of_wrong_form(alias),
            Schema::Object(_) => None,
        },
        _ => None,
    }
}

/// A name that is nearly one of the operation's fields, and none of them.
fn nearly(names: &[&str]) -> Option<(String, String)> {
    names.iter().find_map(|name| {
        let shorter = &name[..name.len() - 1];
        let usable = name.len() > 3 && !names.contains(&shorter);
        usable.then(|| (shorter.to_owned(), (*name).to_owned()))
    })
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for operation in operations().filter(|operation| operation.open_to_cogs()) {
        let right = example_arguments(operation);
        let mut add = |kind, arguments: Map<String, Value>, expected: &[&str]| {
            cases.push(Case {
                operation,
                kind,
                arguments,
                expected: expected.iter().map(|text| (*text).to_owned()).collect(),
            });
        };
        let with = |name: &str, value: Value| {
            let mut arguments = right.clone();
            arguments.insert(name.to_owned(), value);
            arguments
        };
        let fields = fields_of(operation);
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        if let Some((wrong, meant)) = nearly(&names) {
            let has_none = format!("has no field \"{wrong}\"");
            let mean = format!("did you mean \"{meant}\"?");
            add("unknown", with(&wrong, json!("x")), &[&has_none, &mean]);
        }
        for name in shared_by_kinds(operation) {
            let place = format!(": {name}: expected ");
            add("type", with(name, json!(true)), &[&place]);
        }
        for (name, field) in fields {
            let place = format!(": {name}: expected ");
            if field.required || operation.params.contains_key(name) {
                let mut without = right.clone();
                without.remove(name);
                add("missing", without, &[&place, "got nothing"]);
            }
            if let Some(value) = of_wrong_type(field) {
                add("type", with(name, value), &[&place]);
            }
            for value in out_of_bounds(field, right.get(name)) {
                // Of a message's components, the first one may be refused before they are counted.
                add("bounds", with(name, value), &[&format!(": {name}")]);
            }
            if let Some(value) = of_wrong_form(field) {
                add("form", with(name, value), &[name]);
            }
        }
        if operation
            .body
            .map(Shape::parse)
            .as_ref()
            .is_some_and(is_whole)
        {
            add("type", with("body", json!(true)), &[": body: expected "]);
        }
    }
    cases
}

/// A value as Luau writes it.
fn luau(value: &Value) -> String {
    match value {
        Value::String(text) if text.len() > 100 && text.bytes().all(|byte| byte == b'x') => {
            format!("(\"x\"):rep({})", text.len())
        }
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) if items.len() > 5 => {
            format!("table.create({}, {})", items.len(), luau(&items[0]))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(luau).collect();
            format!("{{ {} }}", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("[{name:?}] = {}", luau(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A cog that makes all calls, each on a line of its own, and answers with what is not as it should be.
fn cog(cases: &[Case]) -> String {
    let needed: BTreeSet<_> = cases.iter().map(|case| case.operation.capability).collect();
    let needed = needed.into_iter().filter(|it| *it != "guild.read");
    let needed: Vec<_> = needed.map(|name| format!("{name:?}")).collect();
    let mut source = format!(
        r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
cog.info {{ capabilities = {{ {} }} }}
local wrong, count = {{}}, 0
local function try(name, line, expected, call)
    count += 1
    local ok, err = pcall(call)
    local problem
    if ok then problem = "was no error"
    elseif type(err) ~= "table" then problem = tostring(err)
    elseif err.kind ~= "argument" then problem = `{{err.kind}}: {{err.message}}`
    elseif err.line ~= line then problem = `is at line {{err.line}}, not {{line}}: {{err.message}}`
    else
        for _, text in expected do
            if not string.find(err.message, text, 1, true) then problem = `lacks {{text}}: {{err.message}}` end
        end
        if not string.find(err.message, `discord.{{name}}`, 1, true) then problem = err.message end
    end
    if problem then table.insert(wrong, `{{name}}, line {{line}}: {{problem}}`) end
end
local parts = {{}}
"#,
        needed.join(", ")
    );
    for part in cases.chunks(IN_ONE) {
        source += "table.insert(parts, function()\n";
        for case in part {
            let expected: Vec<_> = case
                .expected
                .iter()
                .map(|text| format!("{text:?}"))
                .collect();
            let id = case.operation.id;
            let line = source.lines().count() + 1;
            writeln!(
                source,
                "    try({id:?}, {}, {{ {} }}, function() discord.{id}({}) end)",
                line,
                expected.join(", "),
                luau(&Value::Object(case.arguments.clone()))
            )
            .unwrap();
        }
        source += "end)\n";
    }
    source
        + r#"cog.command { name = "part", options = { cog.option.integer { name = "number" } }, run = function(ctx)
    wrong, count = {}, 0
    parts[ctx.options.number]()
    ctx:reply(`{count} calls, {#wrong} not as they should be\n{table.concat(wrong, "\n", 1, math.min(#wrong, 5))}`)
end }
"#
}

async fn ask(stage: &Stage, part: usize) -> String {
    stage.ask(&format!("!part {part}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_argument_is_an_error_at_the_authors_line_and_nothing_is_sent() {
    let cases = cases();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tried: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for case in &cases {
        *kinds.entry(case.kind).or_default() += 1;
        tried
            .entry(case.operation.id)
            .or_default()
            .insert(case.kind);
    }
    println!(
        "{} wrong calls of {} operations: {kinds:?}",
        cases.len(),
        tried.len()
    );
    // Those that are left out have no arguments at all.
    for operation in operations().filter(|operation| operation.open_to_cogs()) {
        let has_any = !fields_of(operation).is_empty();
        let kinds = tried.get(operation.id).map_or(0, BTreeSet::len);
        assert!(!has_any || kinds >= 2, "{}: {kinds}", operation.id);
    }
    let stage = setup(&[("cogs/wrong.luau", &cog(&cases))])
        .config(r#"{ "limits": { "cpu_ms": 5000, "cpu_seconds_per_minute": 60 } }"#)
        .start()
        .await;
    let mut wrong = String::new();
    for part in 1..=cases.len().div_ceil(IN_ONE) {
        let answer = ask(&stage, part).await;
        if !answer.contains(" 0 not as they should be") {
            wrong += &answer;
            wrong.push('\n');
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let requests = stage.sim.requests();
    let sent = requests.iter().filter(|it| it.method != "GET");
    let sent: Vec<_> = sent
        .filter(|it| !it.path.ends_with("/messages") && !it.path.ends_with("/commands"))
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    assert!(sent.is_empty(), "{sent:#?}");
    let answers = requests.iter().filter(|it| it.path.ends_with("/messages"));
    assert_eq!(answers.count(), cases.len().div_ceil(IN_ONE));
}
