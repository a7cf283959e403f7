//! The five rules of the state, in random programs: a part of the state in Luau beside a plain model in Rust. The model
//! knows tables as sorted maps and lists as vectors, and nothing of handles, the store or its tables.

use crate::support::cog_vm::{Cog, context};
use cogsmith::api::declarations::Staged;
use cogsmith::vm::build::VmLimits;
use mlua::{MultiValue, Value as LuaValue};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What helps a program: where it works, and how what comes of each step is shown.
const PRELUDE: &str = r#"local state = require("@cogsmith/state")
local shape = { n = 1, t = { 10, 20, a = "x" }, list = { 3, 1, 2 } }
local data = state.defaults { user = shape }
local rows = state.rows("model", shape, "global")()
local out, held = {}, nil
local function place(kind, key)
    return if kind == "number" then `[{key}]` else `"{key}"`
end
local function show(value)
    local kind = typeof(value)
    if kind == "string" then
        return `'{value}'`
    elseif kind ~= "state" and kind ~= "table" then
        return tostring(value)
    end
    local parts = {}
    if kind == "state" then
        -- In the order in which it comes.
        for key, inner in value do
            table.insert(parts, `{place(type(key), key)}={show(inner)}`)
        end
    else
        local numbers, names = {}, {}
        for key in value do
            table.insert(if type(key) == "number" then numbers else names, key)
        end
        table.sort(numbers)
        table.sort(names)
        for _, keys in { numbers, names } do
            for _, key in keys do
                table.insert(parts, `{place(type(key), key)}={show(value[key])}`)
            end
        end
    end
    return `\{{table.concat(parts, ",")}}`
end
local function try(step)
    local ok, result = pcall(step)
    table.insert(out, if ok then show(result) else "error")
end
local function at(here, path)
    for _, key in path do
        here = here[key]
        assert(typeof(here) == "state")
    end
    return here
end
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Int(i64),
    Name(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Bool(bool),
    Number(i64),
    Text(&'static str),
    Table(Map),
}

type Map = BTreeMap<Key, Tree>;

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<Key>, Key, Option<Tree>),
    Get(Vec<Key>, Key),
    Add(Vec<Key>, Key),
    Len(Vec<Key>),
    Copy(Vec<Key>, Vec<Key>, Key),
    Hold(Vec<Key>),
    SetHeld(Key, Option<Tree>),
    GetHeld(Key),
    Insert(Vec<Key>, Option<i64>, Tree),
    Remove(Vec<Key>, Option<i64>),
    Sort(Vec<Key>),
    Concat(Vec<Key>),
    Find(Vec<Key>, Tree),
    Unpack(Vec<Key>),
    Clear(Vec<Key>),
    Move(Vec<Key>, i64, i64, i64),
    Clone(Vec<Key>),
    SetRow(Option<Tree>),
    Transaction(Vec<Step>, bool),
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        (-1..4_i64).prop_map(Key::Int),
        prop::sample::select(vec!["n", "t", "list", "a", "1", ""]).prop_map(Key::Name),
    ]
}

fn leaf() -> impl Strategy<Value = Tree> {
    prop_oneof![
        (0..5_i64).prop_map(Tree::Number),
        prop::sample::select(vec!["a", "b", ""]).prop_map(Tree::Text),
        any::<bool>().prop_map(Tree::Bool),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(2, 8, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let list = list.prop_map(|items| Tree::Table((1..).map(Key::Int).zip(items).collect()));
        let table = prop::collection::btree_map(key(), inner, 0..4).prop_map(Tree::Table);
        prop_oneof![list, table]
    })
}

