//! The real files of a run, and what is in them.

use super::sources::{Files, folder_of, is_init, stem_of, without_init};
use super::steps::{
    ALIASED, ALIASES, Draft, ENTRIES, Edit, FILES, FOLDERS, Form, How, Target, Way,
};
use super::text::{Fault, Text, Use};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A cog that no step touches: the bot's intents stay the same, and whatever happens, it answers.
pub(crate) const ANCHOR: &str = "anchor";

/// The folders in which files are saved; they have to be there.
const PLACES: [&str; 6] = [
    "cogs/fun",
    "cogs/pack",
    "utils/deep",
    "utils/z",
    "services/s",
    "data",
];

/// One thing that the watcher has to notice.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    File(String, Option<Rc<Text>>),
    Alias(Option<String>),
}

impl Change {
    /// Whether this is what a report means that names these files.
    pub(crate) fn is_in(&self, changed: &[String]) -> bool {
        let mut files = changed.iter().filter_map(|file| file.strip_prefix("lua/"));
        match self {
            Self::Alias(_) => files.any(|file| file == ".luaurc"),
            // Two files of one module are in each other's way: either of them may be named.
            Self::File(path, _) => {
                files.any(|file| without_init(stem_of(file)) == without_init(stem_of(path)))
            }
        }
    }
}

impl Files {
    /// The files after a change.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::File(path, Some(text)) => drop(self.texts.insert(path, text)),
            Change::File(path, None) => drop(self.texts.remove(&path)),
            Change::Alias(folder) => self.alias = folder,
        }
    }
}

/// The files of a folder, by their names in it.
type Folder = Vec<(String, Rc<Text>)>;

/// The folder `lua/`, and one beside it in which files are made ready.
pub(crate) struct Disk {
    lua: PathBuf,
    beside: PathBuf,
    pub(crate) files: Files,
    /// What each file said before.
    former: BTreeMap<String, Vec<Rc<Text>>>,
    /// The files of each folder of [`FOLDERS`] that is not in `lua/`, by their names in it.
    outside: [Option<Folder>; FOLDERS.len()],
    texts: u32,
    fences: usize,
}

impl Disk {
    /// The files with which each run begins.
    pub(crate) fn new(root: &Path) -> Self {
        let mut disk = Self {
            lua: root.join("lua"),
            beside: root.join("beside"),
            files: Files::default(),
            former: BTreeMap::new(),
            outside: [const { None }; FOLDERS.len()],
            texts: 0,
            fences: 0,
        };
        for folder in PLACES {
            fs::create_dir_all(disk.lua.join(folder)).unwrap();
        }
        fs::create_dir_all(&disk.beside).unwrap();
        disk.alias(Some("utils"));
        disk.fence();
        let (file, alias) = (Target::File, Target::Alias);
        let begin: [(&str, &[Target]); 12] = [
            ("cogs/a", &[file(7), file(8)]),
            ("cogs/b", &[alias(0), file(9)]),
            ("cogs/fun/d", &[file(12), file(8)]),
            ("cogs/pack/init", &[Target::Part]),
            ("cogs/pack/part", &[file(11)]),
            ("utils/x", &[file(8)]),
            ("utils/y", &[file(11)]),
            ("utils/z", &[]),
            ("utils/deep/p", &[file(13)]),
            ("utils/deep/q", &[]),
            ("services/s", &[]),
            ("services/x", &[]),
        ];
        for (stem, uses) in begin {
            let draft = Draft {
                uses: uses.to_vec(),
                late: uses.first().copied(),
                fault: 0,
                steals: None,
            };
            let path = format!("{stem}.luau");
            let text = disk.text(&path, &draft);
            disk.save(path, text, How::Replaced);
        }
        let mut anchor = disk.text("cogs/anchor.luau", &Draft::default());
        anchor.command = Some(ANCHOR.to_owned());
        disk.save("cogs/anchor.luau".to_owned(), anchor, How::Replaced);
        disk
    }

