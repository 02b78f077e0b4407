//! How a sequence counts, as its own statement and as an identity column says it.

use whimbrel_core::split::{Lexeme, Lexer, tokens};

use super::node::name;
use crate::model::{ObjectName, Sequence, SequenceOptions};

/// Reads one option of a sequence, and gives where the next one is; `None`: it is none.
pub(super) fn option(lexemes: &[Lexeme<'_>], at: usize, sequence: &mut Sequence) -> Option<usize> {
    let text = |at: usize| lexemes.get(at).map(|it| it.text);
    let is = |at: usize, word: &str| text(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
    if is(at, "as") {
        let ty = text(at + 1)?.to_ascii_lowercase();
        sequence.ty = Some(ty).filter(|ty| ty != "bigint");
        return Some(at + 2);
    }
    if !(is(at, "owned") && is(at + 1, "by")) {
        return counting(lexemes, at, &mut sequence.options);
    }
    if is(at + 2, "none") {
        return Some(at + 3);
    }
    let mut parts = vec![name(text(at + 2)?)];
    let mut end = at + 3;
    while is(end, ".") {
        parts.push(name(text(end + 1)?));
        end += 2;
    }
    let column = parts.pop()?;
    sequence.owned_by = match <[String; 2]>::try_from(parts) {
        Ok([schema, table]) => Some((ObjectName::in_schema(schema, table), column)),
        Err(mut parts) if parts.len() == 1 => Some((ObjectName::new(parts.pop()?), column)),
        Err(_) => return None,
    };
    Some(end)
}

/// `(START WITH 100 INCREMENT BY 2 …)`, what is not understood being left to the database's own check.
pub(super) fn options(list: &str) -> SequenceOptions {
    let mut options = SequenceOptions::default();
    let lexemes = tokens(Lexer::Postgres, list).unwrap_or_default();
    let mut at = 0;
    while at < lexemes.len() {
        at = counting(&lexemes, at, &mut options).unwrap_or(at + 1);
    }
    options
}

/// Reads one option of how it counts, and gives where the next one is; `None`: it is none.
fn counting(lexemes: &[Lexeme<'_>], at: usize, options: &mut SequenceOptions) -> Option<usize> {
    let text = |at: usize| lexemes.get(at).map(|it| it.text);
    let is = |at: usize, word: &str| text(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
    let (option, filler) = match &*text(at)?.to_ascii_lowercase() {
        "no" => {
            let of_counting = ["minvalue", "maxvalue", "cycle"].iter().any(|word| is(at + 1, word));
            return of_counting.then_some(at + 2);
        }
        "cycle" => {
            options.cycle = true;
            return Some(at + 1);
        }
        "increment" => (&mut options.increment, "by"),
        "start" => (&mut options.start, "with"),
        "minvalue" => (&mut options.min, ""),
        "maxvalue" => (&mut options.max, ""),
        "cache" => (&mut options.cache, ""),
        _ => return None,
    };
    let at = if is(at + 1, filler) { at + 2 } else { at + 1 };
    let (sign, at) = match text(at)? {
        "-" => ("-", at + 1),
        "+" => ("", at + 1),
        _ => ("", at),
    };
    *option = Some(format!("{sign}{}", text(at)?).parse().ok()?);
    Some(at + 1)
}
