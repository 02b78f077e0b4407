//! Small ways around the syntax tree.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::AstNode;

use crate::model::ObjectName;

/// A line and a column in characters, both from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        Self {
            line: number(before.matches('\n').count()),
            column: number(before.get(line_start..).unwrap_or_default().chars().count()),
        }
    }
}

/// The text of a node without white space and comments around it.
pub(super) fn text(node: &impl AstNode) -> String {
    let syntax = node.syntax();
    let start = start(node) - usize::from(syntax.text_range().start());
    syntax.text().to_string().get(start..).unwrap_or_default().trim_end().to_owned()
}

/// Where a node begins in the statement, in bytes, behind white space and comments.
pub(super) fn start(node: &impl AstNode) -> usize {
    let tokens = node.syntax().descendants_with_tokens().filter_map(|it| it.into_token());
    let first = tokens.into_iter().find(|token| {
        let text = token.text();
        !text.trim().is_empty() && !text.starts_with("--") && !text.starts_with("/*")
    });
    usize::from(first.map_or(node.syntax().text_range().start(), |token| token.text_range().start()))
}

/// Where a node ends.
pub(super) fn end(node: &impl AstNode) -> usize {
    usize::from(node.syntax().text_range().end())
}

/// The first node of a kind below this one.
pub(super) fn first<N: AstNode>(node: &SyntaxNode) -> Option<N> {
    node.descendants().find_map(N::cast)
}

/// A name as SQL has it: unquoted ones fold to lower case.
pub(super) fn name(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_lowercase(),
    }
}

/// A name of one or two parts.
pub(super) fn object_name(text: &str) -> Option<ObjectName> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let end = match rest.strip_prefix('"') {
            Some(quoted) => 2 + end_of_quoted(quoted)?,
            None => rest.find(['.', ' ', '\t', '\n']).unwrap_or(rest.len()),
        };
        parts.push(name(rest.get(..end)?));
        rest = rest.get(end..)?.trim_start();
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => break,
            None => return None,
        }
    }
    let last = parts.pop().filter(|part| !part.is_empty())?;
    match parts.as_slice() {
        [] => Some(ObjectName::new(last)),
        [schema] => Some(ObjectName::in_schema(schema.clone(), last)),
        _ => None,
    }
}

/// Bytes before the quote that ends a name.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.find('"')?;
        match text.get(at + 1..) {
            Some(rest) if rest.starts_with('"') => at += 2,
            _ => return Some(at),
        }
    }
}
