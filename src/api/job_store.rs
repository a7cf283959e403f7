//! Where the jobs of a cog are kept: in a namespace of their own beside its state, so that they are written with it, by
//! the same commits and transactions, are charged to it, and cannot be reached by its code.
//!
//! ```text
//! role 1: id → the job        role 2: name, time, id → the order in which they are due
//! role 3: name, key → id      role 4: name, id → why it is given up
//! ```
//!
//! The roles are none of Discord's; each is a sorted table, so that the next job is found without looking at all.

use crate::state::{Key, KeyRef, StateError, StateScope, StateTable, Text, Value, View};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const JOBS: StateScope = StateScope::Role(1);
const ORDER: StateScope = StateScope::Role(2);
const KEYS: StateScope = StateScope::Role(3);
const GIVEN_UP: StateScope = StateScope::Role(4);

/// Digits of a time in milliseconds, and of an id.
const DIGITS: usize = 16;

/// The fields of a job.
const NAME: i64 = 1;
const DUE: i64 = 2;
const ATTEMPT: i64 = 3;
const NEXT: i64 = 4;
const KEY: i64 = 5;
const PAYLOAD: i64 = 6;

/// The jobs of one cog.
#[derive(Clone, Debug)]
pub struct JobStore(View);

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// By which it is told from all others.
    pub id: String,
    /// The name in `cog.job`.
    pub name: String,
    /// When it was to run, in Unix seconds.
    pub due: f64,
    /// How often it was begun.
    pub attempt: u32,
    /// What its author calls it.
    pub key: Option<Text>,
    /// What its function is given.
    pub payload: Option<Value>,
    /// When it is begun next, since the Unix epoch.
    next: Duration,
}

impl JobStore {
    /// Those that are kept behind this view.
    pub fn new(view: View) -> Self {
        Self(view)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table(JOBS).count()
    }

    /// How many are given up.
    pub fn given_up(&self) -> usize {
        self.table(GIVEN_UP).count()
    }

