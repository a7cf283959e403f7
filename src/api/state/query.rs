//! What `state.entries` and `rows:list` are asked for: `{ sort?, descending?, limit?, offset?, where? }`.
//!
//! `where` is a function, which Luau calls with each value, or a table of conditions, which are looked at here:
//! `{ owner = id, uses = { above = 3 } }`.

use crate::api::fields::Fields;
use crate::state::{KeyRef, StateTable, Text, Value as Stored};
use crate::vm::host::{HostResult, in_time, number, shown_name};
use mlua::{Function, Lua, Table, Value};
use std::cmp::Ordering;
use std::sync::Arc;

/// What a list may have at most.
const MOST_LISTED: usize = 10_000;
/// Conditions of one list, and values of one `one_of`.
const MOST_CONDITIONS: usize = 100;
/// Bytes of a text in a condition.
const LONGEST_TEXT: usize = 10_000;
/// After so many candidates it is looked whether there is time left.
const BETWEEN_LOOKS: usize = 1_024;

/// The fields that all queries have.
pub(super) const FIELDS: [&str; 5] = ["sort", "descending", "limit", "offset", "where"];

/// Which of the candidates are listed, and in which order.
pub(super) struct Query {
    sort: Option<String>,
    descending: bool,
    limit: usize,
    offset: usize,
    filter: Filter,
}

enum Filter {
    All,
    Conditions(Vec<Condition>),
    Function(Function),
}

/// What is asked of a field, which has its default where nothing is stored.
struct Condition {
    field: Text,
    test: Test,
    value: Compared,
}

