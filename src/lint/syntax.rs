//! A file as the checks see it: variables, calls and blocks, with the places of names. What no check asks for
//! (operators, numbers, types) is there as the expressions inside of it.

/// A part of one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Span {
    /// Counted from 1.
    pub(super) line: u32,
    /// The first character, counted from 1.
    pub(super) from: u32,
    /// The character after the last one.
    pub(super) to: u32,
}

/// A word of the source: a variable, a field, a text without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum Expression {
    /// A variable.
    Variable(Name),
    /// `a.b`, and `a["b"]`
    Field(Box<Expression>, Name),
    /// `a[b]`
    Index(Box<Expression>, Box<Expression>),
    Call(Box<Call>),
    /// A text that is written out in one line.
    Text(Name),
    Table(Vec<Entry>),
    Function(Box<Function>),
    /// `true`
    True,
    /// Anything else, with what is inside of it.
    Other(Vec<Expression>),
}

/// `callee(arguments)`, or with a method `callee:method(arguments)`.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) callee: Expression,
    pub(super) method: Option<Name>,
    pub(super) arguments: Vec<Expression>,
}

/// An entry of a table that is written out.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) value: Expression,
}

#[derive(Debug)]
pub(super) enum Key {
    /// `name = …`, and `["name"] = …`
    Name(Name),
    /// `[expression] = …`
    Computed(Expression),
    /// An item of a list.
    None,
}

#[derive(Debug)]
pub(super) struct Function {
    /// Without `...`; a method's begin with `self`, which has no place of its own.
    pub(super) parameters: Vec<Name>,
    /// What the types of parameters and results name.
    pub(super) types: Vec<Expression>,
    pub(super) body: Block,
}

/// Statements, each with the place at which it begins.
pub(super) type Block = Vec<(Span, Statement)>;

#[derive(Debug)]
pub(super) enum Statement {
    Local {
        names: Vec<Name>,
        values: Vec<Expression>,
    },
    LocalFunction(Name, Function),
    /// `function a.b() … end`; for a function without dots its target is a variable.
    Function(Expression, Function),
    Assign {
        targets: Vec<Expression>,
        values: Vec<Expression>,
    },
    /// `target += value`
    Compound(Expression, Expression),
    Call(Expression),
    Do(Block),
    While(Expression, Block),
    Repeat(Block, Expression),
    If {
        branches: Vec<Branch>,
        otherwise: Option<Block>,
    },
    /// Both kinds of `for`.
    For {
        names: Vec<Name>,
        values: Vec<Expression>,
        body: Block,
    },
    Return(Vec<Expression>),
    Break,
    Continue,
    /// A declaration of a type, with the variables that it names.
    Type(Vec<Expression>),
}

/// `if condition then`, and `if local name = condition then`
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) binding: Option<Name>,
    pub(super) condition: Expression,
    pub(super) block: Block,
}

impl Expression {
    /// What stands in a table under a name.
    pub(super) fn entry(&self, name: &str) -> Option<&Expression> {
        let Self::Table(entries) = self else {
            return None;
        };
        entries.iter().find_map(|entry| match &entry.key {
            Key::Name(key) if key.text == name => Some(&entry.value),
            _ => None,
        })
    }

    /// The items of a table that is a list, or the only thing that is there.
    pub(super) fn items(&self) -> Box<dyn Iterator<Item = &Expression> + '_> {
        match self {
            Self::Table(entries) => Box::new(entries.iter().map(|entry| &entry.value)),
            other => Box::new(std::iter::once(other)),
        }
    }

    /// The text that is written out here.
    pub(super) fn text(&self) -> Option<&Name> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The expressions directly inside of it, apart from a function's body.
    pub(super) fn children(&self) -> Vec<&Expression> {
        match self {
            Self::Variable(_) | Self::Text(_) | Self::True => Vec::new(),
            Self::Field(of, _) => vec![of],
            Self::Index(of, key) => vec![of, key],
            Self::Call(call) => std::iter::once(&call.callee)
                .chain(&call.arguments)
                .collect(),
            Self::Table(entries) => entries.iter().flat_map(Entry::expressions).collect(),
            Self::Function(function) => function.types.iter().collect(),
            Self::Other(inner) => inner.iter().collect(),
        }
    }
}

impl Entry {
    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let key = match &self.key {
            Key::Computed(key) => Some(key),
            Key::Name(_) | Key::None => None,
        };
        key.into_iter().chain([&self.value])
    }
}

impl Statement {
    /// The expressions directly in it, and the blocks directly below it, those of functions left out.
    pub(super) fn parts(&self) -> (Vec<&Expression>, Vec<&Block>) {
        match self {
            Self::Local { values, .. } | Self::Return(values) | Self::Type(values) => {
                (values.iter().collect(), Vec::new())
            }
            Self::LocalFunction(_, function) => {
                (function.types.iter().collect(), vec![&function.body])
            }
            Self::Function(target, function) => {
                let inner = std::iter::once(target).chain(&function.types);
                (inner.collect(), vec![&function.body])
            }
            Self::Assign { targets, values } => {
                (targets.iter().chain(values).collect(), Vec::new())
            }
            Self::Compound(target, value) => (vec![target, value], Vec::new()),
            Self::Call(call) => (vec![call], Vec::new()),
            Self::Do(block) => (Vec::new(), vec![block]),
            Self::While(condition, block) | Self::Repeat(block, condition) => {
                (vec![condition], vec![block])
            }
            Self::If {
                branches,
                otherwise,
            } => {
                let conditions = branches.iter().map(|branch| &branch.condition);
                let blocks = branches.iter().map(|branch| &branch.block);
                (conditions.collect(), blocks.chain(otherwise).collect())
            }
            Self::For { values, body, .. } => (values.iter().collect(), vec![body]),
            Self::Break | Self::Continue => (Vec::new(), Vec::new()),
        }
    }
}

/// Calls `look` with every expression of a block, the outer one before those inside of it.
pub(super) fn each<'a>(block: &'a Block, look: &mut dyn FnMut(&'a Expression)) {
    for (_, statement) in block {
        let (expressions, blocks) = statement.parts();
        for expression in expressions {
            each_in(expression, look);
        }
        for block in blocks {
            each(block, look);
        }
    }
}

/// The same with an expression and what is inside of it.
pub(super) fn each_in<'a>(expression: &'a Expression, look: &mut dyn FnMut(&'a Expression)) {
    look(expression);
    for inner in expression.children() {
        each_in(inner, look);
    }
    if let Expression::Function(function) = expression {
        each(&function.body, look);
    }
}