    /// A name of one that is given up, and why.
    pub fn last_given_up(&self) -> Option<(String, String)> {
        let table = self.table(GIVEN_UP);
        let (key, why) = table.iter().last()?;
        let Value::String(why) = why else {
            return None;
        };
        let name = match key {
            KeyRef::Str(key) => key.split(|byte| *byte == 0).next().unwrap_or_default(),
            KeyRef::Int(_) => return None,
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(name), text(why)))
    }

    /// Adds a job in place of one of the same name and key: all of it, or nothing if there is an error.
    pub(super) fn add(
        &self,
        name: &str,
        due: Duration,
        key: Option<&[u8]>,
        payload: Option<Value>,
    ) -> Result<String, StateError> {
        let id = format!("{:016x}", random_id());
        let former = key.and_then(|key| self.of_key(name, key));
        let job = Job {
            id: id.clone(),
            name: name.to_owned(),
            due: due.as_secs_f64(),
            attempt: 0,
            key: key.map(Text::from),
            payload,
            next: due,
        };
        if self.0.transactions() == 0 {
            if let Err(error) = self.write_all(&job) {
                self.remove(&id)?;
                return Err(error);
            }
        } else {
            // Within a transaction taking back what was written could be one change too many.
            self.0.begin_transaction();
            if let Err(error) = self.write_all(&job) {
                self.0.rollback_transaction();
                return Err(error);
            }
            self.0.commit_transaction()?;
        }
        if let Some(former) = former {
            self.remove(&former)?;
        }
        Ok(id)
    }

    fn write_all(&self, job: &Job) -> Result<(), StateError> {
        let set = |scope, key: &[u8], value| self.0.set(&scope, &[Key::Str(key.into())], value);
        set(JOBS, job.id.as_bytes(), Some(job.to_stored()))?;
        set(ORDER, &job.place(), Some(true.into()))?;
        match &job.key {
            Some(key) => set(KEYS, &of(&job.name, key), Some(job.id.as_str().into())),
            None => Ok(()),
        }
    }

    /// The id of the job with this name and key.
    fn of_key(&self, name: &str, key: &[u8]) -> Option<String> {
        match self.0.get_in(&KEYS, &[], KeyRef::Str(&of(name, key))) {
            Some(Value::String(id)) => Some(String::from_utf8_lossy(&id).into_owned()),
            _ => None,
        }
    }

    /// A job by its id.
    pub fn get(&self, id: &str) -> Option<Job> {
        match self.0.get_in(&JOBS, &[], KeyRef::Str(id.as_bytes()))? {
            Value::Table(stored) => Job::of_stored(id, &stored),
            _ => None,
        }
    }

    /// Removes the job of a name with this key or this id; whether there was one.
    pub(super) fn cancel(&self, name: &str, id_or_key: &[u8]) -> Result<bool, StateError> {
        let of_key = self.of_key(name, id_or_key);
        let id = of_key.unwrap_or_else(|| String::from_utf8_lossy(id_or_key).into_owned());
        match self.get(&id) {
            Some(job) if job.name == name => self.remove(&job.id).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Removes a job.
    pub fn remove(&self, id: &str) -> Result<(), StateError> {
        let Some(job) = self.get(id) else {
            return Ok(());
        };
        self.set(JOBS, id.as_bytes(), None)?;
        self.set(ORDER, &job.place(), None)?;
        self.set(GIVEN_UP, &of(&job.name, id.as_bytes()), None)?;
        match &job.key {
            // Another one may have taken its place.
            Some(key) if self.of_key(&job.name, key).as_deref() == Some(id) => {
                self.set(KEYS, &of(&job.name, key), None)
            }
            _ => Ok(()),
        }
    }

    /// Removes the jobs that name a user: whose key, or any text of whose payload, has the user's id in it, not as a part
    /// of a longer number. Returns how many there were.
    pub fn forget_user(&self, user: u64) -> Result<usize, StateError> {
        let id = user.to_string();
        let mut removed = 0;
        for (key, stored) in self.table(JOBS).iter() {
            let (KeyRef::Str(job), Value::Table(stored)) = (key, stored) else {
                continue;
            };
            let of = |field| stored.get(KeyRef::Int(field));
            let names = |value: Option<&Value>| value.is_some_and(|value| names(value, &id));
            if names(of(KEY)) || names(of(PAYLOAD)) {
                self.remove(&String::from_utf8_lossy(job))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The next job of this name that is not `held`, and when it is to begin, since the Unix epoch.
    pub fn next(&self, name: &str, held: impl Fn(&str) -> bool) -> Option<(Duration, String)> {
        let mut found = None;
        self.each(ORDER, name, |rest, _| {
            let (due, id) = rest.split_at_checked(DIGITS)?;
            if held(id) {
                return Some(ControlFlow::Continue(()));
            }
            let due = u64::from_str_radix(due, 16).ok()?;
            found = Some((Duration::from_millis(due), id.to_owned()));
            Some(ControlFlow::Break(()))
        });
        found
    }

    /// Notes that a job is begun once more.
    pub fn begin(&self, id: &str) -> Option<Job> {
        let mut job = self.get(id)?;
        job.attempt += 1;
        self.set(JOBS, id.as_bytes(), Some(job.to_stored())).ok()?;
        Some(job)
    }

    /// Has a job begin again at `next`; `counts` tells whether what was begun was an attempt.
    pub fn put_off(&self, id: &str, next: Duration, counts: bool) {
        let Some(former) = self.get(id) else {
            return;
        };
        let attempt = former.attempt.saturating_sub(u32::from(!counts));
        let job = Job {
            attempt,
            next,
            ..former.clone()
        };
        let moved = self
            .set(ORDER, &former.place(), None)
            .and_then(|()| self.set(ORDER, &job.place(), Some(true.into())))
            .and_then(|()| self.set(JOBS, id.as_bytes(), Some(job.to_stored())));
        self.log("put off", id, moved);
    }

    /// Keeps a job that has failed too often, without beginning it again.
    pub fn give_up(&self, id: &str, why: &str) {
        let Some(job) = self.get(id) else {
            return;
        };
        let place = of(&job.name, id.as_bytes());
        let moved = self
            .set(GIVEN_UP, &place, Some(why.into()))
            .and_then(|()| self.set(ORDER, &job.place(), None));
        self.log("given up", id, moved);
    }

    /// Forgets where a job stands of which nothing else can be read.
    pub fn forget(&self, name: &str, next: Duration, id: &str) {
        let result = self.set(ORDER, &place(name, next, id), None);
        self.log("forgotten", id, result);
        tracing::warn!(namespace = %self.0.namespace(), id, "A job cannot be read, and is left out");
    }

    fn log(&self, what: &str, id: &str, result: Result<(), StateError>) {
        if let Err(error) = result {
            let namespace = self.0.namespace();
            tracing::warn!(%namespace, id, %error, "A job could not be {what}");
        }
    }

    /// The jobs of a name in the order in which they are due, and then those that are given up, each with why.
    pub(super) fn list(&self, name: &str) -> Vec<(Job, Option<Text>)> {
        let mut found = Vec::new();
        self.each(ORDER, name, |rest, _| {
            let (_, id) = rest.split_at_checked(DIGITS)?;
            found.extend(self.get(id).map(|job| (job, None)));
            Some(ControlFlow::Continue(()))
        });
        self.each(GIVEN_UP, name, |id, why| {
            let why = match why {
                Value::String(why) => why.clone(),
                _ => Text::from(""),
            };
            found.extend(self.get(id).map(|job| (job, Some(why))));
            Some(ControlFlow::Continue(()))
        });
        found
    }

    /// Goes through the entries of a name, until `look` ends it or finds one that it cannot read.
    fn each(
        &self,
        scope: StateScope,
        name: &str,
        mut look: impl FnMut(&str, &Value) -> Option<ControlFlow<()>>,
    ) {
        let table = self.table(scope);
        let first = of(name, b"");
        let mut last = first.clone();
        while let Some((KeyRef::Str(key), value)) = table.next_after(Some(KeyRef::Str(&last))) {
            let rest = key.strip_prefix(first.as_slice());
            let rest = rest.and_then(|rest| std::str::from_utf8(rest).ok());
            match rest.and_then(|rest| look(rest, value)) {
                Some(ControlFlow::Continue(())) => last = key.to_vec(),
                _ => return,
            }
        }
    }

    fn table(&self, scope: StateScope) -> Arc<StateTable> {
        self.0.entries(&scope, &[]).unwrap_or_default()
    }

    /// A write of the host's: a cog whose state is full does not lose its jobs by that.
    fn set(&self, scope: StateScope, key: &[u8], value: Option<Value>) -> Result<(), StateError> {
        self.0.keep(&scope, &[Key::Str(key.into())], value)
    }
}

impl Job {
    /// Where it stands in the order.
    fn place(&self) -> Vec<u8> {
        place(&self.name, self.next, &self.id)
    }

    fn to_stored(&self) -> Value {
        let key = self.key.clone().map_or(false.into(), Value::String);
        let fields = [
            (NAME, Some(self.name.as_str().into())),
            (DUE, Some(self.due.into())),
            (ATTEMPT, Some(f64::from(self.attempt).into())),
            (NEXT, Some(self.next.as_secs_f64().into())),
            (KEY, Some(key)),
            (PAYLOAD, self.payload.clone()),
        ];
        let mut table = StateTable::new();
        for (field, value) in fields {
            table.set(Key::Int(field), value);
        }
        table.into()
    }

    fn of_stored(id: &str, stored: &StateTable) -> Option<Self> {
        let number = |field| match stored.get(KeyRef::Int(field)) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let Some(Value::String(name)) = stored.get(KeyRef::Int(NAME)) else {
            return None;
        };
        let key = match stored.get(KeyRef::Int(KEY)) {
            Some(Value::String(key)) => Some(key.clone()),
            _ => None,
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was a small whole number"
        )]
        let attempt = number(ATTEMPT)?.max(0.0) as u32;
        Some(Self {
            id: id.to_owned(),
            name: String::from_utf8_lossy(name).into_owned(),
            due: number(DUE)?,
            attempt,
            key,
            payload: stored.get(KeyRef::Int(PAYLOAD)).cloned(),
            next: Duration::try_from_secs_f64(number(NEXT)?).ok()?,
        })
    }
}

/// Whether an id stands in one of a value's texts.
fn names(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => has_id(text, id),
        Value::Table(table) => table.iter().any(|(key, value)| {
            let in_key = matches!(key, KeyRef::Str(text) if has_id(text, id));
            in_key || names(value, id)
        }),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn has_id(text: &[u8], id: &str) -> bool {
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    memchr::memmem::find_iter(text, id.as_bytes())
        .any(|at| !is_digit(at.checked_sub(1)) && !is_digit(Some(at + id.len())))
}

fn place(name: &str, next: Duration, id: &str) -> Vec<u8> {
    let next = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
    of(name, format!("{next:016x}{id}").as_bytes())
}

/// What belongs to a name, which has no zeros in it.
fn of(name: &str, rest: &[u8]) -> Vec<u8> {
    [name.as_bytes(), &[0], rest].concat()
}

/// So many that nobody finds that of another job by trying.
fn random_id() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => COUNT.fetch_add(1, Ordering::Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Namespace, StateLimits, Store, StoreOptions};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn store(namespace_bytes: usize) -> (Store, View, JobStore) {
        let limits = StateLimits {
            namespace_bytes,
            ..StateLimits::default()
        };
        let store = Store::open(StoreOptions { path: None, limits }).unwrap();
        let own = store.view(&Namespace::cog("a"));
        let jobs = JobStore::new(own.beside(&Namespace::jobs("a")));
        (store, own, jobs)
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// What is done to the jobs of two names, by number: schedule one with a key, cancel a key, begin and end the next
    /// one well, badly, or for good.
    #[derive(Clone, Debug)]
    enum Step {
        Add(usize, u32, Option<u8>),
        Cancel(usize, u8),
        Done(usize),
        PutOff(usize, u32),
        GiveUp(usize),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let name = 0..2_usize;
        prop_oneof![
            4 => (name.clone(), 0..1_000_u32, prop::option::of(0..3_u8))
                .prop_map(|(name, due, key)| Step::Add(name, due, key)),
            1 => (name.clone(), 0..3_u8).prop_map(|(name, key)| Step::Cancel(name, key)),
            2 => name.clone().prop_map(Step::Done),
            1 => (name.clone(), 0..1_000_u32).prop_map(|(name, due)| Step::PutOff(name, due)),
            1 => name.prop_map(Step::GiveUp),
        ]
    }

    proptest! {
        #[test]
        fn jobs_are_kept_as_in_a_list(
            steps in prop::collection::vec((any_step(), any::<bool>()), 0..60),
        ) {
            const NAMES: [&str; 2] = ["a", "b"];
            let (store, own, jobs) = store(1 << 20);
            // By id: the name, when it is next (never, if it is given up), the key.
            let mut model: BTreeMap<String, (usize, Option<u32>, Option<u8>)> = BTreeMap::new();
            let next = |model: &BTreeMap<String, (usize, Option<u32>, Option<u8>)>, name| {
                let of_name = model.iter().filter(|(_, (of, ..))| *of == name);
                let due = of_name.filter_map(|(id, (_, due, _))| Some(((*due)?, id.clone())));
                due.min()
            };
            for (step, within) in steps {
                if within {
                    own.begin_transaction();
                }
                match step {
                    Step::Add(name, due, key) => {
                        let given = key.map(|key| [key]);
                        let given = given.as_ref().map(<[u8; 1]>::as_slice);
                        let id = jobs.add(NAMES[name], SECOND * due, given, Some("x".into())).unwrap();
                        if key.is_some() {
                            model.retain(|_, (of, _, other)| (*of, *other) != (name, key));
                        }
                        model.insert(id, (name, Some(due), key));
                    }
                    Step::Cancel(name, key) => {
                        let before = model.len();
                        model.retain(|_, (of, _, other)| (*of, *other) != (name, Some(key)));
                        let was_there = jobs.cancel(NAMES[name], &[key]).unwrap();
                        prop_assert_eq!(was_there, model.len() < before);
                    }
                    Step::Done(name) => {
                        if let Some((_, id)) = next(&model, name) {
                            jobs.remove(&id).unwrap();
                            model.remove(&id);
                        }
                    }
                    Step::PutOff(name, due) => {
                        if let Some((_, id)) = next(&model, name) {
                            let attempt = jobs.begin(&id).unwrap().attempt;
                            jobs.put_off(&id, SECOND * due, false);
                            prop_assert_eq!(jobs.get(&id).unwrap().attempt, attempt - 1);
                            model.get_mut(&id).unwrap().1 = Some(due);
                        }
                    }
                    Step::GiveUp(name) => {
                        if let Some((_, id)) = next(&model, name) {
                            jobs.give_up(&id, "why");
                            model.get_mut(&id).unwrap().1 = None;
                        }
                    }
                }
                if within {
                    own.commit_transaction().unwrap();
                }
                prop_assert_eq!(jobs.count(), model.len());
                let given_up = model.values().filter(|(_, due, _)| due.is_none()).count();
                prop_assert_eq!(jobs.given_up(), given_up);
                for (name, text) in NAMES.iter().enumerate() {
                    let found = jobs.next(text, |_| false);
                    let expected = next(&model, name).map(|(due, id)| (SECOND * due, id));
                    prop_assert_eq!(found, expected);
                    let listed: Vec<_> = jobs.list(text).into_iter().map(|(job, _)| job.id).collect();
                    let count = model.values().filter(|(of, ..)| *of == name).count();
                    prop_assert_eq!(listed.len(), count);
                }
            }
            for id in model.keys() {
                jobs.remove(id).unwrap();
            }
            // Nothing of any job is left behind.
            prop_assert_eq!(store.usage(&Namespace::jobs("a")), 0);
        }
    }

    #[test]
    fn jobs_that_name_a_user_are_forgotten_with_the_user() {
        let (store, _own, jobs) = store(1 << 20);
        let nested = |text: &str| {
            let inner: StateTable = [("who", Value::from(text))].into_iter().collect();
            let outer: StateTable = [("a", Value::from(inner))].into_iter().collect();
            Some(Value::from(outer))
        };
        let by_key: StateTable = [("77", 1.0)].into_iter().collect();
        for (key, payload, is_meant) in [
            (None, Some("77".into()), true),
            (None, nested("<@77>, wake up"), true),
            (None, Some(by_key.into()), true),
            (Some("1-77"), None, true),
            (Some("177"), nested("770 177 7 7"), false),
            (None, Some(77.0.into()), false),
            (None, None, false),
        ] {
            let key = key.map(str::as_bytes);
            let id = jobs.add("a", SECOND, key, payload).unwrap();
            assert_eq!(jobs.forget_user(77).unwrap(), usize::from(is_meant));
            assert_eq!(jobs.get(&id).is_some(), !is_meant);
            jobs.remove(&id).unwrap();
        }
        // Those that are given up, too; and nothing of them is left.
        let id = jobs.add("a", SECOND, Some(b"77"), None).unwrap();
        jobs.give_up(&id, "why");
        assert_eq!(jobs.forget_user(77).unwrap(), 1);
        assert_eq!(store.usage(&Namespace::jobs("a")), 0);
    }

    #[test]
    fn a_cog_whose_state_is_full_loses_no_job() {
        let (_store, own, jobs) = store(20_000);
        let id = jobs.add("a", SECOND, Some(b"key"), None).unwrap();
        let (mut size, mut count) = (20_000, 0);
        while size > 0 {
            count += 1;
            let path = [Key::Int(count)];
            let value = Value::String("x".repeat(size).as_bytes().into());
            if own.set(&StateScope::Global, &path, Some(value)).is_err() {
                size /= 2;
            }
        }
        assert!(jobs.add("a", SECOND, None, None).is_err());
        assert_eq!(jobs.count(), 1, "nothing of it was written");
        assert_eq!(jobs.begin(&id).unwrap().attempt, 1);
        jobs.put_off(&id, SECOND * 10, true);
        assert_eq!(jobs.next("a", |_| false), Some((SECOND * 10, id.clone())));
        jobs.give_up(&id, &"why ".repeat(50));
        assert_eq!(jobs.next("a", |_| false), None);
        assert_eq!(jobs.given_up(), 1);
        assert!(jobs.cancel("a", b"key").unwrap());
        assert_eq!(jobs.count(), 0);
    }
}
