//! What a command says: results on standard output, everything else on standard error.
use super::failure::Failure;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, Write},
};

/// Writes a line of the result, at once.
pub(super) fn say(line: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Writes the result as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    say(serde_json::to_string_pretty(value)?)
}

/// Writes rows below their headings, each column as wide as its longest text.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: Vec<[String; N]>,
) -> Result<(), Failure> {
    for line in lines(headings, rows) {
        say(line)?;
    }
    Ok(())
}

fn lines<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> Vec<String> {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    let mut widths = [0; N];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: [String; N]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.into_iter().map(line).collect()
}

/// Tells a person what a script need not read. That nobody can read it is no failure.
pub(super) fn note(sentence: &str) {
    let _ = writeln!(io::stderr().lock(), "{sentence}");
}

/// Tells what went wrong.
pub(super) fn complain(sentence: &str) {
    note(&format!("tehprof: {sentence}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_in_any_alphabet() {
        let rows = vec![
            ["1".to_owned(), "ТОО «Сервис»".to_owned(), "pro".to_owned()],
            ["12".to_owned(), "Acme".to_owned(), "free".to_owned()],
        ];
        let expected = [
            "id  name          plan",
            "1   ТОО «Сервис»  pro",
            "12  Acme          free",
        ];
        assert_eq!(lines(["id", "name", "plan"], rows), expected);
    }
}
