//! From a file's text to its syntax, with the parser `full_moon`.
//!
//! The linter that is built on it, `selene-lib`, would bring a second implementation of regular expressions, two more
//! parsers of configurations, and an older version of the parser; what a cog wants of the host it does not know either.

use super::syntax::{Block, Branch, Call, Entry, Expression, Function, Key, Name, Span, Statement};
use full_moon::LuaVersion;
use full_moon::ast::luau::{GenericDeclaration, TypeInfo, TypeSpecifier};
use full_moon::ast::punctuated::Punctuated;
use full_moon::ast::{
    self, Ast, FunctionArgs, Index, LastStmt, Parameter, Prefix, Stmt, Suffix, Var,
};
use full_moon::node::Node;
use full_moon::tokenizer::{StringLiteralQuoteType, TokenReference, TokenType};
use full_moon::visitors::{Visit, Visitor};

/// The blocks of a file, and its comments `--!…`. Nothing for a file that the parser does not understand: that it is
/// Luau at all is the compiler's to say.
pub(super) fn parse(text: &str) -> Option<(Block, Vec<String>)> {
    let parsed = full_moon::parse_fallible(text, LuaVersion::luau());
    if !parsed.errors().is_empty() {
        return None;
    }
    let ast = parsed.into_ast();
    let block = block(ast.nodes());
    Some((block, hot_comments(&ast)))
}

