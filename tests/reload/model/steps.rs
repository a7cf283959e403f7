//! What happens in a run: random steps, small enough to be kept as a list.

use super::sources::ALIAS;
use proptest::prelude::*;
use proptest::sample::select;

/// One thing that is done, after which everything is compared.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These edits come in one burst.
    Files(Vec<Edit>),
    /// A folder of [`FOLDERS`] goes to the other name, or out of `lua/` and back.
    Folder(usize, Way),
    Admin(Admin),
    /// The edits are made, and an admin asks for something before they are noticed.
    Hurry(Vec<Edit>, Admin),
    /// Hot reload is switched off, these happen, and it is switched on again.
    WhileOff(Vec<Step>),
    /// A handler requires something, if a cog has such a command: one of them by its number.
    Late(usize),
    /// All commands are asked.
    Everything,
}

/// Where a folder goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Other,
    Outside,
}

/// One edit of a file of [`FILES`], by its number.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Save(usize, Form, Draft, How),
    /// The same bytes again.
    Again(usize, How),
    /// What the file said before.
    Undo(usize, How),
    Delete(usize),
    /// Under another name, over the file that has it.
    Move(usize, usize),
    /// From `x.luau` to `x/init.luau`, `x.lua`, or back.
    Swap(usize, Form),
    /// The folder that `@u` stands for.
    Alias(Option<usize>),
}

impl Edit {
    /// The modules and aliases whose files it touches.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Save(file, ..)
            | Self::Again(file, _)
            | Self::Undo(file, _)
            | Self::Delete(file)
            | Self::Swap(file, _) => vec![FILES[*file]],
            Self::Move(from, to) => vec![FILES[*from], FILES[*to]],
            Self::Alias(_) => vec![ALIAS],
        }
    }
}

/// How a file gets its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It is emptied and written.
    InPlace,
    /// Another file takes its place.
    Replaced,
}

/// What the name of a module's file ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is; `.luau` if there is none.
    Same,
    Luau,
    Init,
    Lua,
}

/// What is to be written; which requests and names that are is for the place of the file to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) uses: Vec<Target>,
    pub(crate) late: Option<Target>,
    pub(crate) fault: u8,
    /// Another file whose command it takes.
    pub(crate) steals: Option<usize>,
}

/// What is required.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// A file of [`FILES`] by its path from here.
    File(usize),
    /// The same in a `pcall`.
    Optional(usize),
    /// A file by [`ALIASED`] below `@u`.
    Alias(usize),
    /// `@self/part`.
    Part,
}

/// What an admin types; the cog by its number in [`COGS`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admin {
    Cog(usize),
    All,
    Load(usize),
    Unload(usize),
}

/// The files, without what their names end with: cogs first.
pub(crate) const FILES: [&str; 16] = [
    "cogs/a",
    "cogs/b",
    "cogs/fun/d",
    "cogs/pack",
    "cogs/fun",
    "cogs/pack/part",
    "cogs/sport/d",
    "utils/x",
    "utils/y",
    "services/s",
    "services/x",
    "utils/z",
    "utils/deep/p",
    "utils/deep/q",
    "utils/moved/p",
    "utils/moved/q",
];

/// The number of files in `cogs/`.
pub(crate) const ENTRIES: usize = 7;

/// Folders that go to another name.
pub(crate) const FOLDERS: [(&str, &str); 2] =
    [("cogs/fun", "cogs/sport"), ("utils/deep", "utils/moved")];

/// What is required through the alias.
pub(crate) const ALIASED: [&str; 4] = ["x", "s", "z", "deep/p"];

/// The folders that the alias may stand for.
pub(crate) const ALIASES: [&str; 2] = ["utils", "services"];

/// The cogs that there may be.
pub(crate) const COGS: [&str; 8] = [
    "a",
    "b",
    "fun.d",
    "pack",
    "fun",
    "pack.part",
    "sport.d",
    "sport",
];

fn target() -> impl Strategy<Value = Target> {
    let module = || ENTRIES..ENTRIES + 7;
    prop_oneof![
        12 => module().prop_map(Target::File),
        1 => (0..FILES.len()).prop_map(Target::File),
        2 => module().prop_map(Target::Optional),
        3 => (0..ALIASED.len()).prop_map(Target::Alias),
        2 => Just(Target::Part),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let uses = prop::collection::vec(target(), 0..4);
    let late = prop::option::weighted(0.6, target());
    let fault = prop_oneof![9 => Just(0), 1 => 1..6_u8];
    let steals = prop::option::weighted(0.04, 0..ENTRIES);
    let parts = (uses, late, fault, steals);
    parts.prop_map(|(uses, late, fault, steals)| Draft {
        uses,
        late,
        fault,
        steals,
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    let file = || 0..FILES.len();
    let how = || select(vec![How::InPlace, How::Replaced]);
    let form = || prop_oneof![12 => Just(Form::Same), 1 => select(vec![Form::Luau, Form::Init, Form::Lua])];
    let other = select(vec![Form::Luau, Form::Init, Form::Lua]);
    prop_oneof![
        24 => (file(), form(), draft(), how()).prop_map(|(file, form, draft, how)| Edit::Save(file, form, draft, how)),
        2 => (file(), how()).prop_map(|(file, how)| Edit::Again(file, how)),
        5 => (file(), how()).prop_map(|(file, how)| Edit::Undo(file, how)),
        3 => file().prop_map(Edit::Delete),
        2 => (file(), file()).prop_map(|(from, to)| Edit::Move(from, to)),
        3 => (file(), other).prop_map(|(file, form)| Edit::Swap(file, form)),
        1 => prop::option::weighted(0.8, 0..ALIASES.len()).prop_map(Edit::Alias),
    ]
}

fn burst() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), 1..6)
}

fn admin() -> impl Strategy<Value = Admin> {
    let cog = || 0..COGS.len();
    prop_oneof![
        4 => cog().prop_map(Admin::Cog),
        1 => Just(Admin::All),
        3 => cog().prop_map(Admin::Load),
        2 => cog().prop_map(Admin::Unload),
    ]
}

fn simple() -> impl Strategy<Value = Step> {
    let way = prop_oneof![2 => Just(Way::Other), 1 => Just(Way::Outside)];
    prop_oneof![
        20 => edit().prop_map(|edit| Step::Files(vec![edit])),
        9 => burst().prop_map(Step::Files),
        2 => (0..FOLDERS.len(), way).prop_map(|(folder, way)| Step::Folder(folder, way)),
        5 => admin().prop_map(Step::Admin),
        2 => (burst(), admin()).prop_map(|(edits, admin)| Step::Hurry(edits, admin)),
        8 => (0..ENTRIES).prop_map(Step::Late),
        1 => Just(Step::Everything),
    ]
}

/// A random run.
pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let off = prop::collection::vec(simple(), 1..5).prop_map(Step::WhileOff);
    let step = prop_oneof![30 => simple(), 1 => off];
    prop::collection::vec(step, 1..=most)
}
