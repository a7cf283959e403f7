//! When batches are due, and what is in them.

use super::super::debounce::LONGEST_AT_LEAST;
use super::*;
use notify::event::{AccessKind, AccessMode, DataChange, Flag, RemoveKind, RenameMode};
use proptest::prelude::*;
use std::collections::BTreeMap;

const QUIET: Duration = Duration::from_millis(20);

fn shared() -> WatchState {
    WatchState::new(Path::new("/nowhere/lua"), &Rules::default(), QUIET)
}

fn create(path: &str) -> Event {
    let path = Path::new("/nowhere/lua").join(path);
    Event::new(EventKind::Create(CreateKind::File)).add_path(path)
}

#[test]
fn a_lost_event_and_too_many_paths_are_a_rescan() {
    let shared = shared();
    let at = Instant::now();
    shared.take_event(&create("cogs/a.luau"), at);
    shared.take_event(&Event::new(EventKind::Other).set_flag(Flag::Rescan), at);
    let batch = shared.take_batch(at + QUIET).unwrap();
    assert!(batch.rescan && batch.paths.is_empty());
    for number in 0..=MANY {
        shared.take_event(&create(&format!("cogs/{number}.luau")), at);
    }
    assert!(shared.take_batch(at + QUIET).unwrap().rescan);
    assert_eq!(shared.take_batch(at + QUIET), None);
}

#[test]
fn a_batch_is_due_when_it_is_quiet_and_in_any_case_in_the_end() {
    let shared = shared();
    let first = Instant::now();
    assert_eq!(shared.due(), None);
    shared.take_event(&create("cogs/a.luau"), first);
    assert_eq!(shared.due(), Some(first + QUIET));
    shared.take_event(&create("cogs/b.luau"), first + QUIET / 2);
    assert_eq!(shared.due(), Some(first + QUIET / 2 + QUIET));
    shared.take_event(&create("cogs/b.log"), first + QUIET);
    assert_eq!(shared.due(), Some(first + QUIET / 2 + QUIET));
    for step in 0..200 {
        shared.take_event(&create("cogs/c.luau"), first + QUIET * step);
    }
    let end = first + LONGEST_AT_LEAST;
    assert_eq!(shared.due(), Some(end));
    assert_eq!(shared.take_batch(first + QUIET), None);
    assert_eq!(
        shared.take_batch(end).map(|batch| batch.paths.len()),
        Some(3)
    );
}

#[test]
fn after_lost_events_the_watch_is_made_anew() {
    let shared = shared();
    let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    let at = Instant::now();
    shared.take_event(&lost, at);
    assert!(shared.take_repair().is_some_and(|repair| repair.root));
    let batch = shared.take_batch(at + QUIET);
    assert!(batch.is_some_and(|batch| batch.rescan));
}

/// With this, `touch_chmod_and_the_same_bytes_change_nothing` of tests/reload/watch/saves.rs needs no stopwatch.
#[test]
fn chmod_and_reading_begin_a_burst_at_most_and_prolong_none() {
    let shared = shared();
    let first = Instant::now();
    let of = |kind| Event::new(kind).add_path("/nowhere/lua/cogs/a.luau".into());
    let chmod = of(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)));
    let open = of(EventKind::Access(AccessKind::Open(AccessMode::Any)));
    shared.take_event(&open, first);
    assert_eq!(shared.due(), None);
    shared.take_event(&create("cogs/a.luau"), first);
    for step in 1..20 {
        shared.take_event(&chmod, first + QUIET / 20 * step);
        shared.take_event(&open, first + QUIET / 20 * step);
    }
    assert_eq!(shared.due(), Some(first + QUIET));
}

const WRITE: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const CLOSE: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
const REMOVE: EventKind = EventKind::Remove(RemoveKind::Any);
const AWAY: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::From));

fn happens(shared: &WatchState, kind: EventKind, path: &str, at: Instant) {
    let path = Path::new("/nowhere/lua").join(path);
    shared.take_event(&Event::new(kind).add_path(path), at);
}

/// The names of the files in a batch.
fn names(batch: Option<Batch>) -> Vec<String> {
    let paths = batch.unwrap_or_default().paths;
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(name).collect()
}

#[test]
fn a_file_that_is_being_written_is_waited_for() {
    let (shared, first) = (shared(), Instant::now());
    happens(&shared, WRITE, "cogs/a.luau", first);
    let later = first + QUIET * 30;
    assert_eq!(shared.take_batch(later), None);
    happens(&shared, WRITE, "cogs/a.luau", later);
    happens(&shared, CLOSE, "cogs/a.luau", later);
    assert_eq!(shared.due(), Some(later + QUIET));
    assert_eq!(names(shared.take_batch(later + QUIET)), ["a.luau"]);
    assert_eq!(shared.due(), None);
}

#[test]
fn a_writer_that_does_not_close_is_waited_for_a_while_only() {
    let (shared, first) = (shared(), Instant::now());
    happens(&shared, WRITE, "cogs/a.luau", first);
    assert_eq!(shared.due(), Some(first + writers::LONGEST_PAUSE));
    let end = first + writers::LONGEST_PAUSE;
    assert_eq!(names(shared.take_batch(end)), ["a.luau"]);
    // It writes on, and is waited for again.
    happens(&shared, WRITE, "cogs/a.luau", end);
    assert_eq!(shared.due(), Some(end + writers::LONGEST_PAUSE));
}