/// The comments before the first word of the file that tell Luau something: `strict` of `--!strict`.
fn hot_comments(ast: &Ast) -> Vec<String> {
    let first = ast.nodes().tokens().next().unwrap_or_else(|| ast.eof());
    let comments = first
        .leading_trivia()
        .filter_map(|token| match token.token_type() {
            TokenType::SingleLineComment { comment } => comment.strip_prefix('!'),
            _ => None,
        });
    comments.map(|comment| comment.trim().to_owned()).collect()
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn span(node: &impl Node) -> Span {
    let Some((from, to)) = node.range() else {
        return Span::default();
    };
    let line = number(from.line());
    let first = number(from.character());
    let last = if to.line() == from.line() {
        number(to.character()).max(first + 1)
    } else {
        // It goes on in the next line: its first word is marked.
        let token = node.tokens().next();
        token
            .and_then(Node::end_position)
            .map_or(first + 1, |end| number(end.character()))
    };
    Span {
        line,
        from: first,
        to: last,
    }
}

fn name(token: &TokenReference) -> Name {
    Name {
        text: token.token().to_string(),
        span: span(token),
    }
}

/// A text in quotes without escapes; nothing for any other.
fn plain_text(token: &TokenReference) -> Option<Name> {
    let TokenType::StringLiteral {
        literal,
        quote_type,
        ..
    } = token.token_type()
    else {
        return None;
    };
    let is_plain = *quote_type != StringLiteralQuoteType::Brackets && !literal.contains('\\');
    is_plain.then(|| Name {
        text: literal.to_string(),
        span: span(token),
    })
}

fn text(token: &TokenReference) -> Expression {
    plain_text(token).map_or_else(|| Expression::Other(Vec::new()), Expression::Text)
}

fn names(tokens: &Punctuated<TokenReference>) -> Vec<Name> {
    tokens.iter().map(name).collect()
}

fn expressions(all: &Punctuated<ast::Expression>) -> Vec<Expression> {
    all.iter().map(expression).collect()
}

fn block(block: &ast::Block) -> Block {
    let statements = block
        .stmts()
        .filter_map(|it| Some((span(it), statement(it)?)));
    let last = block.last_stmt().map(|it| (span(it), last_statement(it)));
    statements.chain(last).collect()
}

fn last_statement(last: &LastStmt) -> Statement {
    match last {
        LastStmt::Return(given) => Statement::Return(expressions(given.returns())),
        LastStmt::Continue(_) => Statement::Continue,
        _ => Statement::Break,
    }
}

fn statement(statement: &Stmt) -> Option<Statement> {
    Some(match statement {
        Stmt::Assignment(it) => Statement::Assign {
            targets: it.variables().iter().map(variable).collect(),
            values: expressions(it.expressions()),
        },
        Stmt::Do(it) => Statement::Do(block(it.block())),
        Stmt::FunctionCall(it) => Statement::Call(call(it)),
        Stmt::FunctionDeclaration(it) => {
            let path = it.name();
            let mut parts = path.names().iter();
            let first = Expression::Variable(name(parts.next()?));
            let method = path.method_name();
            let target = parts.chain(method).fold(first, |of, part| {
                Expression::Field(Box::new(of), name(part))
            });
            let mut function = function(it.body());
            if method.is_some() {
                let own = Name {
                    text: "self".to_owned(),
                    span: Span::default(),
                };
                function.parameters.insert(0, own);
            }
            Statement::Function(target, function)
        }
        Stmt::GenericFor(it) => Statement::For {
            names: names(it.names()),
            values: with_types(expressions(it.expressions()), it.type_specifiers()),
            body: block(it.block()),
        },
        Stmt::NumericFor(it) => {
            let values = [Some(it.start()), Some(it.end()), it.step()];
            let values = values.into_iter().flatten().map(expression).collect();
            Statement::For {
                names: vec![name(it.index_variable())],
                values: with_types(values, [it.type_specifier()]),
                body: block(it.block()),
            }
        }
        Stmt::If(it) => conditional(it),
        Stmt::LocalAssignment(it) => Statement::Local {
            names: names(it.names()),
            values: with_types(expressions(it.expressions()), it.type_specifiers()),
        },
        Stmt::ConstAssignment(it) => Statement::Local {
            names: names(it.names()),
            values: with_types(expressions(it.expressions()), it.type_specifiers()),
        },
        Stmt::LocalFunction(it) => Statement::LocalFunction(name(it.name()), function(it.body())),
        Stmt::ConstFunction(it) => Statement::LocalFunction(name(it.name()), function(it.body())),
        Stmt::Repeat(it) => Statement::Repeat(block(it.block()), expression(it.until())),
        Stmt::While(it) => Statement::While(expression(it.condition()), block(it.block())),
        Stmt::CompoundAssignment(it) => {
            Statement::Compound(variable(it.lhs()), expression(it.rhs()))
        }
        Stmt::TypeDeclaration(it) => Statement::Type(types_in(it.as_ref())),
        Stmt::ExportedTypeDeclaration(it) => Statement::Type(types_in(it.as_ref())),
        // Functions of types run in the type checker alone.
        _ => return None,
    })
}

fn conditional(it: &ast::If) -> Statement {
    let first = Branch {
        binding: it.binding().map(|binding| name(binding.name())),
        condition: expression(it.condition()),
        block: block(it.block()),
    };
    let others = it.else_if().into_iter().flatten().map(|it| Branch {
        binding: it.binding().map(|binding| name(binding.name())),
        condition: expression(it.condition()),
        block: block(it.block()),
    });
    Statement::If {
        branches: std::iter::once(first).chain(others).collect(),
        otherwise: it.else_block().map(block),
    }
}

fn function(body: &ast::FunctionBody) -> Function {
    let parameters = body.parameters().iter().filter_map(|it| match it {
        Parameter::Name(token) => Some(name(token)),
        _ => None,
    });
    let specifiers = body.type_specifiers().chain([body.return_type()]);
    let mut types = with_types(Vec::new(), specifiers);
    types.extend(
        body.generics()
            .into_iter()
            .flat_map(types_in::<GenericDeclaration>),
    );
    Function {
        parameters: parameters.collect(),
        types,
        body: block(body.block()),
    }
}

fn expression(expression_: &ast::Expression) -> Expression {
    use ast::Expression as Parsed;
    match expression_ {
        Parsed::BinaryOperator { lhs, rhs, .. } => {
            Expression::Other(vec![expression(lhs), expression(rhs)])
        }
        Parsed::Parentheses {
            expression: inner, ..
        } => match expression(inner) {
            // Calls in parentheses have one value; for the rest they change nothing.
            inner @ Expression::Call(_) => Expression::Other(vec![inner]),
            inner => inner,
        },
        Parsed::UnaryOperator {
            expression: inner, ..
        } => Expression::Other(vec![expression(inner)]),
        Parsed::Function(it) => Expression::Function(Box::new(function(it.body()))),
        Parsed::FunctionCall(it) => call(it),
        Parsed::IfExpression(it) => {
            let mut inner = vec![expression(it.condition()), expression(it.if_expression())];
            for other in it.else_if_expressions().into_iter().flatten() {
                inner.extend([
                    expression(other.condition()),
                    expression(other.expression()),
                ]);
            }
            inner.push(expression(it.else_expression()));
            Expression::Other(inner)
        }
        Parsed::InterpolatedString(it) => {
            Expression::Other(it.expressions().map(expression).collect())
        }
        Parsed::TableConstructor(it) => table(it),
        Parsed::String(token) => text(token),
        Parsed::Symbol(token) if token.token().to_string() == "true" => Expression::True,
        Parsed::TypeAssertion {
            expression: inner,
            type_assertion,
        } => {
            let types = types_in(type_assertion.as_ref());
            match expression(inner) {
                inner if types.is_empty() => inner,
                inner => Expression::Other(std::iter::once(inner).chain(types).collect()),
            }
        }
        Parsed::Var(it) => variable(it),
        _ => Expression::Other(Vec::new()),
    }
}

fn table(table: &ast::TableConstructor) -> Expression {
    let entries = table.fields().iter().filter_map(|field| {
        let (key, value) = match field {
            ast::Field::ExpressionKey { key, value, .. } => {
                let key = match expression(key) {
                    Expression::Text(text) => Key::Name(text),
                    other => Key::Computed(other),
                };
                (key, value.as_ref())
            }
            ast::Field::NameKey { key, value, .. } => (Key::Name(name(key)), value.as_ref()),
            ast::Field::NoKey(value) => (Key::None, value),
            _ => return None,
        };
        Some(Entry {
            key,
            value: expression(value),
        })
    });
    Expression::Table(entries.collect())
}

fn variable(variable: &Var) -> Expression {
    match variable {
        Var::Name(token) => Expression::Variable(name(token)),
        Var::Expression(it) => chain(it.prefix(), it.suffixes()),
        _ => Expression::Other(Vec::new()),
    }
}

fn call(call: &ast::FunctionCall) -> Expression {
    chain(call.prefix(), call.suffixes())
}

fn chain<'a>(prefix: &Prefix, suffixes: impl Iterator<Item = &'a Suffix>) -> Expression {
    let first = match prefix {
        Prefix::Name(token) => Expression::Variable(name(token)),
        Prefix::Expression(inner) => expression(inner),
        _ => Expression::Other(Vec::new()),
    };
    suffixes.fold(first, |of, suffix| match suffix {
        Suffix::Index(Index::Dot { name: field, .. }) => {
            Expression::Field(Box::new(of), name(field))
        }
        Suffix::Index(Index::Brackets {
            expression: key, ..
        }) => match expression(key) {
            Expression::Text(text) => Expression::Field(Box::new(of), text),
            key => Expression::Index(Box::new(of), Box::new(key)),
        },
        Suffix::Call(ast::Call::AnonymousCall(given)) => called(of, None, given),
        Suffix::Call(ast::Call::MethodCall(method)) => {
            called(of, Some(name(method.name())), method.args())
        }
        // An explicit type of a generic function.
        _ => of,
    })
}

