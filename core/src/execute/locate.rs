//! From a place in a statement to a place in its file.

/// The line and column that `characters` after (`line`, `column`) stand at, walking over `text`.
pub(crate) fn advance(text: &str, line: u32, column: u32, characters: u32) -> (u32, u32) {
    let walked = text.chars().take(usize::try_from(characters).unwrap_or(usize::MAX));
    walked.fold((line, column), |(line, column), character| match character {
        '\n' => (line.saturating_add(1), 1),
        _ => (line, column.saturating_add(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::advance;

    #[test]
    fn counts_characters_and_lines() {
        assert_eq!(advance("select é,\r\n  nope", 3, 5, 0), (3, 5));
        assert_eq!(advance("select é,\r\n  nope", 3, 5, 8), (3, 13));
        assert_eq!(advance("select é,\r\n  nope", 3, 5, 13), (4, 3));
        assert_eq!(advance("x", 1, 1, 100), (1, 2));
    }
}
