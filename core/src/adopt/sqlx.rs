//! `_sqlx_migrations`, as sqlx writes it.

use async_trait::async_trait;
use sha2::{Digest, Sha384};

use super::{
    ForeignFile, ForeignHistory, ForeignRow, ForeignState, ForeignTable, OtherHistory, Pair, Says, hex, is_hex, moment,
};
use crate::backend::TextRow;
use crate::error::BackendError;
use crate::migration::Foreign;
use crate::source::SQLX;
use crate::split::Lexer;
use crate::sql::Sql;

/// The history of sqlx.
///
/// It goes by the version, and keeps the SHA-384 of the file as it was where the program was built; so the same text with other
/// line ends counts as the same. The characters that its configuration ignores are left out before.
#[derive(Debug)]
pub(super) struct Sqlx;

#[async_trait]
impl ForeignHistory for Sqlx {
    fn tool(&self) -> &'static str {
        SQLX
    }

    fn called(&self) -> &'static str {
        "sqlx"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["_sqlx_migrations"]
    }

    fn fits(&self, table: &ForeignTable) -> bool {
        ["version", "checksum", "success", "installed_on"].iter().all(|column| table.has(column))
    }

    async fn rows(
        &self,
        sql: &mut dyn Sql,
        lexer: Lexer,
        table: &ForeignTable,
    ) -> Result<Vec<ForeignRow>, BackendError> {
        let columns = ["version", "description", "checksum", "success", "installed_on", "execution_time"];
        let rows = sql.query(&table.select(lexer, &columns, &["installed_on", "version"])).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    fn hashes(&self, bytes: &[u8], foreign: &Foreign) -> Vec<String> {
        let unix = lines(bytes, b"\n");
        let forms = [bytes.to_vec(), lines(&unix, b"\r\n"), unix];
        let ignored = foreign.ignored_chars.as_deref();
        let left = ignored.iter().flat_map(|ignored| forms.iter().map(|form| without(form, ignored)));
        // Rows of before that setting have the hash of the whole text.
        let left: Vec<Vec<u8>> = left.collect();
        left.iter().chain(&forms).map(|form| hex(&Sha384::digest(form))).collect()
    }

    fn pair(&self, rows: &[ForeignRow], files: &[ForeignFile<'_>]) -> Vec<Option<Pair>> {
        let pair = |row: &ForeignRow| {
            let file = files.iter().position(|file| row.name.as_deref() == Some(file.mark))?;
            let hash = row.hash.as_deref().unwrap_or_default();
            let says = if files[file].hashes.iter().any(|known| known == hash) {
                Says::Same
            } else if is_hex(hash, 96) {
                Says::Edited
            } else {
                Says::NoHash
            };
            Some(Pair { file, says, again: false })
        };
        rows.iter().map(pair).collect()
    }

    fn creates(&self, lexer: Lexer, place: &OtherHistory, _by_folders: bool) -> (Vec<String>, ForeignTable) {
        let name = place.table.as_deref().unwrap_or(self.tables()[0]).to_owned();
        let schema = place.schema.clone().filter(|_| lexer.has_schemas());
        let columns = ["version", "description", "installed_on", "success", "checksum", "execution_time"];
        let table = ForeignTable::made(schema, name, &columns);
        let made = format!("CREATE TABLE {} ({})", table.quoted(), lexer.sqlx_columns());
        (vec![made], table)
    }

    fn lock_key(&self, database: &str) -> Option<i64> {
        Some(0x3d32_ad9e * i64::from(crc32(database.as_bytes())))
    }
}

fn read(row: TextRow) -> ForeignRow {
    let mut row = row.into_iter();
    let mut next = || row.next().flatten();
    let (version, description, checksum, success) = (next(), next(), next(), next());
    let (installed_on, execution_time) = (next(), next());
    let succeeded = matches!(success.as_deref(), Some("1" | "t" | "true"));
    let nanoseconds = execution_time.and_then(|time| time.parse::<u64>().ok());
    ForeignRow {
        key: version.clone().map(|version| ("version", version)),
        values: vec![("description", description), ("installed_on", installed_on.clone())],
        name: version,
        hash: checksum,
        time_ms: None,
        applied_at: installed_on.as_deref().and_then(moment::parse),
        duration_ms: nanoseconds.map(|ns| ns / 1_000_000),
        state: if succeeded { ForeignState::Applied } else { ForeignState::Dirty },
    }
}

/// With these line ends in the place of both kinds.
fn lines(bytes: &[u8], end: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..at];
        text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        text.extend_from_slice(end);
        rest = &rest[at + 1..];
    }
    text.extend_from_slice(rest);
    text
}

/// Without these characters.
fn without(bytes: &[u8], ignored: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !ignored.contains(*c)).collect::<String>().into_bytes()
}

/// CRC-32/ISO-HDLC.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_the_one_that_sqlx_takes() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of the algorithm");
        assert_eq!(Sqlx.lock_key("postgres"), Some(368_907_709_894_077_238));
    }

    fn foreign(ignored: Option<&str>) -> Foreign {
        let ignored_chars = ignored.map(Into::into);
        Foreign { tool: SQLX, mark: "1".into(), time_ms: None, ignored_chars, undo: None }
    }

    #[test]
    fn what_the_configuration_ignores_counts_for_nothing() {
        let formatted =
            Sqlx.hashes("\u{feff}create  table a (\r\n\tx int );\n".as_bytes(), &foreign(Some("\u{feff} \t\r\n")));
        assert_eq!(formatted[0], hex(&Sha384::digest(b"createtablea(xint);")), "as sqlx computes it");
        let before = Sqlx.hashes(b"create table a (x int);", &foreign(None));
        let since = Sqlx.hashes(b"create table a (x int);", &foreign(Some(" ")));
        assert!(since.contains(&before[0]) && since[0] != before[0], "rows of before the setting count, too");
    }

    #[test]
    fn a_file_has_the_hashes_of_both_line_ends() {
        let hashes = |bytes| Sqlx.hashes(bytes, &foreign(None));
        let (unix, dos) = (hashes(b"a\nb\n"), hashes(b"a\r\nb\r\n"));
        assert_eq!(unix[0], dos[2], "CRLF is tried as LF");
        assert_eq!(dos[0], unix[1], "LF is tried as CRLF");
        assert_eq!(lines(b"a\r\r\nb\r", b"\n"), b"a\r\nb\r", "only line ends change");
    }
}