    /// Makes an edit, unless there is nothing to be edited.
    pub(crate) fn edit(&mut self, edit: &Edit) -> Vec<Change> {
        match edit {
            Edit::Save(file, form, draft, how) => {
                let Some(path) = self.path(FILES[*file], *form) else {
                    return Vec::new();
                };
                let text = self.text(&path, draft);
                self.save(path, text, *how)
            }
            Edit::Again(file, how) => {
                let known = self.existing(FILES[*file]);
                let known = known.map(|path| (path.clone(), Text::clone(&self.files.texts[&path])));
                known.map_or_else(Vec::new, |(path, text)| self.save(path, text, *how))
            }
            Edit::Undo(file, how) => {
                let path = self.path(FILES[*file], Form::Same);
                let former = path.and_then(|path| Some((self.former.get_mut(&path)?.pop()?, path)));
                former.map_or_else(Vec::new, |(text, path)| {
                    self.save(path, Text::clone(&text), *how)
                })
            }
            Edit::Delete(file) => {
                // The other one than what is renamed, where two are in each other's way.
                let known = self.all_existing(FILES[*file]).pop();
                known.map_or_else(Vec::new, |path| self.delete(path))
            }
            Edit::Move(from, to) => {
                let to = self.path(FILES[*to], Form::Same);
                self.rename(self.existing(FILES[*from]), to)
            }
            Edit::Swap(file, form) => {
                let to = self.path(FILES[*file], *form);
                self.rename(self.existing(FILES[*file]), to)
            }
            Edit::Alias(folder) => self.alias(folder.map(|folder| ALIASES[folder])),
        }
    }

    /// The files of this module that are there.
    fn all_existing(&self, stem: &str) -> Vec<String> {
        let endings = [".luau", "/init.luau", ".lua"];
        let paths = endings.iter().map(|ending| format!("{stem}{ending}"));
        paths
            .filter(|path| self.files.texts.contains_key(path))
            .collect()
    }

    fn existing(&self, stem: &str) -> Option<String> {
        self.all_existing(stem).into_iter().next()
    }

    /// Where a module is to be saved; nothing if that folder is not there.
    fn path(&self, stem: &str, form: Form) -> Option<String> {
        let path = match form {
            Form::Same => self
                .existing(stem)
                .unwrap_or_else(|| format!("{stem}.luau")),
            Form::Init if self.lua.join(stem).is_dir() => format!("{stem}/init.luau"),
            Form::Luau | Form::Init => format!("{stem}.luau"),
            Form::Lua => format!("{stem}.lua"),
        };
        self.lua.join(folder_of(&path)).is_dir().then_some(path)
    }

    fn text(&mut self, path: &str, draft: &Draft) -> Text {
        self.texts += 1;
        let stem = stem_of(path);
        let index = FILES.iter().position(|file| *file == without_init(stem));
        let command = stem.starts_with("cogs/").then(|| {
            let stem = draft.steals.map_or(without_init(stem), |file| FILES[file]);
            stem.rsplit('/').next().unwrap().to_owned()
        });
        let uses = draft.uses.iter().filter_map(|target| {
            let optional = matches!(target, Target::Optional(_));
            let request = self.request(stem, index.unwrap_or(0), *target)?;
            Some(Use { request, optional })
        });
        let late = draft
            .late
            .and_then(|target| self.request(stem, index.unwrap_or(0), target));
        Text {
            number: self.texts,
            uses: uses.collect(),
            late: late.filter(|_| command.is_some()),
            fault: match draft.fault {
                0 => Fault::None,
                1 => Fault::Syntax,
                2 => Fault::Begin,
                3 => Fault::Silent,
                4 if command.is_some() => Fault::OnLoad,
                _ => Fault::End,
            },
            command,
        }
    }

    /// How a module requires a target; `index` is its own number in [`FILES`]. Nothing for what could never
    /// be found.
    fn request(&self, stem: &str, index: usize, target: Target) -> Option<String> {
        let target = match target {
            Target::Part => return is_init(stem).then(|| "@self/part".to_owned()),
            Target::Alias(file) => return Some(format!("@u/{}", ALIASED[file])),
            Target::Optional(file) => FILES[file],
            Target::File(file) if file < ENTRIES => FILES[file],
            // One that is there; what is behind a module, so that not every other graph has a cycle.
            Target::File(file) => {
                let first = if index < ENTRIES {
                    file
                } else {
                    file.max(index + 1)
                };
                let mut behind = FILES[first..].iter();
                behind.find(|stem| self.existing(stem).is_some())?
            }
        };
        let folder = folder_of(stem);
        let base = if is_init(stem) {
            folder_of(folder)
        } else {
            folder
        };
        Some(match target.strip_prefix(&format!("{base}/")) {
            Some(rest) => format!("./{rest}"),
            None => format!("{}{target}", "../".repeat(base.split('/').count())),
        })
    }

