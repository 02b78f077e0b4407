//! Tokens put together: which belong to one statement, and what only looks like SQL.

use super::error::SplitErrorKind;
use super::lexer::{Fault, Kind, Token, Tokens};
use super::phrase::Phrase;
use super::position::bom_len;
use super::rules::{CopyKind, copy_kind};
use super::settings::{self, Conforming};
use super::{Lexer, postgres, sqlite};

/// What a text is made of, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A token of a statement; a `;` or a breakpoint inside a body is one too.
    Token(Token),
    /// The statement whose tokens came last is complete. Tells the setting it was read with.
    End { conforming: bool },
    /// The data lines of a `COPY … FROM STDIN`, from after its `;`.
    CopyData { start: usize, end: usize },
    /// A piece that is no SQL. Reading goes on after it, unless it is the rest of the text.
    Fault { kind: SplitErrorKind, start: usize, end: usize },
}

#[derive(Debug)]
enum Nesting {
    Postgres(postgres::Nesting),
    Sqlite(sqlite::Nesting),
}

impl Nesting {
    fn new(lexer: Lexer) -> Self {
        match lexer {
            Lexer::Postgres => Self::Postgres(postgres::Nesting::default()),
            Lexer::Sqlite => Self::Sqlite(sqlite::Nesting::default()),
        }
    }

    fn follow(&mut self, kind: Kind, text: &str) {
        match self {
            Self::Postgres(nesting) => nesting.follow(kind, text),
            Self::Sqlite(nesting) => nesting.follow(kind, text),
        }
    }

    fn at_rest(&self) -> bool {
        match self {
            Self::Postgres(nesting) => nesting.at_rest(),
            Self::Sqlite(nesting) => nesting.at_rest(),
        }
    }
}

/// The statement being read.
#[derive(Debug, Clone, Copy)]
struct Open {
    first: Token,
    end: usize,
}

/// Reads a text as a row of events.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    lexer: Lexer,
    pub(super) tokens: Tokens<'a>,
    conforming: Conforming,
    nesting: Nesting,
    open: Option<Open>,
    /// Comes after the event that was just given.
    next: Option<Event>,
    copy_follows: bool,
    stopped: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(lexer: Lexer, text: &'a str, conforming: bool) -> Self {
        let mut tokens = Tokens::new(lexer, text, conforming);
        tokens.cursor.skip(bom_len(text));
        Self {
            lexer,
            tokens,
            conforming: Conforming::new(conforming),
            nesting: Nesting::new(lexer),
            open: None,
            next: None,
            copy_follows: false,
            stopped: false,
        }
    }

    /// Ends the statement that is open, if one is.
    fn close(&mut self) -> Option<Event> {
        let open = self.open.take()?;
        self.nesting = Nesting::new(self.lexer);
        self.copy_follows = false;
        let conforming = self.tokens.conforming;
        if self.lexer == Lexer::Postgres {
            self.note_effects(open, conforming);
        }
        Some(Event::End { conforming })
    }

    /// What the statement means for the reading of the text after it.
    fn note_effects(&mut self, open: Open, conforming: bool) {
        let first = self.tokens.text(open.first);
        let text = self.tokens.cursor.text.get(open.first.start..open.end).unwrap_or_default();
        self.tokens.cursor.visited(text.len());
        let read = || Tokens::new(Lexer::Postgres, text, conforming);
        if first.eq_ignore_ascii_case("copy") {
            self.copy_follows = copy_kind(read()) == Some(CopyKind::FromStdin);
        } else if settings::may_matter(first) {
            self.conforming.follow(&Phrase::of(read()));
            self.tokens.conforming = self.conforming.now();
        }
    }

    /// One step through the text; `None` where it gives no event.
    fn step(&mut self) -> Option<Event> {
        match self.tokens.next() {
            Err(fault) => Some(self.stop(fault)),
            Ok(None) => {
                self.stopped = true;
                self.close()
            }
            Ok(Some(token)) => self.take(token),
        }
    }

    fn take(&mut self, token: Token) -> Option<Event> {
        match token.kind {
            Kind::Semicolon if self.nesting.at_rest() => {
                let end = self.close();
                self.next = self.copy_data();
                end
            }
            Kind::Breakpoint => {
                if self.nesting.at_rest() {
                    self.close()
                } else {
                    None
                }
            }
            Kind::CrowdedBreakpoint => {
                Some(Event::Fault { kind: SplitErrorKind::TextAfterBreakpoint, start: token.start, end: token.end })
            }
            Kind::Backslash => Some(self.meta_command(token)),
            Kind::Mark if self.is_dot_command(token) => Some(self.meta_command(token)),
            kind => {
                self.nesting.follow(kind, self.tokens.text(token));
                self.open.get_or_insert(Open { first: token, end: 0 }).end = token.end;
                Some(Event::Token(token))
            }
        }
    }

    /// No SQL statement starts with a point.
    fn is_dot_command(&self, token: Token) -> bool {
        self.lexer == Lexer::Sqlite && self.open.is_none() && self.tokens.text(token) == "."
    }

    /// The command goes to the end of its line, and ends the statement that it is in.
    fn meta_command(&mut self, token: Token) -> Event {
        self.tokens.cursor.skip_line();
        let line = self.tokens.cursor.text.get(token.start..self.tokens.cursor.at).unwrap_or_default();
        let name = |(at, c): &(usize, char)| *at == 0 || c.is_ascii_alphanumeric() || matches!(c, '_' | '?' | '!');
        let command = line.char_indices().take_while(name).map(|(_, c)| c).take(24).collect();
        let kind = SplitErrorKind::MetaCommand { command };
        let fault = Event::Fault { kind, start: token.start, end: token.start + line.trim_end().len() };
        match self.close() {
            Some(end) => {
                self.next = Some(fault);
                end
            }
            None => fault,
        }
    }

    /// The statement that holds the fault is given up with the rest of the text.
    fn stop(&mut self, fault: Fault) -> Event {
        self.stopped = true;
        self.open = None;
        Event::Fault { kind: fault.kind, start: fault.at, end: self.tokens.cursor.text.len() }
    }

    /// The lines after a `COPY … FROM STDIN;`, to a line `\.` or to the end of the text.
    fn copy_data(&mut self) -> Option<Event> {
        if !std::mem::take(&mut self.copy_follows) {
            return None;
        }
        let cursor = &mut self.tokens.cursor;
        let start = cursor.at;
        cursor.skip_line();
        cursor.skip(1);
        while cursor.at < cursor.text.len() {
            let line = cursor.at;
            cursor.skip_line();
            let last = matches!(cursor.text.get(line..cursor.at), Some("\\." | "\\.\r"));
            cursor.skip(1);
            if last {
                break;
            }
        }
        Some(Event::CopyData { start, end: cursor.at })
    }
}

impl Iterator for Scanner<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next.take() {
                return Some(event);
            }
            if self.stopped {
                return None;
            }
            if let Some(event) = self.step() {
                return Some(event);
            }
        }
    }
}
