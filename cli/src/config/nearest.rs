//! The known word that was probably meant.

/// The nearest of `known`, if one is near enough to be meant. `_` counts as `-`.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    let limit = (word.chars().count() / 3).max(1);
    let ranked = known.iter().map(|known| (distance(&word, known), *known));
    ranked.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known)
}

/// Insertions, deletions, replacements and swaps of neighbours that make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
            ("dri", Some("dir")),
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
