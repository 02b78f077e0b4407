//! The result as a table.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::scenario::Row;

const BEGIN: &str = "<!-- benchmark: begin -->";
const END: &str = "<!-- benchmark: end -->";

/// A Markdown table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table =
        "| | migrations or tables | program | median | × floor | peak memory |\n| --- | ---: | --- | ---: | ---: | ---: |\n"
            .to_owned();
    for Row { what, migrations, contestant, median_s, ratio, peak_kib } in rows {
        let (ms, mib) = (median_s * 1e3, *peak_kib as f64 / 1024.0);
        // Writing into a String does not fail.
        let _ = writeln!(table, "| {what} | {migrations} | {contestant} | {ms:.1} ms | {ratio:.2} | {mib:.1} MiB |");
    }
    table
}

/// Puts the table between the marks of a page.
pub(crate) fn write_into(page: &Path, table: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(page)?;
    let marks = text.find(BEGIN).zip(text.find(END)).filter(|(begin, end)| begin < end);
    let (begin, end) = marks.ok_or(format!("{} has no `{BEGIN}` before a `{END}`", page.display()))?;
    let written = format!("{}{BEGIN}\n\n{table}\n{}", &text[..begin], &text[end..]);
    Ok(fs::write(page, written)?)
}