/// Mostly the ways to something that is there.
fn path() -> impl Strategy<Value = Vec<Key>> {
    let known = |name| Just(vec![Key::Name(name)]);
    prop_oneof![
        3 => Just(Vec::new()),
        3 => known("list"),
        2 => known("t"),
        1 => prop::collection::vec(key(), 0..3),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let position = || prop::option::of(-1..5_i64);
    let value = || prop::option::weighted(0.8, tree());
    let plain = prop_oneof![
        6 => (path(), key(), value()).prop_map(|(path, key, value)| Step::Set(path, key, value)),
        2 => (path(), key()).prop_map(|(path, key)| Step::Get(path, key)),
        1 => (path(), key()).prop_map(|(path, key)| Step::Add(path, key)),
        1 => path().prop_map(Step::Len),
        2 => (path(), path(), key()).prop_map(|(from, to, key)| Step::Copy(from, to, key)),
        2 => path().prop_map(Step::Hold),
        2 => (key(), value()).prop_map(|(key, value)| Step::SetHeld(key, value)),
        1 => key().prop_map(Step::GetHeld),
        3 => (path(), position(), tree()).prop_map(|(path, at, value)| Step::Insert(path, at, value)),
        3 => (path(), position()).prop_map(|(path, at)| Step::Remove(path, at)),
        1 => path().prop_map(Step::Sort),
        1 => path().prop_map(Step::Concat),
        1 => (path(), leaf()).prop_map(|(path, value)| Step::Find(path, value)),
        1 => path().prop_map(Step::Unpack),
        1 => path().prop_map(Step::Clear),
        2 => (path(), 0..4_i64, 0..4_i64, 0..5_i64)
            .prop_map(|(path, first, last, to)| Step::Move(path, first, last, to)),
        1 => path().prop_map(Step::Clone),
        1 => prop::option::of(prop::collection::btree_map(key(), tree(), 0..3))
            .prop_map(|row| Step::SetRow(row.map(Tree::Table))),
    ];
    plain.prop_recursive(1, 6, 4, |inner| {
        (prop::collection::vec(inner, 1..4), any::<bool>())
            .prop_map(|(steps, fails)| Step::Transaction(steps, fails))
    })
}

// --- The program in Luau.

fn key_text(key: Key) -> String {
    match key {
        Key::Int(number) => number.to_string(),
        Key::Name(name) => format!("\"{name}\""),
    }
}

fn path_text(path: &[Key]) -> String {
    let keys: Vec<_> = path.iter().map(|key| key_text(*key)).collect();
    format!("at(root(), {{ {} }})", keys.join(", "))
}

fn value_text(value: Option<&Tree>) -> String {
    match value {
        None => "nil".into(),
        Some(Tree::Bool(value)) => value.to_string(),
        Some(Tree::Number(number)) => number.to_string(),
        Some(Tree::Text(text)) => format!("\"{text}\""),
        Some(Tree::Table(map)) => {
            let entry = |(key, value): (&Key, &Tree)| {
                format!("[{}] = {}", key_text(*key), value_text(Some(value)))
            };
            let entries: Vec<_> = map.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn write_steps(program: &mut String, steps: &[Step]) {
    for step in steps {
        let body = match step {
            Step::Set(path, key, value) => {
                let (key, value) = (key_text(*key), value_text(value.as_ref()));
                format!("{}[{key}] = {value}", path_text(path))
            }
            Step::Get(path, key) => format!("return {}[{}]", path_text(path), key_text(*key)),
            Step::Add(path, key) => format!("{}[{}] += 1", path_text(path), key_text(*key)),
            Step::Len(path) => format!("return #{}", path_text(path)),
            Step::Copy(from, to, key) => {
                let (from, to) = (path_text(from), path_text(to));
                format!("{to}[{}] = {from}", key_text(*key))
            }
            Step::Hold(path) => format!("held = {}", path_text(path)),
            Step::SetHeld(key, value) => {
                format!("held[{}] = {}", key_text(*key), value_text(value.as_ref()))
            }
            Step::GetHeld(key) => format!("return held[{}]", key_text(*key)),
            Step::Insert(path, at, value) => {
                let at = at.map(|at| format!("{at}, ")).unwrap_or_default();
                let value = value_text(Some(value));
                format!("table.insert({}, {at}{value})", path_text(path))
            }
            Step::Remove(path, at) => {
                let at = at.map(|at| format!(", {at}")).unwrap_or_default();
                format!("return table.remove({}{at})", path_text(path))
            }
            Step::Sort(path) => format!("table.sort({})", path_text(path)),
            Step::Concat(path) => format!("return table.concat({}, \",\")", path_text(path)),
            Step::Find(path, value) => {
                let value = value_text(Some(value));
                format!("return table.find({}, {value})", path_text(path))
            }
            Step::Unpack(path) => {
                format!("return select(\"#\", table.unpack({}))", path_text(path))
            }
            Step::Clear(path) => format!("table.clear({})", path_text(path)),
            Step::Move(path, first, last, to) => {
                format!("table.move({}, {first}, {last}, {to})", path_text(path))
            }
            Step::Clone(path) => format!("return table.clone({})", path_text(path)),
            Step::SetRow(row) => format!("set_row({})", value_text(row.as_ref())),
            Step::Transaction(steps, fails) => {
                program.push_str("try(function() state.transaction(function()\n");
                write_steps(program, steps);
                let end = if *fails { "error(\"no\", 0)" } else { "" };
                writeln!(program, "{end} end) end)\ntry(root)").unwrap();
                continue;
            }
        };
        writeln!(program, "try(function() {body} end)\ntry(root)").unwrap();
    }
}

// --- The model.

#[derive(Clone, Debug)]
struct Model {
    is_row: bool,
    /// Nothing is a row that is not there; a scope is always there.
    stored: Option<Map>,
    shape: Map,
    held: Option<Vec<Key>>,
}

type Outcome = Result<Option<Tree>, ()>;

fn list(items: &[i64]) -> Map {
    let items = items.iter().map(|item| Tree::Number(*item));
    (1..).map(Key::Int).zip(items).collect()
}

impl Model {
    fn new(is_row: bool) -> Self {
        let mut t = list(&[10, 20]);
        t.insert(Key::Name("a"), Tree::Text("x"));
        let shape = [
            ("n", Tree::Number(1)),
            ("t", Tree::Table(t)),
            ("list", Tree::Table(list(&[3, 1, 2]))),
        ];
        Self {
            is_row,
            stored: (!is_row).then(Map::new),
            shape: shape.map(|(name, tree)| (Key::Name(name), tree)).into(),
            held: None,
        }
    }

    /// All that is seen at a path.
    fn seen(&self, path: &[Key]) -> Option<Tree> {
        let mut whole = self.shape.clone();
        whole.extend(self.stored.clone()?);
        let mut tree = Tree::Table(whole);
        for key in path {
            let Tree::Table(map) = tree else {
                return None;
            };
            tree = map.get(key)?.clone();
        }
        Some(tree)
    }

    fn table(&self, path: &[Key]) -> Result<Map, ()> {
        match self.seen(path) {
            Some(Tree::Table(map)) => Ok(map),
            _ => Err(()),
        }
    }

    fn set(&mut self, path: &[Key], key: Key, value: Option<Tree>) -> Result<(), ()> {
        // A handle that leads nowhere refuses.
        let before = self.table(path)?;
        let stored = self.stored.as_mut().ok_or(())?;
        let Some((first, rest)) = path.split_first() else {
            match value {
                Some(value) => stored.insert(key, value),
                None => stored.remove(&key),
            };
            return Ok(());
        };
        if value.is_none() && !before.contains_key(&key) {
            return Ok(());
        }
        if !stored.contains_key(first) {
            let default = self.shape.get(first).ok_or(())?;
            stored.insert(*first, default.clone());
        }
        let mut map = stored;
        for key in std::iter::once(first).chain(rest) {
            map = match map.get_mut(key) {
                Some(Tree::Table(map)) => map,
                _ => return Err(()),
            };
        }
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
        Ok(())
    }

    /// The items 1..n.
    fn items(&self, path: &[Key]) -> Result<Vec<Tree>, ()> {
        let table = self.table(path)?;
        let items = (1..).map_while(|number| table.get(&Key::Int(number)).cloned());
        Ok(items.collect())
    }

    fn set_items(&mut self, path: &[Key], before: usize, items: &[Tree]) -> Result<(), ()> {
        for (number, item) in (1..).zip(items) {
            self.set(path, Key::Int(number), Some(item.clone()))?;
        }
        for number in items.len()..before {
            let number = i64::try_from(number + 1).unwrap();
            self.set(path, Key::Int(number), None)?;
        }
        Ok(())
    }

    fn run(&mut self, steps: &[Step], out: &mut Vec<String>) {
        for step in steps {
            if let Step::Transaction(steps, fails) = step {
                let before = self.clone();
                self.run(steps, out);
                out.push(if *fails { "error".into() } else { "nil".into() });
                if *fails {
                    // What Luau holds is no state.
                    let held = self.held.take();
                    *self = Self { held, ..before };
                }
            } else {
                out.push(match self.step(step) {
                    Ok(value) => shown(value.as_ref()),
                    Err(()) => "error".into(),
                });
            }
            let root = self.seen(&[]);
            out.push(if root.is_some() {
                shown(root.as_ref())
            } else {
                "error".into()
            });
        }
    }

    #[allow(clippy::cast_possible_wrap, reason = "short lists")]
    fn step(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Set(path, key, value) => {
                self.table(path)?;
                self.set(path, *key, value.clone())?;
            }
            Step::Get(path, key) => return Ok(self.table(path)?.get(key).cloned()),
            Step::Add(path, key) => match self.table(path)?.get(key) {
                Some(Tree::Number(number)) => {
                    self.set(path, *key, Some(Tree::Number(number + 1)))?;
                }
                _ => return Err(()),
            },
            Step::Len(path) | Step::Unpack(path) => {
                return Ok(Some(number(self.items(path)?.len())));
            }
            Step::Copy(from, to, key) => {
                self.table(to)?;
                let copy = self.table(from)?;
                self.set(to, *key, Some(Tree::Table(copy)))?;
            }
            Step::Hold(path) => {
                self.table(path)?;
                self.held = Some(path.clone());
            }
            Step::SetHeld(key, value) => {
                let held = self.held.clone().ok_or(())?;
                self.set(&held, *key, value.clone())?;
            }
            Step::GetHeld(key) => {
                let held = self.held.clone().ok_or(())?;
                return Ok(self.table(&held).ok().and_then(|map| map.get(key).cloned()));
            }
            Step::Insert(path, at, value) => {
                let mut items = self.items(path)?;
                let (before, length) = (items.len(), items.len() as i64);
                match at.unwrap_or(length + 1) {
                    at if (1..=length + 1).contains(&at) => {
                        items.insert(usize::try_from(at - 1).unwrap(), value.clone());
                        self.set_items(path, before, &items)?;
                    }
                    at => self.set(path, Key::Int(at), Some(value.clone()))?,
                }
            }
            Step::Remove(path, at) => {
                let mut items = self.items(path)?;
                let (before, length) = (items.len(), items.len() as i64);
                let at = at.unwrap_or(length);
                if !(1..=length).contains(&at) {
                    return Ok(None);
                }
                let removed = items.remove(usize::try_from(at - 1).unwrap());
                // A default behind the last item comes back, so only these places change.
                self.set_items(path, before, &items)?;
                return Ok(Some(removed));
            }
            Step::Sort(path) => {
                let mut items = self.items(path)?;
                let all = |is: fn(&Tree) -> bool| items.iter().all(is);
                let can = all(|it| matches!(it, Tree::Number(_)))
                    || all(|it| matches!(it, Tree::Text(_)))
                    || items.len() < 2;
                if !can {
                    return Err(());
                }
                items.sort_by(|one, two| match (one, two) {
                    (Tree::Number(one), Tree::Number(two)) => one.cmp(two),
                    (Tree::Text(one), Tree::Text(two)) => one.cmp(two),
                    _ => std::cmp::Ordering::Equal,
                });
                let before = items.len();
                self.set_items(path, before, &items)?;
            }
            Step::Concat(path) => {
                let items = self.items(path)?.into_iter().map(|item| match item {
                    Tree::Number(number) => Ok(number.to_string()),
                    Tree::Text(text) => Ok(text.to_owned()),
                    _ => Err(()),
                });
                let text = items.collect::<Result<Vec<_>, ()>>()?.join(",");
                return Ok(Some(Tree::Text(text.leak())));
            }
            Step::Find(path, value) => {
                let at = self.items(path)?.iter().position(|item| item == value);
                return Ok(at.map(|at| number(at + 1)));
            }
            Step::Clear(path) => {
                for key in self.table(path)?.keys() {
                    self.set(path, *key, None)?;
                }
            }
            Step::Move(path, first, last, to) => {
                let table = self.table(path)?;
                for index in *first..=*last {
                    let value = table.get(&Key::Int(index)).cloned();
                    self.set(path, Key::Int(to + index - first), value)?;
                }
            }
            Step::Clone(path) => return self.table(path).map(Tree::Table).map(Some),
            Step::SetRow(row) => {
                let map = row.as_ref().map(|row| match row {
                    Tree::Table(map) => map.clone(),
                    _ => Map::new(),
                });
                self.stored = if self.is_row {
                    map
                } else {
                    Some(map.unwrap_or_default())
                };
            }
            Step::Transaction(..) => {}
        }
        Ok(None)
    }
}

fn number(count: usize) -> Tree {
    Tree::Number(i64::try_from(count).unwrap())
}

fn shown(value: Option<&Tree>) -> String {
    match value {
        None => "nil".into(),
        Some(Tree::Bool(value)) => value.to_string(),
        Some(Tree::Number(number)) => number.to_string(),
        Some(Tree::Text(text)) => format!("'{text}'"),
        Some(Tree::Table(map)) => {
            let entry = |(key, value): (&Key, &Tree)| match key {
                Key::Int(number) => format!("[{number}]={}", shown(Some(value))),
                Key::Name(name) => format!("\"{name}\"={}", shown(Some(value))),
            };
            let entries: Vec<_> = map.iter().map(entry).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

/// Runs steps in Luau; returns what each of them gave.
fn run_in_luau(
    context: &std::sync::Arc<cogsmith::api::context::CogContext>,
    is_row: bool,
    steps: &[Step],
) -> Vec<String> {
    static CASES: AtomicUsize = AtomicUsize::new(1);
    let id = CASES.fetch_add(1, Ordering::Relaxed);
    let mut program = PRELUDE.to_owned();
    program.push_str(&if is_row {
        format!("local function root() return assert(rows:get(\"{id}\")) end\nlocal function set_row(row) rows:set(\"{id}\", row) end\n")
    } else {
        format!("local function root() return data.user(\"{id}\") end\nlocal function set_row(row) table.clear(root()) for key, value in row or {{}} do root()[key] = value end end\n")
    });
    program.push_str("return function()\n");
    write_steps(&mut program, steps);
    program.push_str("return table.concat(out, \"\\n\")\nend\n");
    // Each program is a cog of its own, as far as what it declares goes.
    context.declaring.begin(Staged::default());
    let cog = Cog::new(context, VmLimits::default(), &program);
    let LuaValue::Function(run) = &cog.module else {
        panic!("it returns a function");
    };
    let results = cog
        .call(run, MultiValue::new())
        .unwrap_or_else(|fault| panic!("{fault}\n{program}"));
    let text = results.front().and_then(LuaValue::as_string).unwrap();
    text.to_string_lossy().lines().map(str::to_owned).collect()
}

#[test]
fn the_state_is_what_a_plain_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_stage, context) = runtime.block_on(context());
    let cases = crate::support::times(150, 2_000);
    let config = ProptestConfig::with_cases(cases);
    proptest!(config, |(is_row in any::<bool>(), steps in prop::collection::vec(step(), 1..25))| {
        let mut steps = steps;
        if is_row {
            steps.insert(0, Step::SetRow(Some(Tree::Table(Map::new()))));
        }
        let mut expected = Vec::new();
        Model::new(is_row).run(&steps, &mut expected);
        let found = run_in_luau(&context, is_row, &steps);
        for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
            prop_assert_eq!(found, expected, "line {} of {:#?}", number, steps);
        }
        prop_assert_eq!(found.len(), expected.len());
    });
}