fn called(callee: Expression, method: Option<Name>, given: &FunctionArgs) -> Expression {
    let arguments = match given {
        FunctionArgs::Parentheses { arguments, .. } => expressions(arguments),
        FunctionArgs::String(token) => vec![text(token)],
        FunctionArgs::TableConstructor(it) => vec![table(it)],
        _ => Vec::new(),
    };
    Expression::Call(Box::new(Call {
        callee,
        method,
        arguments,
    }))
}

/// What types name of variables: the module of `cog.Context`, and what stands in `typeof(…)`.
struct Types(Vec<Expression>);

impl Visitor for Types {
    fn visit_type_info(&mut self, node: &TypeInfo) {
        match node {
            TypeInfo::Module { module, .. } => self.0.push(Expression::Variable(name(module))),
            TypeInfo::Typeof { inner, .. } => self.0.push(expression(inner)),
            _ => {}
        }
    }
}

fn types_in<T: Visit>(node: &T) -> Vec<Expression> {
    let mut types = Types(Vec::new());
    node.visit(&mut types);
    types.0
}

/// The expressions, and after them what the types name.
fn with_types<'a>(
    mut all: Vec<Expression>,
    specifiers: impl IntoIterator<Item = Option<&'a TypeSpecifier>>,
) -> Vec<Expression> {
    let named = specifiers.into_iter().flatten().flat_map(types_in);
    let named: Vec<Expression> = named.collect();
    if !named.is_empty() {
        all.push(Expression::Other(named));
    }
    all
}