#[test]
fn what_is_whole_does_not_wait_for_a_slow_writer_without_end() {
    let (shared, first) = (shared(), Instant::now());
    let second = Duration::from_secs(1);
    happens(&shared, WRITE, "cogs/slow.luau", first);
    happens(&shared, create_kind(), "cogs/whole.luau", first);
    happens(&shared, WRITE, "cogs/slow.luau", first + second);
    assert_eq!(shared.due(), Some(first + LONGEST_AT_LEAST));
    let taken = names(shared.take_batch(first + LONGEST_AT_LEAST));
    assert_eq!(taken, ["whole.luau"]);
    for step in 2..10 {
        happens(&shared, WRITE, "cogs/slow.luau", first + second * step);
        assert_eq!(shared.take_batch(first + second * step), None);
    }
    let end = first + writers::LONGEST_WRITE;
    assert_eq!(names(shared.take_batch(end)), ["slow.luau"]);
}

#[test]
fn nobody_is_waited_for_whose_file_went_or_whose_closing_may_be_lost() {
    let at = Instant::now();
    for (kind, path) in [
        (REMOVE, "cogs/a/x.luau"),
        (AWAY, "cogs/a/x.luau"),
        (AWAY, "cogs/a"),
        (REMOVE, ""),
    ] {
        let shared = shared();
        happens(&shared, WRITE, "cogs/a/x.luau", at);
        happens(&shared, kind, path, at);
        assert_eq!(shared.due(), Some(at + QUIET), "{kind:?} {path}");
    }
    let shared = shared();
    happens(&shared, WRITE, "cogs/a.luau", at);
    shared.take_event(&Event::new(EventKind::Other).set_flag(Flag::Rescan), at);
    assert_eq!(shared.due(), Some(at + QUIET));
}

#[test]
fn a_look_at_everything_waits_for_writers_too() {
    let (shared, at) = (shared(), Instant::now());
    happens(&shared, WRITE, "cogs/a.luau", at);
    shared.rescan(at);
    assert_eq!(shared.due(), Some(at + writers::LONGEST_PAUSE));
    happens(&shared, CLOSE, "cogs/a.luau", at);
    let batch = shared.take_batch(at + QUIET).unwrap();
    assert!(batch.rescan);
}

fn create_kind() -> EventKind {
    EventKind::Create(CreateKind::File)
}

/// What happens to one of three files, or to their folder, and how many milliseconds later.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write(usize),
    Close(usize),
    Remove(usize),
    FolderGoes,
    Overflow,
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        6 => (0..3_usize).prop_map(Step::Write),
        4 => (0..3_usize).prop_map(Step::Close),
        1 => (0..3_usize).prop_map(Step::Remove),
        1 => Just(Step::FolderGoes),
        1 => Just(Step::Overflow),
    ];
    prop::collection::vec((step, 0..1500_u64), 0..40)
}

/// Plays the steps, takes batches as soon as they are due, and checks each.
struct Model {
    shared: WatchState,
    now: Instant,
    /// The files that have changed since they were handed on: between when and when they were written, if nobody
    /// has closed them.
    dirty: BTreeMap<String, Option<(Instant, Instant)>>,
}

impl Model {
    fn play(&mut self, step: Step) {
        let file = |number: usize| format!("cogs/{number}.luau");
        match step {
            Step::Write(number) => {
                happens(&self.shared, WRITE, &file(number), self.now);
                let written = self.dirty.entry(file(number)).or_default();
                let (since, _) = written.unwrap_or((self.now, self.now));
                *written = Some((since, self.now));
            }
            Step::Close(number) => {
                happens(&self.shared, CLOSE, &file(number), self.now);
                if let Some(written) = self.dirty.get_mut(&file(number)) {
                    *written = None;
                }
            }
            Step::Remove(number) => {
                happens(&self.shared, REMOVE, &file(number), self.now);
                self.dirty.insert(file(number), None);
            }
            Step::FolderGoes => {
                happens(&self.shared, AWAY, "cogs", self.now);
                self.close_all();
            }
            Step::Overflow => {
                let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
                self.shared.take_event(&lost, self.now);
                self.close_all();
            }
        }
    }

    fn close_all(&mut self) {
        self.dirty.values_mut().for_each(|written| *written = None);
    }

    fn wait(&mut self, until: Instant) {
        while let Some(due) = self.shared.due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let batch = self.shared.take_batch(self.now);
            if let Some(batch) = batch {
                self.check(&batch);
            }
        }
        self.now = until;
    }

    fn check(&mut self, batch: &Batch) {
        let now = self.now;
        self.dirty.retain(|file, written| {
            let taken = batch.rescan || batch.paths.contains(&self.shared.root.join(file));
            let is_over = written.is_none_or(|(since, last)| {
                now >= last + writers::LONGEST_PAUSE || now >= since + writers::LONGEST_WRITE
            });
            assert!(!taken || is_over, "{file} was taken half written");
            !taken
        });
    }
}

proptest! {
    #[test]
    fn no_change_is_lost_none_waits_without_end_and_none_is_taken_half_written(steps in steps()) {
        let mut model = Model {
            shared: shared(),
            now: Instant::now(),
            dirty: BTreeMap::new(),
        };
        for (step, pause) in steps {
            model.play(step);
            let until = model.now + Duration::from_millis(pause);
            model.wait(until);
        }
        let end = model.now + writers::LONGEST_PAUSE;
        model.wait(end);
        prop_assert!(model.dirty.is_empty(), "{:?}", model.dirty);
        prop_assert_eq!(model.shared.due(), None);
    }
}
