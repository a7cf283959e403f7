//! All kinds of components, one line each: <https://docs.discord.com/developers/components/reference>.

use serde_json::Value;

/// A kind of component.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Discord's number for it.
    pub id: u64,
    /// As errors call one: `a button`.
    pub name: &'static str,
    /// Whether a message that has it at its top is one of components alone.
    pub is_v2: bool,
}

const fn old(id: u64, name: &'static str) -> Kind {
    Kind {
        id,
        name,
        is_v2: false,
    }
}

const fn new(id: u64, name: &'static str) -> Kind {
    Kind {
        is_v2: true,
        ..old(id, name)
    }
}

pub(super) const ROW: u64 = 1;
pub(super) const BUTTON: u64 = 2;
pub(super) const STRING_SELECT: u64 = 3;
pub(super) const TEXT_INPUT: u64 = 4;
pub(super) const USERS: u64 = 5;
pub(super) const ROLES: u64 = 6;
pub(super) const MENTIONABLES: u64 = 7;
pub(super) const CHANNELS: u64 = 8;
pub(super) const SECTION: u64 = 9;
pub(super) const TEXT: u64 = 10;
pub(super) const THUMBNAIL: u64 = 11;
pub(super) const GALLERY: u64 = 12;
pub(super) const FILE: u64 = 13;
pub(super) const SEPARATOR: u64 = 14;
pub(super) const CONTAINER: u64 = 17;
pub(super) const LABEL: u64 = 18;
pub(super) const FILE_UPLOAD: u64 = 19;
pub(super) const RADIO_GROUP: u64 = 21;
pub(super) const CHECKBOX_GROUP: u64 = 22;
pub(super) const CHECKBOX: u64 = 23;

/// The selects, by what is chosen: texts, users, roles, users and roles, channels.
pub(super) const SELECTS: [u64; 5] = [STRING_SELECT, USERS, ROLES, MENTIONABLES, CHANNELS];

const KINDS: [Kind; 20] = [
    old(ROW, "a row"),
    old(BUTTON, "a button"),
    old(STRING_SELECT, "a select"),
    old(TEXT_INPUT, "a text input"),
    old(USERS, "a select of users"),
    old(ROLES, "a select of roles"),
    old(MENTIONABLES, "a select of users and roles"),
    old(CHANNELS, "a select of channels"),
    new(SECTION, "a section"),
    new(TEXT, "a text"),
    new(THUMBNAIL, "a thumbnail"),
    new(GALLERY, "a gallery"),
    new(FILE, "a file"),
    new(SEPARATOR, "a separator"),
    new(CONTAINER, "a container"),
    old(LABEL, "a label"),
    old(FILE_UPLOAD, "a file upload"),
    old(RADIO_GROUP, "a radio group"),
    old(CHECKBOX_GROUP, "a checkbox group"),
    old(CHECKBOX, "a checkbox"),
];

/// The kind of a component; nothing if it is none that Discord has.
pub fn kind(component: &Value) -> Option<&'static Kind> {
    let id = component.get("type")?.as_u64()?;
    KINDS.iter().find(|kind| kind.id == id)
}

/// The names of kinds, for errors: `a row, a file or a text`.
pub(super) fn named(ids: &[u64]) -> String {
    let is_select = |id: &u64| SELECTS.contains(id) && *id != STRING_SELECT;
    let ids = ids.iter().filter(|id| !is_select(id));
    let known = ids.filter_map(|id| KINDS.iter().find(|kind| kind.id == *id));
    let mut names: Vec<&str> = known.map(|kind| kind.name).collect();
    let last = names.pop().unwrap_or("nothing");
    if names.is_empty() {
        return last.to_owned();
    }
    format!("{} or {last}", names.join(", "))
}
