//! From text to tree, with the precedences of the dialect.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer};

use super::node::{LikeKind, Node, Truth};
use super::primary;
use super::token::{Reader, Unclear};

/// Deeper than people write, shallow enough for any stack.
const DEPTH: usize = 60;
/// How many operators may follow one another on one level.
const CHAIN: usize = 60;

pub(super) type Parsed = Result<Node, Unclear>;

/// How tightly operators bind.
mod power {
    pub(super) const OR: u8 = 10;
    pub(super) const AND: u8 = 20;
    pub(super) const NOT: u8 = 30;
    /// `IS` of Postgres.
    pub(super) const IS: u8 = 40;
    pub(super) const COMPARE: u8 = 50;
    /// `IN`, `LIKE`, `BETWEEN` of Postgres.
    pub(super) const LIKE: u8 = 60;
    /// Operators without a level of their own; the bits of SQLite.
    pub(super) const OTHER: u8 = 70;
    pub(super) const SUM: u8 = 80;
    pub(super) const PRODUCT: u8 = 90;
    pub(super) const POWER: u8 = 100;
    pub(super) const ZONE: u8 = 110;
    /// `||`, `->` and `->>` of SQLite.
    pub(super) const CONCAT: u8 = 115;
    pub(super) const COLLATE: u8 = 120;
    pub(super) const SIGN: u8 = 130;
    pub(super) const SUBSCRIPT: u8 = 140;
    pub(super) const CAST: u8 = 150;
    /// Equality, `IS`, `IN` and `LIKE` of SQLite are one level, below `<`.
    pub(super) const SQLITE_EQUAL: u8 = 40;
}

/// Reads one expression from a text with nothing behind it.
pub(super) fn parse(lexer: Lexer, text: &str) -> Parsed {
    let mut parser = Parser { reader: Reader::new(lexer, text)?, depth: 0 };
    let node = parser.expression(0)?;
    if parser.reader.ended() { Ok(node) } else { Err(Unclear) }
}

#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) reader: Reader<'a>,
    depth: usize,
}

/// What stands behind an operand.
enum Infix {
    Or,
    And,
    Symbol(String),
    /// `IS`, `ISNULL`, `NOTNULL`
    Is,
    /// `IN`, `LIKE`, `BETWEEN` and their kin, with or without `NOT`.
    Predicate,
    Zone,
    Collate,
    Subscript,
    Cast,
}

