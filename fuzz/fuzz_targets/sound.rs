//! What holds for every text.

use whimbrel_core::split::{Lexer, Position, Rules, check, split, token_hash};

pub fn check_text(lexer: Lexer, sql: &str) {
    if !sql.contains("\r\r\n") {
        assert_eq!(token_hash(lexer, sql), token_hash(lexer, &sql.replace("\r\n", "\n")));
    }
    let transactional = check(lexer, sql, Rules { transactional: true });
    let plain = check(lexer, sql, Rules { transactional: false });
    assert!(plain.is_ok() || transactional.is_err());
    let statements = match split(lexer, sql) {
        Ok(statements) => statements,
        Err(error) => {
            assert!(plain.is_err() && sql.is_char_boundary(error.at.byte));
            return;
        }
    };
    let mut end = 0;
    for statement in &statements {
        let span = statement.span;
        assert!(end <= span.start.byte && span.start.byte < span.end.byte);
        assert_eq!(&sql[span.start.byte..span.end.byte], statement.text);
        assert_eq!(Position::of(sql, span.start.byte), span.start);
        assert_eq!(Position::of(sql, span.end.byte), span.end);
        end = span.end.byte;
        let _ = (statement.safe_to_repeat(lexer), statement.sets_session(lexer));
        let _ = (statement.sets_foreign_keys(), statement.changes_lexing(lexer));
    }
}
