//! What is wrong with a definition, and where in it.

use super::definition::CommandDefinition;
use std::fmt;

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The words that call the command (`tag add`).
    pub command: String,
    /// The field in the author's table (`options.count.min`).
    pub field: String,
    /// What it must be, as the rest of a sentence that begins with the field.
    pub says: String,
    /// File and line of the command's declaration.
    pub place: Option<(String, u32)>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            field,
            says,
            ..
        } = self;
        write!(formatter, "in the command \"{command}\", `{field}` {says}")
    }
}

/// Where a complaint belongs.
pub(super) struct Visit<'a> {
    complaints: &'a mut Vec<Complaint>,
    command: String,
    place: Option<(String, u32)>,
    /// Whether Discord's limits bind.
    pub(super) slash: bool,
}

impl<'a> Visit<'a> {
    /// The command at the root.
    pub(super) fn of(definition: &CommandDefinition, complaints: &'a mut Vec<Complaint>) -> Self {
        Self {
            complaints,
            command: definition.name.clone(),
            place: definition.place.clone(),
            slash: definition.slash,
        }
    }

    /// A command below this one.
    pub(super) fn subcommand(&mut self, definition: &CommandDefinition) -> Visit<'_> {
        Visit {
            complaints: &mut *self.complaints,
            command: format!("{} {}", self.command, definition.name),
            place: definition.place.clone().or_else(|| self.place.clone()),
            slash: self.slash && definition.slash,
        }
    }

    /// Adds a complaint.
    pub(super) fn complain(&mut self, field: impl Into<String>, says: impl Into<String>) {
        self.complaints.push(Complaint {
            command: self.command.clone(),
            field: field.into(),
            says: says.into(),
            place: self.place.clone(),
        });
    }

    /// Adds a complaint if something is wrong.
    pub(super) fn complain_if(&mut self, wrong: bool, field: &str, says: &str) {
        if wrong {
            self.complain(field, says);
        }
    }
}
