//! Components: which may be in which, how many there may be, and that no two have one id.

use super::fields::{check_fields, is_select};
use super::kinds::{
    BUTTON, CHANNELS, CHECKBOX, CHECKBOX_GROUP, CONTAINER, FILE, FILE_UPLOAD, GALLERY, LABEL,
    MENTIONABLES, RADIO_GROUP, ROLES, ROW, SECTION, SEPARATOR, STRING_SELECT, TEXT, TEXT_INPUT,
    THUMBNAIL, USERS, kind, named,
};
use super::{MISPLACED, MOST_FAULTS, violation};
use crate::discord::arguments::push_step;
use crate::discord::schema::{Violation, got};
use crate::hash::HashMap;
use serde_json::Value;

/// Components of a message, those in others included.
const MOST: usize = 40;
/// Rows of a message that is not of components alone.
const MOST_ROWS: usize = 5;
/// Characters of all texts of a message of components alone.
const MOST_TEXT: usize = 4_000;
/// No component that Discord takes is half as deep.
const DEEPEST: usize = 12;
/// What is beyond so many components is not looked into, and after so many faults nothing is: there may be very many.
const MOST_WALKED: usize = 1_000;

/// A place for components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The top of a message.
    V1,
    /// The top of a message of components alone.
    V2,
    /// The top of a modal.
    Modal,
    /// A row of a message, and of a modal.
    Row,
    RowOfModal,
    Section,
    Accessory,
    Container,
    Label,
    /// Not known yet: one component by itself.
    Anywhere,
}

impl Slot {
    /// The kinds that may be there.
    fn takes(self) -> &'static [u64] {
        match self {
            Self::V1 => &[ROW],
            Self::V2 => &[ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER],
            Self::Modal => &[LABEL, TEXT, ROW],
            Self::Row => &[BUTTON, STRING_SELECT, USERS, ROLES, MENTIONABLES, CHANNELS],
            Self::RowOfModal => &[TEXT_INPUT],
            Self::Section => &[TEXT],
            Self::Accessory => &[BUTTON, THUMBNAIL],
            Self::Container => &[ROW, TEXT, SECTION, GALLERY, FILE, SEPARATOR],
            Self::Label => &[
                TEXT_INPUT,
                STRING_SELECT,
                USERS,
                ROLES,
                MENTIONABLES,
                CHANNELS,
                FILE_UPLOAD,
                RADIO_GROUP,
                CHECKBOX_GROUP,
                CHECKBOX,
            ],
            Self::Anywhere => &[],
        }
    }

    /// Whether what is there belongs to a modal, or is not known to be one of a message's.
    fn of_modal(self) -> bool {
        matches!(self, Self::Modal | Self::RowOfModal | Self::Label)
    }
}

/// Walks through components.
#[derive(Default)]
pub(super) struct Components<'a> {
    faults: Vec<Violation>,
    path: Vec<String>,
    count: usize,
    text: usize,
    /// Where each id was first.
    custom_ids: HashMap<&'a str, String>,
    ids: HashMap<u64, String>,
}

impl<'a> Components<'a> {
    /// What is wrong with the components at the top of a message or a modal.
    pub(super) fn check_list(slot: Slot, components: &'a [Value]) -> Vec<Violation> {
        let mut check = Self::default();
        check.path.push("components".to_owned());
        check.list(slot, components);
        if slot == Slot::V1 && components.len() > MOST_ROWS {
            let message = format!("Must be {MOST_ROWS} or fewer in length.");
            let expected = format!("at most {MOST_ROWS} rows");
            check.fault(
                "BASE_TYPE_MAX_LENGTH",
                message,
                expected,
                components.len().to_string(),
            );
        }
        check.sums();
        check.faults
    }

    /// What is wrong with one component.
    pub(super) fn check_one(component: &'a Value) -> Vec<Violation> {
        let mut check = Self::default();
        check.component(Slot::Anywhere, component);
        check.sums();
        check.faults
    }

    fn sums(&mut self) {
        if self.count > MOST {
            let message = format!("The total number of components must be {MOST} or fewer.");
            let expected = format!("at most {MOST} components, with those inside of others");
            let got = self.count.to_string();
            self.fault(
                "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
                message,
                expected,
                got,
            );
        }
        if self.text > MOST_TEXT {
            let message =
                format!("Components displayable text size exceeds maximum size of {MOST_TEXT}");
            let expected = format!("at most {MOST_TEXT} characters in all texts together");
            let got = self.text.to_string();
            self.fault(
                "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
                message,
                expected,
                got,
            );
        }
    }

    fn list(&mut self, slot: Slot, components: &'a [Value]) {
        for (index, component) in components.iter().enumerate() {
            self.path.push(index.to_string());
            self.component(slot, component);
            self.path.pop();
        }
    }

