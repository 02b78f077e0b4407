//! The known word that was probably meant.

/// The nearest of `known`, if one is near enough to be meant. `_` counts as `-`.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    let limit = (word.chars().count() / 3).max(1);
    let ranked = known.iter().map(|known| (distance(&word, known), *known));
    ranked.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known)
}

/// Insertions, deletions and replacements of characters that make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let cost = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant_and_guesses_nothing() {
        let known = ["url", "dir", "seed", "history-table", "lock-wait", "lock-timeout"];
        for (word, meant) in [
            ("history_table", Some("history-table")),
            ("histroy-table", Some("history-table")),
            ("urls", Some("url")),
            ("Dir", Some("dir")),
            ("seeds", Some("seed")),
            ("lock-wiat", Some("lock-wait")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
    }
}
