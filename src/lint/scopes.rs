//! Which variable each name means: Luau's scopes.

use super::syntax::{Block, Branch, Call, Expression, Function, Key, Name, Span, Statement};
use std::collections::HashMap;

/// What brought a variable into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `local x`, and `if local x = …`
    Local,
    /// `local function f`
    Function,
    /// A parameter, or a variable of a `for`.
    Given,
}

#[derive(Debug)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a Name,
    pub(super) kind: Kind,
    /// What it is declared with.
    pub(super) value: Option<&'a Expression>,
    /// Where it is read.
    pub(super) reads: Vec<Span>,
    /// Where a variable of the same function is declared that has its name and is hidden by it.
    pub(super) hides: Option<Span>,
    /// How many functions it is inside of.
    depth: usize,
}

/// The variables of a file.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    pub(super) variables: Vec<Variable<'a>>,
    /// Names that are no variable's, where they are read.
    pub(super) globals_read: Vec<&'a Name>,
    /// The same where something is assigned to them.
    pub(super) globals_assigned: Vec<&'a Name>,
    /// The variables by the places at which they are named.
    named: HashMap<Span, usize>,
    visible: Vec<HashMap<&'a str, usize>>,
    depth: usize,
}

impl<'a> Scopes<'a> {
    pub(super) fn of(block: &'a Block) -> Self {
        let mut scopes = Self::default();
        scopes.block(block, &[]);
        scopes
    }

    /// The variable that is named at this place.
    pub(super) fn variable(&self, name: &Name) -> Option<&Variable<'a>> {
        self.named
            .get(&name.span)
            .map(|index| &self.variables[*index])
    }

    fn find(&self, name: &str) -> Option<usize> {
        let mut scopes = self.visible.iter().rev();
        scopes.find_map(|scope| scope.get(name)).copied()
    }

    fn declare(&mut self, name: &'a Name, kind: Kind, value: Option<&'a Expression>) {
        let hidden = self.find(&name.text).map(|index| &self.variables[index]);
        let hides = hidden.filter(|hidden| hidden.depth == self.depth);
        let hides = hides.map(|hidden| hidden.name.span);
        let index = self.variables.len();
        self.variables.push(Variable {
            name,
            kind,
            value,
            reads: Vec::new(),
            hides,
            depth: self.depth,
        });
        if let Some(scope) = self.visible.last_mut() {
            scope.insert(&name.text, index);
        }
    }

    /// A block in a scope of its own, in which these are declared first.
    fn block(&mut self, block: &'a Block, given: &[(&'a Name, Kind)]) {
        self.visible.push(HashMap::new());
        for (name, kind) in given {
            self.declare(name, *kind, None);
        }
        for (_, statement) in block {
            self.statement(statement);
        }
        self.visible.pop();
    }

    fn function(&mut self, function: &'a Function) {
        self.read_all(&function.types);
        self.depth += 1;
        let given = function.parameters.iter().map(|name| (name, Kind::Given));
        let given: Vec<_> = given.collect();
        self.block(&function.body, &given);
        self.depth -= 1;
    }

    fn statement(&mut self, statement: &'a Statement) {
        match statement {
            Statement::Local { names, values } => {
                self.read_all(values);
                for (index, name) in names.iter().enumerate() {
                    self.declare(name, Kind::Local, values.get(index));
                }
            }
            Statement::LocalFunction(name, function) => {
                self.declare(name, Kind::Function, None);
                self.function(function);
            }
            Statement::Function(target, function) => {
                self.assign(target);
                self.function(function);
            }
            Statement::Assign { targets, values } => {
                self.read_all(values);
                for target in targets {
                    self.assign(target);
                }
            }
            Statement::Compound(target, value) => {
                self.read(target);
                self.read(value);
            }
            Statement::Call(call) => self.read(call),
            Statement::Do(block) => self.block(block, &[]),
            Statement::While(condition, block) => {
                self.read(condition);
                self.block(block, &[]);
            }
            Statement::Repeat(block, until) => {
                // The condition sees what the block declares.
                self.visible.push(HashMap::new());
                for (_, inner) in block {
                    self.statement(inner);
                }
                self.read(until);
                self.visible.pop();
            }
            Statement::If {
                branches,
                otherwise,
            } => {
                for branch in branches {
                    self.branch(branch);
                }
                if let Some(block) = otherwise {
                    self.block(block, &[]);
                }
            }
            Statement::For {
                names,
                values,
                body,
            } => {
                self.read_all(values);
                let given: Vec<_> = names.iter().map(|name| (name, Kind::Given)).collect();
                self.block(body, &given);
            }
            Statement::Return(values) | Statement::Type(values) => self.read_all(values),
            Statement::Break | Statement::Continue => {}
        }
    }

    fn branch(&mut self, branch: &'a Branch) {
        self.read(&branch.condition);
        let binding = branch.binding.as_ref().map(|name| (name, Kind::Local));
        let binding: Vec<_> = binding.into_iter().collect();
        self.block(&branch.block, &binding);
    }

    fn assign(&mut self, target: &'a Expression) {
        let Expression::Variable(name) = target else {
            self.read(target);
            return;
        };
        match self.find(&name.text) {
            Some(index) => {
                self.named.insert(name.span, index);
            }
            None => self.globals_assigned.push(name),
        }
    }

    fn read_all(&mut self, all: &'a [Expression]) {
        for expression in all {
            self.read(expression);
        }
    }

    fn read(&mut self, expression: &'a Expression) {
        match expression {
            Expression::Variable(name) => match self.find(&name.text) {
                Some(index) => {
                    self.variables[index].reads.push(name.span);
                    self.named.insert(name.span, index);
                }
                None => self.globals_read.push(name),
            },
            Expression::Function(function) => self.function(function),
            Expression::Call(call) => self.call(call),
            Expression::Table(entries) => {
                for entry in entries {
                    if let Key::Computed(key) = &entry.key {
                        self.read(key);
                    }
                    self.read(&entry.value);
                }
            }
            other => {
                for inner in other.children() {
                    self.read(inner);
                }
            }
        }
    }

    fn call(&mut self, call: &'a Call) {
        self.read(&call.callee);
        self.read_all(&call.arguments);
    }
}
