//! Rows against files: a verdict for each. No I/O and no clock.

use super::{Finding, FindingKind, ForeignFile, ForeignHistory, ForeignRow, ForeignState, ForeignTable, Match, Pair};
use super::{Says, Verdict};

/// What there is to judge.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) reader: &'a dyn ForeignHistory,
    pub(crate) table: &'a ForeignTable,
    pub(crate) rows: &'a [ForeignRow],
    pub(crate) files: &'a [ForeignFile<'a>],
    /// Other tables of the database, where the history has no rows and Whimbrel's is not there.
    pub(crate) beside: &'a [String],
    pub(crate) accept: &'a [FindingKind],
    /// What was said of rows without a file when they were accepted before.
    pub(crate) remembered: &'a [&'a str],
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) matches: Vec<Match>,
    /// The files that are to be recorded, each with its row.
    pub(crate) record: Vec<(usize, usize)>,
}

impl Case<'_> {
    /// The verdicts.
    pub(crate) fn judge(&self) -> Judged {
        let undone = |row: &ForeignRow| row.state == ForeignState::Undone;
        let pairs = self.reader.pair(self.rows, self.files);
        let first: Vec<Option<usize>> = (0..self.files.len())
            .map(|file| self.rows_of(&pairs, file).find(|(row, pair)| !pair.again && !undone(&self.rows[*row])))
            .map(|found| found.map(|(row, _)| row))
            .collect();
        let (mut matches, mut record) = (Vec::new(), Vec::new());
        matches.extend(self.empty());
        for (file, row) in first.iter().enumerate() {
            let matched = match row {
                Some(row) => self.applied(file, *row, &pairs),
                None => self.without_row(file, &first, &pairs),
            };
            let recorded = matched.verdict.is_to_record();
            record.extend(row.filter(|_| recorded).map(|row| (file, row)));
            matches.push(matched);
            let others = self.rows_of(&pairs, file).filter(|(other, _)| Some(*other) != *row);
            matches.extend(others.map(|(other, _)| self.another(file, other, *row)));
        }
        let alone = (0..self.rows.len()).filter(|row| pairs[*row].is_none());
        matches.extend(alone.map(|row| self.without_file(row)));
        Judged { matches, record }
    }

    fn rows_of<'p>(&self, pairs: &'p [Option<Pair>], file: usize) -> impl Iterator<Item = (usize, &'p Pair)> {
        let pairs = pairs.iter().enumerate().filter_map(|(row, pair)| Some((row, pair.as_ref()?)));
        pairs.filter(move |(_, pair)| pair.file == file)
    }

    fn match_of(&self, file: Option<usize>, row: Option<usize>, verdict: Verdict) -> Match {
        let migration = file.map(|file| self.files[file].migration);
        let row = row.map(|row| &self.rows[row]);
        Match {
            id: migration.map(|it| it.id.clone()),
            name: migration.map(|it| it.name.to_string()),
            file: migration.map(crate::Migration::file),
            row: row.map(ToString::to_string),
            applied_at: row.and_then(|row| row.applied_at),
            verdict,
            note: None,
            findings: Vec::new(),
        }
    }

    /// With what is wrong; the verdict follows from that.
    fn wrong(&self, mut matched: Match, findings: Vec<(FindingKind, String, String)>) -> Match {
        let accepted = |kind, message: &str| {
            let before = kind == FindingKind::MissingFile && self.remembered.contains(&message);
            before || (kind != FindingKind::Dirty && self.accept.contains(&kind))
        };
        let finding = |(kind, message, hint): (FindingKind, String, String)| Finding {
            kind,
            accepted: accepted(kind, &message),
            message,
            hint,
        };
        matched.findings = findings.into_iter().map(finding).collect();
        let all = |fits: fn(&Finding) -> bool| matched.findings.iter().all(fits);
        if !matched.findings.is_empty() {
            matched.verdict = match (all(|it| it.accepted), all(|it| it.kind.is_recorded())) {
                (true, true) => Verdict::Accepted,
                (true, false) => Verdict::LeftOut,
                (false, _) => Verdict::InTheWay,
            };
        }
        matched
    }

    /// A file with its row.
    fn applied(&self, file: usize, row: usize, pairs: &[Option<Pair>]) -> Match {
        if self.files[file].known {
            return self.match_of(Some(file), Some(row), Verdict::Recorded);
        }
        let says = pairs[row].as_ref().map(|pair| &pair.says);
        let verdict = match says {
            Some(Says::Nothing) => Verdict::Unverified,
            Some(Says::ByHand(_)) => Verdict::ByHand,
            _ => Verdict::Verified,
        };
        let mut matched = self.match_of(Some(file), Some(row), verdict);
        if let Some(Says::ByHand(told)) = says {
            matched.note = Some(told.clone());
        }
        let findings = [
            self.dirty(file, row),
            says.and_then(|says| self.disagrees(file, row, says)),
            self.out_of_order(file, row, pairs),
        ];
        self.wrong(matched, findings.into_iter().flatten().collect())
    }

    fn name(&self, file: usize) -> String {
        self.files[file].migration.file()
    }

    fn row(&self, row: usize) -> String {
        format!("{} of {}", self.rows[row], self.table)
    }

    fn dirty(&self, file: usize, row: usize) -> Option<(FindingKind, String, String)> {
        if self.rows[row].state != ForeignState::Dirty {
            return None;
        }
        let (name, this) = (self.name(file), self.found(row));
        let message = format!("{} says that {name} failed or did not end", self.row(row));
        let hint = format!(
            "look how far it came; then do the rest by hand and say so, `UPDATE {table} SET success = true{this}`, or undo it \
             and remove the row, `DELETE FROM {table}{this}`",
            table = self.table
        );
        Some((FindingKind::Dirty, message, hint))
    }

    fn disagrees(&self, file: usize, row: usize, says: &Says) -> Option<(FindingKind, String, String)> {
        let (name, told, tool) = (self.name(file), self.row(row), self.reader.called());
        match says {
            Says::Same | Says::Nothing | Says::ByHand(_) => None,
            Says::Edited => Some((
                FindingKind::Edited,
                format!("{name} was edited since it was applied: its hash is not the one in {told}"),
                "put the file back as it was, from version control; or, where the change makes no difference, record it as it \
                 is with `--accept edited`"
                    .to_owned(),
            )),
            Says::NoHash => Some((
                FindingKind::WrongHash,
                format!("{told} stands for {name}, and its hash is none that {tool} writes"),
                "look whether the file is what was applied; then record it as it is with `--accept wrong-hash`".to_owned(),
            )),
            Says::NoTime { column, time_ms } => {
                let time = time_ms.map_or("…".to_owned(), |ms| ms.to_string());
                let set = format!("UPDATE {} SET {column} = {time}{}", self.table, self.found(row));
                Some((
                    FindingKind::NoTime,
                    format!("{told} stands for {name}, and has no {column}: {tool} may take everything for pending"),
                    format!("set it, `{set}`; or record the migration without a time, with `--accept no-time`"),
                ))
            }
        }
    }

    /// The row was written after that of a file which comes later.
    fn out_of_order(&self, file: usize, row: usize, pairs: &[Option<Pair>]) -> Option<(FindingKind, String, String)> {
        // Rows that nothing tells apart have no order.
        self.rows[row].key.as_ref()?;
        let before = pairs[..row].iter().flatten().filter(|pair| !pair.again && pair.file > file);
        let later = before.map(|pair| pair.file).max()?;
        let (name, later) = (self.name(file), self.name(later));
        let message = format!("{} says that {name} was applied after {later}, which comes later", self.row(row));
        let hint = "look whether the order makes a difference, as by comparing with a database that was made in the folder's \
                    order; then record it as applied with `--accept out-of-order`";
        Some((FindingKind::OutOfOrder, message, hint.to_owned()))
    }

    /// A file without a row.
    fn without_row(&self, file: usize, first: &[Option<usize>], pairs: &[Option<Pair>]) -> Match {
        if self.files[file].known {
            return self.match_of(Some(file), None, Verdict::Recorded);
        }
        let (name, table) = (self.name(file), self.table);
        let newer = first.iter().skip(file + 1).position(Option::is_some).map(|at| self.name(file + 1 + at));
        let why = match self.reader.passes_over(&self.files[file], self.rows, pairs) {
            Some(why) => Some(format!("{} never ran {name}, and never would: {why}", self.reader.called())),
            None => {
                newer.map(|newer| format!("{table} has no row for {name}, and has one for {newer}, which comes later"))
            }
        };
        let hint = "look whether the database has what it does. If not, `--accept skipped` goes on, and leaves it pending: \
                    `whimbrel migrate --allow-out-of-order` applies it. If it does, say so in the table of that tool with a row";
        let matched = self.match_of(Some(file), None, Verdict::Pending);
        self.wrong(matched, why.map(|why| (FindingKind::Skipped, why, hint.to_owned())).into_iter().collect())
    }

    /// Another row for a file.
    fn another(&self, file: usize, row: usize, first: Option<usize>) -> Match {
        let is_undone = self.rows[row].state == ForeignState::Undone;
        let verdict = if is_undone { Verdict::Undone } else { Verdict::Recorded };
        let matched = self.match_of(Some(file), Some(row), verdict);
        if is_undone || self.files[file].known {
            return matched;
        }
        let (name, this) = (self.name(file), self.found(row));
        let first = first.map_or_else(String::new, |first| format!(", as {} does", self.rows[first]));
        let message = format!("{} stands for {name}{first}: it was applied more than once", self.row(row));
        let hint = format!(
            "look whether what it does was done twice, and mend that; then remove the row, `DELETE FROM {}{this}`, or count it \
             once with `--accept duplicate`",
            self.table
        );
        self.wrong(matched, vec![(FindingKind::Duplicate, message, hint)])
    }

    /// A row without a file.
    fn without_file(&self, row: usize) -> Match {
        let matched = self.match_of(None, Some(row), Verdict::Undone);
        if self.rows[row].state == ForeignState::Undone {
            return matched;
        }
        if self.rows[row].state == ForeignState::Dirty {
            let message = format!("{} failed or did not end, and stands for no file of the folder", self.row(row));
            let hint = format!(
                "restore the file, and look how far it came; or undo what it did and remove the row, `DELETE FROM {}{}`",
                self.table,
                self.found(row)
            );
            return self.wrong(matched, vec![(FindingKind::Dirty, message, hint)]);
        }
        let message = format!("{} stands for no file of the folder", self.row(row));
        let hint = "restore the file from version control, with its entry in the journal where there is one; or go on without \
                    it with `--accept missing-file`: the row stays where it is, and is not recorded";
        self.wrong(matched, vec![(FindingKind::MissingFile, message, hint.to_owned())])
    }

    /// A table without rows in a database that was used.
    fn empty(&self) -> Option<Match> {
        if !self.rows.is_empty() || self.beside.is_empty() {
            return None;
        }
        let message = format!("{} has no rows, and the database has tables: {}", self.table, self.beside.join(", "));
        let hint = "put the rows back, from a backup; or, where nothing of the folder was applied, go on with `--accept empty`";
        Some(
            self.wrong(
                self.match_of(None, None, Verdict::Pending),
                vec![(FindingKind::Empty, message, hint.to_owned())],
            ),
        )
    }

    /// The condition that finds a row.
    fn found(&self, row: usize) -> String {
        let row = &self.rows[row];
        let is = |(column, value): (&str, &str)| {
            let number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            let value = if number { value.to_owned() } else { crate::quote_literal(value) };
            format!("{column} = {value}")
        };
        let known = row.key.iter().map(|(column, value)| is((column, value))).collect::<Vec<_>>();
        let values = row.values.iter().map(|(column, value)| match value {
            Some(value) => is((column, value)),
            None => format!("{column} IS NULL"),
        });
        let conditions = if known.is_empty() { values.collect() } else { known };
        format!(" WHERE {}", conditions.join(" AND "))
    }
}
