//! Random operations against a model that is too simple to be wrong: a sorted map of whole paths.

use super::*;
use crate::state::StateError;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Leaves and tables by their path from the scope.
type Model = BTreeMap<Vec<Key>, Option<f64>>;

#[derive(Clone, Debug)]
enum Step {
    Set(bool, Vec<Key>, Tree),
    Remove(bool, Vec<Key>),
    Begin,
    Commit,
    RollBack,
    Stage,
    Apply,
    Discard,
    Flush,
    Reopen,
}

#[derive(Clone, Debug)]
enum Tree {
    Leaf(f64),
    Table(Vec<(Key, Tree)>),
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        (-1..4_i64).prop_map(Key::Int),
        prop::sample::select(vec!["a", "b", "", "a\0", "1"]).prop_map(Key::from),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (0..5_u8).prop_map(|number| Tree::Leaf(number.into()));
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop::collection::vec((key(), inner), 0..3).prop_map(Tree::Table)
    })
}

fn step() -> impl Strategy<Value = Step> {
    let path = || prop::collection::vec(key(), 1..4);
    prop_oneof![
        12 => (any::<bool>(), path(), tree()).prop_map(|(here, path, tree)| Step::Set(here, path, tree)),
        5 => (any::<bool>(), path()).prop_map(|(here, path)| Step::Remove(here, path)),
        2 => Just(Step::Begin),
        2 => Just(Step::Commit),
        1 => Just(Step::RollBack),
        1 => Just(Step::Stage),
        1 => Just(Step::Apply),
        1 => Just(Step::Discard),
        2 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ]
}

fn value(tree: &Tree) -> Value {
    match tree {
        Tree::Leaf(number) => Value::Number(*number),
        Tree::Table(entries) => {
            let entries = entries.iter().map(|(key, tree)| (key.clone(), value(tree)));
            entries.collect::<StateTable>().into()
        }
    }
}

fn spread(model: &mut Model, path: &[Key], value: &Value) {
    match value {
        Value::Number(number) => {
            model.insert(path.to_vec(), Some(*number));
        }
        Value::Table(table) => {
            model.insert(path.to_vec(), None);
            for (key, value) in table.iter() {
                spread(model, &[path, &[key.to_key()]].concat(), value);
            }
        }
        _ => {}
    }
}

/// Whether the write is allowed; if so it is made.
fn write(model: &mut Model, path: &[Key], value: Option<&Value>) -> bool {
    let has_parents = (1..path.len()).all(|length| model.get(&path[..length]) == Some(&None));
    if has_parents {
        model.retain(|other, _| !other.starts_with(path));
        if let Some(value) = value {
            spread(model, path, value);
        }
    }
    has_parents
}

/// Where the halves are: fields of a guild's table, or rows of it.
#[derive(Clone, Copy, Debug)]
struct Place {
    scope: StateScope,
    rows: Option<&'static str>,
}

const PLACES: [Place; 2] = [
    Place {
        scope: HERE,
        rows: None,
    },
    Place {
        scope: StateScope::GuildRows(1),
        rows: Some("rows"),
    },
];

impl Place {
    fn path(self, path: &[Key]) -> Vec<Key> {
        self.rows
            .map(Key::from)
            .into_iter()
            .chain(path.iter().cloned())
            .collect()
    }

    fn set(self, view: &View, path: &[Key], value: Option<Value>) -> Result<(), StateError> {
        view.set(&self.scope, &self.path(path), value)
    }

    fn stored(self, view: &View) -> Model {
        let mut model = Model::new();
        for (scope, table) in view.stored_scopes(self.scope.kind(), None) {
            assert_eq!(scope, self.scope);
            let inside = match self.rows {
                None => Some(Value::Table(table)),
                Some(_) => table.get_at(&self.path(&[])).cloned(),
            };
            spread(&mut model, &[], &inside.unwrap());
        }
        model.remove(&Vec::new());
        model
    }
}

/// One view that goes through stages and transactions, and one beside it that writes directly while the first is
/// not in a transaction (which would be refused then). They write to different halves, so the order of commits
/// does not matter.
async fn run(at: Place, steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut store = on_disk(&file);
    let (mut view, mut beside) = (cog(&store), cog(&store));
    let (mut overlays, mut direct): (Vec<Model>, Model) = (vec![Model::new()], Model::new());
    let mut is_staged = false;
    let half = |name: &str, path: &[Key]| [&[Key::from(name)], path].concat();
    for table_name in ["overlaid", "direct"] {
        at.set(&view, &[table_name.into()], Some(table([]).into()))
            .unwrap();
    }
    overlays[0].insert(vec!["overlaid".into()], None);
    direct.insert(vec!["direct".into()], None);
    for step in steps {
        let transactions = overlays.len() - 1 - usize::from(is_staged);
        match step {
            Step::Set(true, path, tree) => {
                let (path, value) = (half("overlaid", &path), value(&tree));
                let allowed = write(overlays.last_mut().unwrap(), &path, Some(&value));
                assert_eq!(at.set(&view, &path, Some(value)).is_ok(), allowed);
            }
            Step::Remove(true, path) => {
                let path = half("overlaid", &path);
                let allowed = write(overlays.last_mut().unwrap(), &path, None);
                assert_eq!(at.set(&view, &path, None).is_ok(), allowed);
            }
            Step::Set(false, path, tree) if transactions == 0 || is_staged => {
                let (path, value) = (half("direct", &path), value(&tree));
                let allowed = write(&mut direct, &path, Some(&value));
                assert_eq!(at.set(&beside, &path, Some(value)).is_ok(), allowed);
            }
            Step::Remove(false, path) if transactions == 0 || is_staged => {
                let path = half("direct", &path);
                let allowed = write(&mut direct, &path, None);
                assert_eq!(at.set(&beside, &path, None).is_ok(), allowed);
            }
            Step::Begin => {
                view.begin_transaction();
                overlays.push(overlays.last().unwrap().clone());
            }
            Step::Commit if transactions > 0 => {
                view.commit_transaction().unwrap();
                let top = overlays.pop().unwrap();
                *overlays.last_mut().unwrap() = top;
            }
            Step::RollBack if transactions > 0 => {
                view.rollback_transaction();
                overlays.pop();
            }
            Step::Stage if overlays.len() == 1 => {
                view.stage();
                is_staged = true;
                overlays.push(overlays.last().unwrap().clone());
            }
            Step::Apply if is_staged => {
                view.commit();
                overlays.swap(0, 1);
                overlays.truncate(1);
                is_staged = false;
            }
            Step::Discard if is_staged => {
                view.discard();
                overlays.truncate(1);
                is_staged = false;
            }
            Step::Flush => drop(view.flush()),
            Step::Reopen if overlays.len() == 1 => {
                store.close().await.unwrap();
                store = on_disk(&file);
                (view, beside) = (cog(&store), cog(&store));
            }
            _ => {}
        }
        let both = |overlay: &Model| -> Model {
            overlay.clone().into_iter().chain(direct.clone()).collect()
        };
        assert_eq!(at.stored(&view), both(overlays.last().unwrap()));
        assert_eq!(at.stored(&beside), both(&overlays[0]));
    }
    view.discard();
    while view.transactions() > 0 {
        view.rollback_transaction();
    }
    let (before, usage) = (at.stored(&view), view.usage());
    store.close().await.unwrap();
    let view = cog(&on_disk(&file));
    assert_eq!(at.stored(&view), before);
    assert_eq!(view.usage(), usage);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn state_is_what_the_model_says_in_every_mode_and_after_reopening(
        at in prop::sample::select(PLACES.to_vec()),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(at, steps));
    }
}
