//! A list of rows as a file: CSV for programs, a spreadsheet for people. Columns are the fields of the row's type, so that
//! what the API answers as JSON and what it answers as a file cannot differ.
use crate::{
    clock::{self, Millis},
    error::{Error, Result},
};
use jiff::{Timestamp, tz::TimeZone};
use rust_xlsxwriter::{Color, Format, FormatBorder, Workbook, Worksheet};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// A file in answer to a call.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) name: String,
    pub(crate) mime: &'static str,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) const CSV: &str = "text/csv";
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

struct Column {
    name: String,
    is_time: bool,
}

fn columns<T: JsonSchema>() -> Vec<Column> {
    let schema = schema_for!(T);
    let fields = schema.get("properties").and_then(Value::as_object);
    let column = |(name, field): (&String, &Value)| Column {
        name: name.clone(),
        is_time: field["format"] == "date-time",
    };
    fields.into_iter().flatten().map(column).collect()
}

/// A cell of text that a spreadsheet program would take for a formula gets an apostrophe in front, which makes it text
/// again (OWASP, CSV Injection).
fn guarded(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text.clone()),
        Value::Array(items) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            guarded(words.join(", "))
        }
        other => other.to_string(),
    }
}

/// The rows as RFC 4180 has them, in UTF-8, times in UTC.
pub(crate) fn csv<T: Serialize + JsonSchema>(name: &str, rows: &[T]) -> Result<Download> {
    let columns = columns::<T>();
    let mut file = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    file.write_record(columns.iter().map(|c| c.name.as_str()))
        .map_err(Error::internal)?;
    for row in rows {
        let row = serde_json::to_value(row)?;
        file.write_record(columns.iter().map(|c| text_of(&row[&c.name])))
            .map_err(Error::internal)?;
    }
    Ok(Download {
        name: format!("{name}.csv"),
        mime: CSV,
        bytes: file
            .into_inner()
            .map_err(|e| Error::internal(e.to_string()))?,
    })
}

/// A time as spreadsheets count it: days since the end of 1899 by the wall clock of `zone`.
fn serial(at: Millis, zone: &TimeZone) -> f64 {
    const DAY: f64 = 86_400_000.0;
    const EPOCH: f64 = 25_569.0;
    let offset = Timestamp::from_millisecond(at).map_or(0, |t| zone.to_offset(t).seconds());
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this era fit")]
    let local = (at + i64::from(offset) * 1000) as f64;
    EPOCH + local / DAY
}

/// The rows as a workbook: a header that stays in sight, filters, times by the wall clock of `zone`. What does not fit into
/// memory on the way lies in `scratch`, under no name.
pub(crate) fn xlsx<T: Serialize + JsonSchema>(
    name: &str,
    rows: &[T],
    zone: &TimeZone,
    scratch: &Path,
) -> Result<Download> {
    let columns = columns::<T>();
    let mut book = Workbook::new();
    book.set_tempdir(scratch).map_err(Error::internal)?;
    let sheet = book
        .add_worksheet_with_constant_memory()
        .map_err(Error::internal)?;
    fill(sheet, name, &columns, rows, zone)?;
    Ok(Download {
        name: format!("{name}.xlsx"),
        mime: XLSX,
        bytes: book.save_to_buffer().map_err(Error::internal)?,
    })
}

fn fill<T: Serialize>(
    sheet: &mut Worksheet,
    name: &str,
    columns: &[Column],
    rows: &[T],
    zone: &TimeZone,
) -> Result<()> {
    let head = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0xEE_F2_F1))
        .set_border_bottom(FormatBorder::Thin);
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let failed = |error: rust_xlsxwriter::XlsxError| Error::internal(error);
    let last = u16::try_from(columns.len().saturating_sub(1)).map_err(Error::internal)?;
    let end = u32::try_from(rows.len()).map_err(Error::internal)?;
    sheet.set_name(name).map_err(failed)?;
    sheet.set_freeze_panes(1, 0).map_err(failed)?;
    sheet.autofilter(0, 0, end, last).map_err(failed)?;
    for (at, column) in (0u16..).zip(columns) {
        let width = match column.name.as_str() {
            "subject" | "result" => 48.0,
            "company_name" | "assigned_name" | "creator_name" | "creator_email" | "name" => 26.0,
            _ => 18.0,
        };
        sheet.set_column_width(at, width).map_err(failed)?;
        sheet
            .write_with_format(0, at, &column.name, &head)
            .map_err(failed)?;
    }
    for (line, row) in (1u32..).zip(rows) {
        let row = serde_json::to_value(row)?;
        for (at, column) in (0u16..).zip(columns) {
            match &row[&column.name] {
                Value::Null => continue,
                Value::String(text) if column.is_time => {
                    let at_time = clock::parse(text).unwrap_or_default();
                    sheet.write_number_with_format(line, at, serial(at_time, zone), &time)
                }
                Value::Bool(flag) => sheet.write_boolean(line, at, *flag),
                Value::Number(number) => {
                    sheet.write_number(line, at, number.as_f64().unwrap_or_default())
                }
                // A string cell is never a formula; only what a cell can hold is written.
                Value::String(text) => sheet.write_string(line, at, held(text)),
                other => sheet.write_string(line, at, text_of(other)),
            }
            .map_err(failed)?;
        }
    }
    Ok(())
}

/// As much of a text as a cell of a spreadsheet holds.
fn held(text: &str) -> String {
    const MOST: usize = 32_767;
    text.chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::field::At;

    #[derive(Serialize, JsonSchema)]
    struct Line {
        id: i64,
        subject: String,
        at: Option<At>,
        tags: Vec<String>,
        late: bool,
    }

    fn lines() -> Vec<Line> {
        vec![
            Line {
                id: 1,
                subject: "=HYPERLINK(\"http://evil\")".into(),
                at: Some(At(1_773_916_200_000)),
                tags: vec!["vip".into(), "касса".into()],
                late: true,
            },
            Line {
                id: 2,
                subject: "Принтер, \"тот самый\"".into(),
                at: None,
                tags: Vec::new(),
                late: false,
            },
        ]
    }

    #[test]
    fn a_formula_in_a_subject_is_text_in_the_file() {
        let file = csv("report", &lines()).unwrap();
        assert_eq!(
            String::from_utf8(file.bytes).unwrap(),
            "id,subject,at,tags,late\r\n\
             1,\"'=HYPERLINK(\"\"http://evil\"\")\",2026-03-19T10:30:00.000Z,\"vip, касса\",true\r\n\
             2,\"Принтер, \"\"тот самый\"\"\",,,false\r\n"
        );
        for start in ["=1", "+7 701", "-1", "@x", "\t=1", "\r=1"] {
            assert_eq!(guarded(start.into()), format!("'{start}"));
        }
        assert_eq!(guarded("Принтер".into()), "Принтер");
    }

    #[test]
    fn a_report_without_rows_still_names_its_columns() {
        let file = csv::<Line>("report", &[]).unwrap();
        assert_eq!(file.bytes, b"id,subject,at,tags,late\r\n");
    }

    #[test]
    fn a_workbook_is_a_zip_and_its_times_are_the_tenants() {
        let almaty = TimeZone::get("Asia/Almaty").unwrap();
        let file = xlsx("report", &lines(), &almaty, &std::env::temp_dir()).unwrap();
        assert!(file.bytes.starts_with(b"PK\x03\x04"));
        // 2026-03-19 15:30 in Almaty.
        let days = serial(1_773_916_200_000, &almaty);
        assert!((days - (46_100.0 + 15.5 / 24.0)).abs() < 1e-6, "{days}");
    }
}
