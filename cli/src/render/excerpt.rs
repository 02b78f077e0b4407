//! The lines of a statement, with a caret where the database points.

use unicode_width::UnicodeWidthChar;

use crate::output::Style;

/// Lines that are shown above the caret's.
const ABOVE: usize = 3;
/// Lines that are shown below it.
const BELOW: usize = 2;
/// Lines that are shown of a statement without a caret.
const FIRST: usize = 6;
/// The widest excerpt of a line.
const WIDTH: usize = 140;
/// How much of a long line stands before the caret.
const BEFORE_CARET: usize = 70;
const TAB: usize = 4;

/// A statement in its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excerpt<'a> {
    /// Its text.
    pub(crate) text: &'a str,
    /// The line of the file where it begins, from 1.
    pub(crate) line: u32,
    /// The column where it begins, in characters from 1.
    pub(crate) column: u32,
    /// The line and column of the file that the caret stands under.
    pub(crate) caret: Option<(u32, u32)>,
}

impl Excerpt<'_> {
    /// The lines with their numbers, each ended.
    pub(crate) fn render(&self, style: Style) -> String {
        let lines: Vec<&str> = self.text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let first = usize::try_from(self.line).unwrap_or(1);
        let caret = self.caret_in(lines.len());
        let (from, to) = match caret {
            Some((row, _)) => (row.saturating_sub(ABOVE), (row + BELOW + 1).min(lines.len())),
            None => (0, FIRST.min(lines.len())),
        };
        let width = (first + to).to_string().len();
        let gutter = |number: &str| style.frame(format!("{number:>width$} |"));
        let mut text = format!("{}\n", gutter(""));
        if from > 0 {
            text.push_str(&format!("{} {}\n", gutter(&first.to_string()), shown(lines[0], None).0));
            if from > 1 {
                text.push_str(&format!("{}\n", style.frame(format!("{:>width$} :", ""))));
            }
        }
        for (row, line) in lines.iter().enumerate().take(to).skip(from) {
            let here = caret.filter(|(at, _)| *at == row).map(|(_, chars)| chars);
            let (line, offset) = shown(line, here);
            text.push_str(format!("{} {line}", gutter(&(first + row).to_string())).trim_end());
            text.push('\n');
            if here.is_some() {
                text.push_str(&format!("{} {}{}\n", gutter(""), " ".repeat(offset), style.bad("^")));
            }
        }
        if to < lines.len() {
            text.push_str(&format!("{}\n", style.frame(format!("{:>width$} :", ""))));
        }
        text
    }

    /// Row and characters before the caret, within the text; `None` where it points elsewhere.
    fn caret_in(&self, rows: usize) -> Option<(usize, usize)> {
        let (line, column) = self.caret?;
        let row = usize::try_from(line.checked_sub(self.line)?).ok().filter(|row| *row < rows)?;
        let start = if row == 0 { self.column } else { 1 };
        Some((row, usize::try_from(column.checked_sub(start)?).ok()?))
    }
}

/// A line as a terminal shows it, cut to a width, and the width of what stands before the caret.
fn shown(line: &str, caret: Option<usize>) -> (String, usize) {
    let mut cells: Vec<(char, usize)> = Vec::new();
    let (mut width, mut caret_at) = (0, None);
    for (index, c) in line.chars().enumerate() {
        if Some(index) == caret {
            caret_at = Some((cells.len(), width));
        }
        let before = width;
        push_cells(&mut cells, c, &mut width);
        debug_assert!(width >= before);
    }
    let (caret_cell, caret_width) = caret_at.unwrap_or((cells.len(), width));
    if width <= WIDTH {
        return (cells.iter().map(|(c, _)| *c).collect(), caret_width);
    }
    let (caret_cell, caret_width) = if caret.is_some() { (caret_cell, caret_width) } else { (0, 0) };
    cut(&cells, caret_cell, caret_width)
}

fn push_cells(cells: &mut Vec<(char, usize)>, c: char, width: &mut usize) {
    match c {
        '\t' => {
            let spaces = TAB - *width % TAB;
            cells.extend(std::iter::repeat_n((' ', 1), spaces));
            *width += spaces;
        }
        c if c.is_control() => {
            cells.push(('\u{fffd}', 1));
            *width += 1;
        }
        c => {
            let own = c.width().unwrap_or(0);
            cells.push((c, own));
            *width += own;
        }
    }
}

/// The part of a long line around a cell.
fn cut(cells: &[(char, usize)], caret_cell: usize, caret_width: usize) -> (String, usize) {
    let (mut start, mut skipped) = (0, 0);
    while start < caret_cell && caret_width - skipped > BEFORE_CARET {
        skipped += cells[start].1;
        start += 1;
    }
    let mut text = String::new();
    let mut width = 0;
    if start > 0 {
        text.push('…');
        width += 1;
    }
    let offset = width + caret_width - skipped;
    for (c, own) in &cells[start..] {
        if width + own > WIDTH {
            text.push('…');
            break;
        }
        text.push(*c);
        width += own;
    }
    (text, offset)
}

#[cfg(test)]
mod tests;