    fn component(&mut self, slot: Slot, component: &'a Value) {
        self.count += 1;
        if self.count > MOST_WALKED || self.faults.len() >= MOST_FAULTS {
            return;
        }
        let kind = kind(component);
        let fits = kind.is_some_and(|kind| slot.takes().contains(&kind.id));
        if slot != Slot::Anywhere && !fits {
            return self.misplaced(slot, component);
        }
        let Some(kind) = kind.filter(|_| self.path.len() <= DEEPEST) else {
            return;
        };
        self.unique(component);
        for fault in check_fields(kind.id, slot == Slot::Label, component) {
            self.add(fault);
        }
        let inside = |name: &str| component.get(name);
        match kind.id {
            ROW => self.row(slot, component),
            SECTION => {
                self.children(Slot::Section, component);
                self.child("accessory", Slot::Accessory, inside("accessory"));
            }
            CONTAINER => self.children(Slot::Container, component),
            LABEL => self.child("component", Slot::Label, inside("component")),
            TEXT => {
                let text = inside("content").and_then(Value::as_str);
                self.text += text.map_or(0, |text| text.chars().count());
            }
            _ => {}
        }
    }

    fn misplaced(&mut self, slot: Slot, component: &Value) {
        let takes = slot.takes();
        let choices: Vec<String> = takes.iter().map(ToString::to_string).collect();
        let message = format!(
            "Value of field \"type\" must be one of ({}).",
            choices.join(", ")
        );
        let found = match kind(component) {
            Some(kind) => kind.name.to_owned(),
            None => match component.get("type") {
                Some(given) => format!("one whose type is {}", got(given)),
                None => got(component),
            },
        };
        self.path.push("type".to_owned());
        self.fault(MISPLACED, message, named(takes), found);
        self.path.pop();
    }

    fn row(&mut self, slot: Slot, row: &'a Value) {
        let children = children(row);
        let selects = children.iter().filter(|child| is_select(child)).count();
        if selects > 0 && children.len() > 1 {
            self.path.push("components".to_owned());
            let message = "The number of components in this row exceeds its width.";
            let expected = "up to 5 buttons, or one select alone";
            let found = format!("{} components, a select among them", children.len());
            self.fault("COMPONENT_LAYOUT_WIDTH_EXCEEDED", message, expected, found);
            self.path.pop();
        }
        let is_input = |child: &Value| kind(child).is_some_and(|it| it.id == TEXT_INPUT);
        let inputs = slot == Slot::Anywhere && children.iter().any(is_input);
        let inside = if slot.of_modal() || inputs {
            Slot::RowOfModal
        } else {
            Slot::Row
        };
        self.children(inside, row);
    }

    fn children(&mut self, slot: Slot, component: &'a Value) {
        self.path.push("components".to_owned());
        self.list(slot, children(component));
        self.path.pop();
    }

    fn child(&mut self, name: &str, slot: Slot, child: Option<&'a Value>) {
        if let Some(child) = child.filter(|child| child.is_object()) {
            self.path.push(name.to_owned());
            self.component(slot, child);
            self.path.pop();
        }
    }

    /// No two components of a message have one id.
    fn unique(&mut self, component: &'a Value) {
        if let Some(custom_id) = component.get("custom_id").and_then(Value::as_str) {
            let here = self.shown_path();
            if let Some(first) = self.custom_ids.get(custom_id) {
                let found = format!("{}, which {first} has, too", got(&custom_id.into()));
                let message = "Component custom id cannot be duplicated";
                let code = "COMPONENT_CUSTOM_ID_DUPLICATED";
                let expected = "an id of its own";
                self.add(violation("custom_id", code, message, expected, found));
            } else {
                self.custom_ids.insert(custom_id, here);
            }
        }
        // Discord gives an id of its own to those that have none, or 0.
        let id = component.get("id").and_then(Value::as_u64);
        if let Some(id) = id.filter(|id| *id > 0) {
            let here = self.shown_path();
            if let Some(first) = self.ids.get(&id) {
                let found = format!("{id}, which {first} has, too");
                let message = "Component id cannot be duplicated";
                let code = "COMPONENT_ID_DUPLICATED";
                self.add(violation("id", code, message, "a number of its own", found));
            } else {
                self.ids.insert(id, here);
            }
        }
    }

    fn shown_path(&self) -> String {
        let mut shown = String::new();
        for step in &self.path {
            push_step(&mut shown, step);
        }
        if shown.is_empty() {
            shown.push_str("it");
        }
        shown
    }

    /// Adds a fault whose path begins here.
    fn add(&mut self, mut fault: Violation) {
        let mut path = self.path.clone();
        path.append(&mut fault.path);
        self.faults.push(Violation { path, ..fault });
    }

    fn fault(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.faults.push(Violation {
            path: self.path.clone(),
            code,
            message: message.into(),
            expected: expected.into(),
            got: got.into(),
        });
    }
}

fn children(component: &Value) -> &[Value] {
    let inside = component.get("components").and_then(Value::as_array);
    inside.map_or(&[], Vec::as_slice)
}
