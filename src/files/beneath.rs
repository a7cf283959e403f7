//! Follows a path without ever leaving a folder.
//!
//! Each name is looked up in the folder that the names before it led to, and which is held open. A symlink is read
//! and its names take its place. Whatever is exchanged meanwhile, each step stays inside.

use super::{Facts, Folder, Kind, WalkEntry};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Symlinks that one path may lead over; the system's own number.
const MOST_LINKS: usize = 40;

/// The folder that no path leads out of.
#[derive(Debug)]
pub struct Root {
    folder: Arc<Folder>,
    /// Where it was when it was opened, without symlinks.
    path: PathBuf,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The folder that it is in, or that it is.
    pub folder: Arc<Folder>,
    /// Its name there; `.` for the folder itself.
    pub name: OsString,
    /// What it is; never a symlink.
    pub facts: Facts,
    /// Where it is below the root, without symlinks and with `/` between names. Nothing if a name is not UTF-8.
    pub real: Option<String>,
    /// Whether the path's last name was a symlink.
    pub is_link: bool,
    /// The symlinks on the way, by where they really are below the root: each may be exchanged by itself.
    pub via: Vec<String>,
}

impl Found {
    /// What a walk has found, which must not be a symlink.
    pub fn of(entry: &WalkEntry<'_>) -> io::Result<Self> {
        Ok(Self {
            folder: Arc::clone(entry.folder),
            name: entry.name.to_owned(),
            facts: entry.folder.look(entry.name)?,
            real: entry.path.to_str().map(|path| path.replace('\\', "/")),
            is_link: false,
            via: Vec::new(),
        })
    }
}

/// Why a path leads to nothing that could be read.
#[derive(Debug)]
pub enum Astray {
    /// Nothing is there.
    Gone,
    /// Its last name is a symlink to nothing.
    Broken,
    /// It leads out of the root.
    Outside,
    /// The system does not say.
    Unknown(io::Error),
}

impl Root {
    /// Opens the folder at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: Arc::new(Folder::open(path)?),
            path: path.canonicalize()?,
        })
    }

    /// The folder itself.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// What `path` (below the root, with `/` between names) leads to.
    pub fn find(&self, path: &str) -> Result<Found, Astray> {
        let names = path.split('/').filter(|name| !name.is_empty());
        let way = Way {
            root: self,
            entered: Vec::new(),
            ahead: names.map(OsString::from).collect(),
            is_link: false,
            via: Vec::new(),
            links: 0,
        };
        way.walk()
    }
}

/// A path that is being walked.
struct Way<'a> {
    root: &'a Root,
    /// The folders that were entered, with their names.
    entered: Vec<(OsString, Arc<Folder>)>,
    /// The names to come.
    ahead: VecDeque<OsString>,
    /// Whether the path's own last name is a symlink.
    is_link: bool,
    /// Where the symlinks so far are.
    via: Vec<String>,
    /// How many there were.
    links: usize,
}

impl Way<'_> {
    fn walk(mut self) -> Result<Found, Astray> {
        while let Some(name) = self.ahead.pop_front() {
            if name == ".." {
                if self.entered.pop().is_none() {
                    self.go_outside(Path::new(".."))?;
                }
                continue;
            }
            let facts = match self.folder().look(&name) {
                Ok(facts) => facts,
                Err(error) => return Err(self.astray(error)),
            };
            match facts.kind {
                Kind::Link => self.follow(name)?,
                _ if self.ahead.is_empty() => return Ok(self.found(name, facts)),
                // What is not a folder is told by the system.
                _ => self.enter(name)?,
            }
        }
        let facts = self.folder().facts().map_err(Astray::Unknown)?;
        Ok(self.found(".".into(), facts))
    }

    fn folder(&self) -> &Arc<Folder> {
        self.entered
            .last()
            .map_or(&self.root.folder, |(_, folder)| folder)
    }

    fn enter(&mut self, name: OsString) -> Result<(), Astray> {
        match self.folder().enter(&name) {
            Ok(folder) => {
                self.entered.push((name, Arc::new(folder)));
                Ok(())
            }
            Err(error) => Err(self.astray(error)),
        }
    }

    /// Puts the names of the symlink's target in front of those to come.
    fn follow(&mut self, name: OsString) -> Result<(), Astray> {
        self.links += 1;
        // Once the last name is a symlink, all that follows belongs to it.
        self.is_link |= self.ahead.is_empty();
        self.via.extend(self.place_of(&name));
        if self.links > MOST_LINKS {
            let words = "too many symlinks lead to one another";
            return Err(self.astray(io::Error::other(words)));
        }
        let target = match self.folder().link(&name) {
            Ok(target) => target,
            // It is none any more: it is looked at once more.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.ahead.push_front(name);
                return Ok(());
            }
            Err(error) => return Err(self.astray(error)),
        };
        if target.is_absolute() {
            return self.go_outside(&target);
        }
        self.put_ahead(&target);
        Ok(())
    }

    fn put_ahead(&mut self, path: &Path) {
        for part in path.components().rev() {
            match part {
                Component::Normal(name) => self.ahead.push_front(name.to_owned()),
                Component::ParentDir => self.ahead.push_front("..".into()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
    }

    /// A path that leaves the root may come back. Where the system says that it does, it is walked from the root on.
    fn go_outside(&mut self, path: &Path) -> Result<(), Astray> {
        let mut full = self.root.path.join(path);
        full.extend(self.ahead.drain(..));
        let real = full.canonicalize().map_err(|error| self.astray(error))?;
        let inside = real
            .strip_prefix(&self.root.path)
            .map_err(|_| Astray::Outside)?;
        self.links += 1;
        self.entered.clear();
        self.put_ahead(inside);
        Ok(())
    }

    fn found(self, name: OsString, facts: Facts) -> Found {
        Found {
            folder: Arc::clone(self.folder()),
            real: self.place_of(&name),
            name,
            facts,
            is_link: self.is_link,
            via: self.via,
        }
    }

    /// Where `name` in the present folder is below the root.
    fn place_of(&self, name: &OsStr) -> Option<String> {
        let names = self.entered.iter().map(|(name, _)| name.as_os_str());
        let own = (name != ".").then_some(name);
        let names: Option<Vec<&str>> = names.chain(own).map(OsStr::to_str).collect();
        names.map(|names| names.join("/"))
    }

    fn astray(&self, error: io::Error) -> Astray {
        let is_gone = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        match (self.is_link, is_gone) {
            (true, _) => Astray::Broken,
            (false, true) => Astray::Gone,
            (false, false) => Astray::Unknown(error),
        }
    }
}