    fn save(&mut self, path: String, text: Text, how: How) -> Vec<Change> {
        self.put(&path, &text.source(), how);
        let text = Rc::new(text);
        let before = self.files.texts.insert(path.clone(), Rc::clone(&text));
        self.former.entry(path.clone()).or_default().extend(before);
        vec![Change::File(path, Some(text))]
    }

    fn put(&self, path: &str, text: &str, how: How) {
        let place = self.lua.join(path);
        match how {
            How::InPlace => fs::write(place, text).unwrap(),
            How::Replaced => {
                let ready = self.beside.join("ready");
                fs::write(&ready, text).unwrap();
                fs::rename(ready, place).unwrap();
            }
        }
    }

    fn delete(&mut self, path: String) -> Vec<Change> {
        fs::remove_file(self.lua.join(&path)).unwrap();
        let before = self.files.texts.remove(&path);
        self.former.entry(path.clone()).or_default().extend(before);
        vec![Change::File(path, None)]
    }

    fn rename(&mut self, from: Option<String>, to: Option<String>) -> Vec<Change> {
        let (Some(from), Some(to)) = (from, to) else {
            return Vec::new();
        };
        if from == to {
            return Vec::new();
        }
        fs::rename(self.lua.join(&from), self.lua.join(&to)).unwrap();
        let text = self.files.texts.remove(&from).unwrap();
        self.files.texts.insert(to.clone(), Rc::clone(&text));
        vec![Change::File(from, None), Change::File(to, Some(text))]
    }

    fn alias(&mut self, folder: Option<&str>) -> Vec<Change> {
        let luaurc = ".luaurc";
        match folder {
            Some(folder) => {
                let text = format!("{{ \"aliases\": {{ \"u\": \"{folder}\" }} }}");
                self.put(luaurc, &text, How::Replaced);
            }
            None if self.files.alias.is_some() => fs::remove_file(self.lua.join(luaurc)).unwrap(),
            None => {}
        }
        self.files.alias = folder.map(str::to_owned);
        vec![Change::Alias(self.files.alias.clone())]
    }

    /// Moves a whole folder.
    pub(crate) fn move_folder(&mut self, folder: usize, way: Way) -> Vec<Change> {
        let (one, other) = FOLDERS[folder];
        let outside = self.beside.join(folder.to_string());
        if let Some(files) = self.outside[folder].take() {
            fs::rename(outside, self.lua.join(one)).unwrap();
            return self.put_into(one, files);
        }
        let is_other = self.lua.join(other).is_dir();
        let (from, to) = if is_other { (other, one) } else { (one, other) };
        let mut changes = Vec::new();
        let mut files = Vec::new();
        let prefix = format!("{from}/");
        for (path, text) in self.files.texts.clone() {
            if let Some(name) = path.strip_prefix(&prefix) {
                files.push((name.to_owned(), text));
                self.files.texts.remove(&path);
                changes.push(Change::File(path, None));
            }
        }
        if way == Way::Outside {
            fs::rename(self.lua.join(from), outside).unwrap();
            self.outside[folder] = Some(files);
            return changes;
        }
        fs::rename(self.lua.join(from), self.lua.join(to)).unwrap();
        changes.extend(self.put_into(to, files));
        changes
    }

    fn put_into(&mut self, folder: &str, files: Vec<(String, Rc<Text>)>) -> Vec<Change> {
        let put = files.into_iter().map(|(name, text)| {
            let path = format!("{folder}/{name}");
            self.files.texts.insert(path.clone(), Rc::clone(&text));
            Change::File(path, Some(text))
        });
        put.collect()
    }

    /// Saves a file that can be no module and that nobody uses, broken in another line than before. The
    /// report that names the place tells that everything before has been noticed. It is no part of any
    /// transaction.
    pub(crate) fn fence(&mut self) -> String {
        self.fences = self.fences % 50 + 1;
        // As UTF-16 half of the bytes would be zero.
        let text = format!("{}\0-- the bytes of a text\n", "\n".repeat(self.fences));
        self.put("data/fence.luau", &text, How::Replaced);
        format!(
            "lua/data/fence.luau contains a zero byte in line {};",
            self.fences + 1
        )
    }
}