enum Compared {
    One(Stored),
    Many(Vec<Stored>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Test {
    Is,
    IsNot,
    Above,
    AtLeast,
    Below,
    AtMost,
    OneOf,
    Prefix,
}

const TESTS: [(&str, Test); 8] = [
    ("is", Test::Is),
    ("is_not", Test::IsNot),
    ("above", Test::Above),
    ("at_least", Test::AtLeast),
    ("below", Test::Below),
    ("at_most", Test::AtMost),
    ("one_of", Test::OneOf),
    ("prefix", Test::Prefix),
];

/// A candidate: its key, and what is stored for it.
pub(super) type Candidate<K> = (K, Arc<StateTable>);

/// What Luau has to do with what comes: call a function for each, leave out so many, stop after so many.
pub(super) type LeftToLuau = (Option<Function>, usize, usize);

impl Query {
    pub(super) fn read(fields: &Fields<'_>) -> HostResult<Self> {
        let most = |limit: u32| usize::try_from(limit).unwrap_or(MOST_LISTED);
        Ok(Self {
            sort: fields.string("sort")?,
            descending: fields.boolean("descending")?.unwrap_or(false),
            limit: fields
                .count("limit")?
                .map_or(MOST_LISTED, most)
                .min(MOST_LISTED),
            offset: fields.count("offset")?.map_or(0, most),
            filter: Filter::read(fields)?,
        })
    }

    /// Whether the candidates are to come in the opposite order of their keys.
    pub(super) fn is_backwards(&self) -> bool {
        self.descending && self.sort.is_none()
    }

    /// Whether what is listed is known only when Luau has looked at the candidates one by one, in their own order.
    pub(super) fn is_for_luau_alone(&self) -> bool {
        self.sort.is_none() && matches!(self.filter, Filter::Function(_))
    }

    pub(super) fn left_to_luau(&self) -> LeftToLuau {
        match &self.filter {
            Filter::Function(function) => (Some(function.clone()), self.offset, self.limit),
            _ => (None, 0, self.limit),
        }
    }

    /// What is listed of the candidates, which come in the order of their keys, or in the opposite one; if a function decides, all of them,
    /// sorted. No more candidates are looked at than needed.
    pub(super) fn choose<K>(
        &self,
        lua: &Lua,
        candidates: impl Iterator<Item = Candidate<K>>,
        defaults: Option<&StateTable>,
    ) -> HostResult<Vec<Candidate<K>>> {
        let (offset, limit) = match self.filter {
            Filter::Function(_) => (0, usize::MAX),
            _ => (self.offset, self.limit),
        };
        let mut fitting = Vec::new();
        let (mut left_out, most) = match self.sort {
            None => (offset, limit),
            Some(_) => (0, usize::MAX),
        };
        for (number, candidate) in candidates.enumerate() {
            if number % BETWEEN_LOOKS == 0 {
                in_time(lua)?;
            }
            if fitting.len() >= most {
                break;
            }
            if !self.filter.takes(&candidate.1, defaults) {
            } else if left_out > 0 {
                left_out -= 1;
            } else {
                fitting.push(candidate);
            }
        }
        let Some(field) = &self.sort else {
            return Ok(fitting);
        };
        sort_by(&mut fitting, defaults, field, self.descending);
        Ok(fitting.into_iter().skip(offset).take(limit).collect())
    }
}

impl Filter {
    fn read(fields: &Fields<'_>) -> HostResult<Self> {
        match fields.value("where")? {
            Value::Nil => Ok(Self::All),
            Value::Function(function) => Ok(Self::Function(function)),
            Value::Table(table) => Ok(Self::Conditions(read_conditions(fields, &table)?)),
            other => Err(fields.wrong("where", "a function, or a table of conditions", &other)),
        }
    }

    fn takes(&self, stored: &StateTable, defaults: Option<&StateTable>) -> bool {
        let Self::Conditions(conditions) = self else {
            return true;
        };
        conditions.iter().all(|condition| {
            let key = KeyRef::Str(&condition.field);
            let value = stored.get(key).or_else(|| defaults?.get(key));
            condition.holds(value)
        })
    }
}

fn read_conditions(fields: &Fields<'_>, table: &Table) -> HostResult<Vec<Condition>> {
    let mut conditions = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let (field, value) = pair?;
        let Value::String(name) = &field else {
            return Err(fields.wrong("where", "fields by name", &field));
        };
        let what = format!("where.{}", shown_name(&name.to_string_lossy()));
        let field: Text = name.as_bytes().as_ref().into();
        match &value {
            Value::Table(tests) => {
                for pair in tests.pairs::<Value, Value>() {
                    conditions.push(read_test(fields, &what, &field, pair?)?);
                }
            }
            value => conditions.push(Condition {
                value: Compared::One(read_leaf(fields, &what, value)?),
                field,
                test: Test::Is,
            }),
        }
        if conditions.len() > MOST_CONDITIONS {
            let expected = format!("at most {MOST_CONDITIONS} conditions");
            return Err(fields.wrong("where", &expected, &Value::Table(table.clone())));
        }
    }
    Ok(conditions)
}

fn read_test(
    fields: &Fields<'_>,
    what: &str,
    field: &Text,
    (name, value): (Value, Value),
) -> HostResult<Condition> {
    let test = name.as_string().map(mlua::LuaString::to_string_lossy);
    let test = TESTS
        .iter()
        .find(|(known, _)| test.as_deref() == Some(*known));
    let Some((test_name, test)) = test else {
        let names: Vec<_> = TESTS.iter().map(|(name, _)| *name).collect();
        let expected = format!("conditions by name ({})", names.join(", "));
        return Err(fields.wrong(what, &expected, &name));
    };
    let what = format!("{what}.{test_name}");
    let value = match (test, &value) {
        (Test::OneOf, Value::Table(list)) if list.raw_len() <= MOST_CONDITIONS => {
            let items = list.sequence_values::<Value>();
            let items = items.map(|item| read_leaf(fields, &what, &item?));
            Compared::Many(items.collect::<HostResult<_>>()?)
        }
        (Test::OneOf, other) => {
            let expected = format!("a list of at most {MOST_CONDITIONS} values");
            return Err(fields.wrong(&what, &expected, other));
        }
        (Test::Prefix, other) if !other.is_string() => {
            return Err(fields.wrong(&what, "a string", other));
        }
        (Test::Is | Test::IsNot | Test::Prefix, value) => {
            Compared::One(read_leaf(fields, &what, value)?)
        }
        (_, Value::Boolean(_)) => {
            return Err(fields.wrong(&what, "a number or a string", &value));
        }
        (_, value) => Compared::One(read_leaf(fields, &what, value)?),
    };
    Ok(Condition {
        field: field.clone(),
        test: *test,
        value,
    })
}

fn read_leaf(fields: &Fields<'_>, what: &str, value: &Value) -> HostResult<Stored> {
    let expected = "a string, a number or a boolean";
    match value {
        Value::Boolean(value) => Ok((*value).into()),
        Value::String(text) if text.as_bytes().len() > LONGEST_TEXT => {
            let expected = format!("a string of at most {LONGEST_TEXT} characters");
            Err(fields.wrong(what, &expected, value))
        }
        Value::String(text) => Ok(Stored::String(text.as_bytes().as_ref().into())),
        other => match number(other) {
            Some(number) => Ok(number.into()),
            None => Err(fields.wrong(what, expected, other)),
        },
    }
}

impl Condition {
    fn holds(&self, value: Option<&Stored>) -> bool {
        let one = match &self.value {
            Compared::Many(values) => return values.iter().any(|it| is_same(value, it)),
            Compared::One(one) => one,
        };
        match self.test {
            Test::Is | Test::OneOf => is_same(value, one),
            Test::IsNot => !is_same(value, one),
            Test::Prefix => match (value, one) {
                (Some(Stored::String(text)), Stored::String(prefix)) => text.starts_with(prefix),
                _ => false,
            },
            Test::Above => order(value, one) == Some(Ordering::Greater),
            Test::Below => order(value, one) == Some(Ordering::Less),
            Test::AtLeast => matches!(order(value, one), Some(Ordering::Greater | Ordering::Equal)),
            Test::AtMost => matches!(order(value, one), Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

fn is_same(value: Option<&Stored>, other: &Stored) -> bool {
    match (value, other) {
        (Some(Stored::Bool(one)), Stored::Bool(two)) => one == two,
        _ => order(value, other) == Some(Ordering::Equal),
    }
}

/// How two numbers or two texts stand to each other.
fn order(value: Option<&Stored>, other: &Stored) -> Option<Ordering> {
    match (value?, other) {
        (Stored::Number(one), Stored::Number(two)) => one.partial_cmp(two),
        (Stored::String(one), Stored::String(two)) => Some(one.cmp(two)),
        _ => None,
    }
}

/// What is sorted by: numbers come before texts, and texts before booleans.
enum SortKey {
    Number(f64),
    Text(Text),
    Bool(bool),
}

impl SortKey {
    fn of(value: Option<&Stored>) -> Option<Self> {
        match value? {
            Stored::Number(number) => Some(Self::Number(*number)),
            Stored::String(text) => Some(Self::Text(text.clone())),
            Stored::Bool(value) => Some(Self::Bool(*value)),
            Stored::Table(_) => None,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            (Self::Bool(one), Self::Bool(two)) => one.cmp(two),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Bool(_) => 2,
        }
    }
}

/// Sorts by a field, which has its default where it is not stored; those without it come last in either direction. What
/// is the same stays in its order.
fn sort_by<K>(
    candidates: &mut Vec<Candidate<K>>,
    defaults: Option<&StateTable>,
    field: &str,
    descending: bool,
) {
    let key = KeyRef::Str(field.as_bytes());
    let default = defaults.and_then(|defaults| defaults.get(key));
    let mut keyed: Vec<_> = std::mem::take(candidates)
        .into_iter()
        .map(|candidate| (SortKey::of(candidate.1.get(key).or(default)), candidate))
        .collect();
    keyed.sort_by(|(one, _), (two, _)| match (one, two) {
        (Some(one), Some(two)) if descending => two.order(one),
        (Some(one), Some(two)) => one.order(two),
        (one, two) => two.is_some().cmp(&one.is_some()),
    });
    *candidates = keyed.into_iter().map(|(_, candidate)| candidate).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_leaf() -> impl Strategy<Value = Option<Stored>> {
        prop_oneof![
            Just(None),
            (-3..4_i8).prop_map(|number| Some(f64::from(number).into())),
            "[ab]{0,2}".prop_map(|text| Some(text.as_str().into())),
            any::<bool>().prop_map(|value| Some(value.into())),
        ]
    }

    proptest! {
        /// In a total order, whatever kinds of values a field has, and stable.
        #[test]
        fn sorting_puts_numbers_first_and_what_is_missing_last(
            values in prop::collection::vec(any_leaf(), 0..40),
            descending in any::<bool>(),
        ) {
            let table = |value: &Option<Stored>| {
                let mut table = StateTable::new();
                table.set("x".into(), value.clone());
                Arc::new(table)
            };
            let mut sorted: Vec<_> = values.iter().map(table).enumerate().collect();
            sort_by(&mut sorted, None, "x", descending);
            let places: Vec<usize> = sorted.iter().map(|(place, _)| *place).collect();
            let mut all = places.clone();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..values.len()));
            for pair in places.windows(2) {
                let key = |at: usize| SortKey::of(values[pair[at]].as_ref());
                match (key(0), key(1)) {
                    (Some(one), Some(two)) => {
                        let order = one.order(&two);
                        let order = if descending { order.reverse() } else { order };
                        prop_assert!(order != Ordering::Greater);
                        prop_assert!(order != Ordering::Equal || pair[0] < pair[1]);
                    }
                    (None, two) => prop_assert!(two.is_none()),
                    (Some(_), None) => {}
                }
            }
        }

        #[test]
        fn conditions_are_what_their_names_say(value in any_leaf(), other in any_leaf()) {
            prop_assume!(other.is_some());
            let other = other.unwrap();
            let holds = |test| {
                let value_of = Compared::One(other.clone());
                Condition { field: "x".into(), test, value: value_of }.holds(value.as_ref())
            };
            prop_assert_eq!(holds(Test::Is), value.as_ref() == Some(&other));
            prop_assert_eq!(holds(Test::IsNot), !holds(Test::Is));
            let comparable = order(value.as_ref(), &other).is_some();
            let orders = [Test::Above, Test::Below].iter().filter(|test| holds(**test)).count();
            let is_equal = usize::from(comparable && holds(Test::Is));
            prop_assert_eq!(orders + is_equal, usize::from(comparable));
            prop_assert_eq!(holds(Test::AtLeast), comparable && !holds(Test::Below));
            prop_assert_eq!(holds(Test::AtMost), comparable && !holds(Test::Above));
        }
    }
}
