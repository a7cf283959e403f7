//! Code that never runs, because what stands before it never goes on.

use super::finding::{Finding, Rule};
use super::source::Source;
use super::syntax::{Block, Expression, Statement};

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    block(source, source.block, &mut findings);
    source.each(|expression| {
        if let Expression::Function(function) = expression {
            block(source, &function.body, &mut findings);
        }
    });
    findings
}

fn block<'a>(source: &Source<'a>, statements: &'a Block, findings: &mut Vec<Finding>) {
    for pair in statements.windows(2) {
        let ((at, before), (span, after)) = (&pair[0], &pair[1]);
        // A `return` behind `cog.fail` is there for the type checker.
        let is_return = matches!(after, Statement::Return(_));
        if !is_return && ends(source, before) {
            let message = format!(
                "this is never reached, because what begins in line {} never goes on",
                at.line
            );
            findings.push(Finding::of(Rule::UnreachableCode, source, *span, message));
            break;
        }
    }
    for (_, statement) in statements {
        for inner in statement.parts().1 {
            block(source, inner, findings);
        }
    }
}

fn block_ends<'a>(source: &Source<'a>, block: &'a Block) -> bool {
    block.iter().any(|(_, statement)| ends(source, statement))
}

/// Whether nothing that follows the statement is ever reached.
fn ends<'a>(source: &Source<'a>, statement: &'a Statement) -> bool {
    match statement {
        Statement::Return(_) | Statement::Break | Statement::Continue => true,
        Statement::Call(Expression::Call(call)) => {
            let is_error = match &call.callee {
                Expression::Variable(name) => {
                    name.text == "error" && source.variable(name).is_none()
                }
                _ => false,
            };
            call.method.is_none() && is_error || source.calls(call, "cog.fail")
        }
        Statement::Do(block) => block_ends(source, block),
        Statement::While(Expression::True, block) => !breaks(block),
        Statement::If {
            branches,
            otherwise: Some(otherwise),
        } => {
            let blocks = branches.iter().map(|branch| &branch.block);
            blocks
                .chain([otherwise])
                .all(|block| block_ends(source, block))
        }
        _ => false,
    }
}

/// Whether a `break` in it leaves the loop whose body this is.
fn breaks(block: &Block) -> bool {
    block.iter().any(|(_, statement)| match statement {
        Statement::Break => true,
        Statement::Do(_) | Statement::If { .. } => statement.parts().1.into_iter().any(breaks),
        _ => false,
    })
}