impl Parser<'_> {
    /// Reads what binds at least as tightly as `least`.
    pub(super) fn expression(&mut self, least: u8) -> Parsed {
        if self.depth == DEPTH {
            return Err(Unclear);
        }
        self.depth += 1;
        let node = self.prefix().and_then(|left| self.infixes(left, least));
        self.depth -= 1;
        node
    }

    fn is_sqlite(&self) -> bool {
        self.reader.lexer == Lexer::Sqlite
    }

    fn prefix(&mut self) -> Parsed {
        if self.reader.eat_word("not") {
            return Ok(Node::Not(Box::new(self.expression(power::NOT)?)));
        }
        let Some(Lexeme { kind: LexemeKind::Mark, text, .. }) = self.reader.peek() else {
            return primary::read(self);
        };
        let power = match text {
            "-" | "+" => power::SIGN,
            "~" if self.is_sqlite() => power::SIGN,
            "~" | "@" => power::OTHER + 1,
            _ => return primary::read(self),
        };
        self.reader.skip(1);
        let operand = self.expression(power)?;
        Ok(signed(text, operand))
    }

    fn infixes(&mut self, mut left: Node, least: u8) -> Parsed {
        for _ in 0..CHAIN {
            let Some((infix, power)) = self.peek_infix()? else {
                return Ok(left);
            };
            if power < least {
                return Ok(left);
            }
            left = self.infix(left, infix, power)?;
        }
        Err(Unclear)
    }

    fn peek_infix(&self) -> Result<Option<(Infix, u8)>, Unclear> {
        let Some(token) = self.reader.peek() else {
            return Ok(None);
        };
        match token.kind {
            LexemeKind::Mark => self.peek_symbol(token.text),
            LexemeKind::Word => Ok(self.peek_word()),
            _ => Err(Unclear),
        }
    }

    fn peek_symbol(&self, text: &str) -> Result<Option<(Infix, u8)>, Unclear> {
        let symbol = |text: &str, power| Ok(Some((Infix::Symbol(text.to_owned()), power)));
        let equal = if self.is_sqlite() { power::SQLITE_EQUAL } else { power::COMPARE };
        match text {
            ")" | "]" | "," | ":" => Ok(None),
            "::" => Ok(Some((Infix::Cast, power::CAST))),
            "[" => Ok(Some((Infix::Subscript, power::SUBSCRIPT))),
            "=" | "<>" => symbol(text, equal),
            "==" => symbol("=", equal),
            "!=" => symbol("<>", equal),
            "<" | ">" | "<=" | ">=" => symbol(text, power::COMPARE),
            "+" | "-" => symbol(text, power::SUM),
            "*" | "/" | "%" => symbol(text, power::PRODUCT),
            "^" => symbol(text, power::POWER),
            "||" | "->" | "->>" if self.is_sqlite() => symbol(text, power::CONCAT),
            "&" | "|" | "<<" | ">>" => symbol(text, power::OTHER),
            _ if self.is_sqlite() => Err(Unclear),
            _ if text != "=>" && text.bytes().all(|b| b"~!@#^&|`?+-*/%<>=".contains(&b)) => symbol(text, power::OTHER),
            _ => Err(Unclear),
        }
    }

    fn peek_word(&self) -> Option<(Infix, u8)> {
        let sqlite = self.is_sqlite();
        let is = |word| self.reader.is_word_at(0, word);
        let predicate = if sqlite { power::SQLITE_EQUAL } else { power::LIKE };
        if is("or") {
            Some((Infix::Or, power::OR))
        } else if is("and") {
            Some((Infix::And, power::AND))
        } else if is("is") || is("isnull") || is("notnull") || (is("not") && self.reader.is_word_at(1, "null")) {
            Some((Infix::Is, if sqlite { power::SQLITE_EQUAL } else { power::IS }))
        } else if is("collate") {
            Some((Infix::Collate, power::COLLATE))
        } else if !sqlite && is("at") && self.reader.is_word_at(1, "time") {
            Some((Infix::Zone, power::ZONE))
        } else {
            let ahead = usize::from(is("not"));
            const PREDICATES: [&str; 8] = ["in", "like", "ilike", "between", "similar", "glob", "regexp", "match"];
            PREDICATES.iter().any(|word| self.reader.is_word_at(ahead, word)).then_some((Infix::Predicate, predicate))
        }
    }

    fn infix(&mut self, left: Node, infix: Infix, power: u8) -> Parsed {
        match infix {
            Infix::Or => self.connected(left, power).map(|(a, b)| {
                Node::Or(flat(a, b, |node| match node {
                    Node::Or(list) => Ok(list),
                    other => Err(other),
                }))
            }),
            Infix::And => self.connected(left, power).map(|(a, b)| {
                Node::And(flat(a, b, |node| match node {
                    Node::And(list) => Ok(list),
                    other => Err(other),
                }))
            }),
            Infix::Symbol(op) => self.symbol(left, op, power),
            Infix::Is => self.is(left, power),
            Infix::Predicate => self.predicate(left, power),
            Infix::Zone => {
                self.reader.eat_words(&["at", "time", "zone"]).then_some(()).ok_or(Unclear)?;
                Ok(Node::AtTimeZone(Box::new(left), Box::new(self.expression(power + 1)?)))
            }
            Infix::Collate => {
                self.reader.skip(1);
                Ok(Node::Collate(Box::new(left), primary::collation(self)?))
            }
            Infix::Subscript => self.subscript(left),
            Infix::Cast => {
                self.reader.skip(1);
                let ty = primary::type_text(self)?;
                Ok(Node::Cast { expr: Box::new(left), ty })
            }
        }
    }

    /// `AND` and `OR` read their right side here; a long row of them is no chain.
    fn connected(&mut self, left: Node, power: u8) -> Result<(Node, Vec<Node>), Unclear> {
        let word = if power == power::OR { "or" } else { "and" };
        let mut others = Vec::new();
        while self.reader.eat_word(word) {
            others.push(self.expression(power + 1)?);
        }
        Ok((left, others))
    }

    fn symbol(&mut self, left: Node, op: String, power: u8) -> Parsed {
        self.reader.skip(1);
        for (word, all) in [("any", false), ("some", false), ("all", true)] {
            if self.reader.is_word_at(0, word) && self.reader.is_mark_at(1, "(") {
                self.reader.skip(2);
                let right = Box::new(primary::query_or(self, |parser| parser.expression(0))?);
                return Ok(Node::Quantified { op, left: Box::new(left), all, right });
            }
        }
        Ok(Node::binary(op, left, self.expression(power + 1)?))
    }

    fn is(&mut self, left: Node, power: u8) -> Parsed {
        let expr = Box::new(left);
        if self.reader.eat_word("isnull") {
            return Ok(Node::Is { expr, negated: false, what: Truth::Null });
        }
        if self.reader.eat_word("notnull") || self.reader.eat_words(&["not", "null"]) {
            return Ok(Node::Is { expr, negated: true, what: Truth::Null });
        }
        self.reader.expect_word("is")?;
        let negated = self.reader.eat_word("not");
        if self.reader.eat_words(&["distinct", "from"]) {
            let right = Box::new(self.expression(power + 1)?);
            return Ok(Node::Distinct { left: expr, right, negated });
        }
        for (word, what) in
            [("null", Truth::Null), ("true", Truth::True), ("false", Truth::False), ("unknown", Truth::Unknown)]
        {
            if self.reader.eat_word(word) {
                return Ok(Node::Is { expr, negated, what });
            }
        }
        if !self.is_sqlite() {
            return Err(Unclear);
        }
        let right = Box::new(self.expression(power + 1)?);
        Ok(Node::Distinct { left: expr, right, negated: !negated })
    }

    fn predicate(&mut self, left: Node, power: u8) -> Parsed {
        let negated = self.reader.eat_word("not");
        if self.reader.eat_word("in") {
            self.reader.expect_mark("(")?;
            let list = primary::query_or_list(self)?;
            return Ok(Node::In { expr: Box::new(left), list, negated });
        }
        if self.reader.eat_word("between") {
            return self.between(left, negated, power);
        }
        const KINDS: [(&[&str], LikeKind); 6] = [
            (&["like"], LikeKind::Like),
            (&["ilike"], LikeKind::ILike),
            (&["similar", "to"], LikeKind::SimilarTo),
            (&["glob"], LikeKind::Glob),
            (&["regexp"], LikeKind::Regexp),
            (&["match"], LikeKind::Match),
        ];
        let kind = KINDS.into_iter().find(|(words, _)| self.reader.eat_words(words)).ok_or(Unclear)?.1;
        let pattern = Box::new(self.expression(power + 1)?);
        let escape = if self.reader.eat_word("escape") { Some(Box::new(self.expression(power + 1)?)) } else { None };
        Ok(Node::Like { kind, expr: Box::new(left), pattern, escape, negated })
    }

    fn between(&mut self, expr: Node, negated: bool, power: u8) -> Parsed {
        let symmetric = self.reader.eat_word("symmetric");
        let low = self.expression(power + 1)?;
        self.reader.expect_word("and")?;
        let high = self.expression(power + 1)?;
        let range = |low: &Node, high: &Node| {
            let pair =
                |a, b| vec![Node::binary(a, expr.clone(), low.clone()), Node::binary(b, expr.clone(), high.clone())];
            if negated { Node::Or(pair("<", ">")) } else { Node::And(pair(">=", "<=")) }
        };
        Ok(match (symmetric, negated) {
            (false, _) => range(&low, &high),
            (true, false) => Node::Or(vec![range(&low, &high), range(&high, &low)]),
            (true, true) => Node::And(vec![range(&low, &high), range(&high, &low)]),
        })
    }

    fn subscript(&mut self, left: Node) -> Parsed {
        self.reader.expect_mark("[")?;
        let from = Box::new(self.expression(0)?);
        let to = if self.reader.eat_mark(":") { Some(Box::new(self.expression(0)?)) } else { None };
        self.reader.expect_mark("]")?;
        Ok(Node::Subscript(Box::new(left), from, to))
    }
}

/// A prefix operator and its operand; a number takes the sign in.
fn signed(op: &str, operand: Node) -> Node {
    match (op, operand) {
        ("-", Node::Number(digits)) if !digits.starts_with('-') => Node::Number(format!("-{digits}")),
        ("+", Node::Number(digits)) => Node::Number(digits),
        (op, operand) => Node::Unary(op.to_owned(), Box::new(operand)),
    }
}

/// One list of what is connected, without lists of the same kind in it.
fn flat(first: Node, others: Vec<Node>, split: impl Fn(Node) -> Result<Vec<Node>, Node>) -> Vec<Node> {
    let nested = std::iter::once(first).chain(others).map(split);
    nested.flat_map(|part| part.unwrap_or_else(|one| vec![one])).collect()
}
