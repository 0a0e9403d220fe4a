//! Files that are damaged, foreign, or whole and yet do not fit.
use super::world::{World, sentence};
use crate::tenant::transfer::Source;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The lines of an export whose attachments are lines as well.
fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Writes lines with a last line that fits them.
fn sign(file: &Path, lines: &[String]) {
    let mut counts = json!({ "rows": {}, "blobs": 0 });
    for line in lines {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if let Some(table) = line["row"]["table"].as_str() {
            let count = counts["rows"][table].as_u64().unwrap_or(0);
            counts["rows"][table] = (count + 1).into();
        }
        if line["blob"].is_object() {
            counts["blobs"] = (counts["blobs"].as_u64().unwrap() + 1).into();
        }
    }
    let mut text = lines.join("\n") + "\n";
    let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    let end = json!({ "end": { "counts": counts, "blake3": hash } });
    text.push_str(&format!("{end}\n"));
    fs::write(file, text).unwrap();
}

#[test]
fn a_changed_or_missing_byte_is_noticed_wherever_it_is() {
    let here = World::new();
    let file = here.dir.join("small.tenant");
    here.export(here.small("small"), &file).unwrap();
    let whole = fs::read(&file).unwrap();
    Source::open(&file).unwrap();
    let altered = here.dir.join("altered.tenant");
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&altered, &bytes).unwrap();
        assert!(Source::open(&altered).is_err(), "byte {at} was changed");
    }
    for length in (0..whole.len()).step_by(11) {
        fs::write(&altered, &whole[..length]).unwrap();
        assert!(Source::open(&altered).is_err(), "cut after {length}");
    }
    for more in ["\n", "{}", "x"] {
        fs::write(&altered, [&whole, more.as_bytes()].concat()).unwrap();
        let refused = sentence(Source::open(&altered));
        assert!(
            refused.ends_with("it goes on after its last line"),
            "{refused}"
        );
    }
}

#[test]
fn a_foreign_file_is_called_so() {
    let here = World::new();
    let file = here.dir.join("foreign");
    for foreign in ["", "tehprof", "PK\u{3}\u{4}", "{\"row\":{}}\n"] {
        fs::write(&file, foreign).unwrap();
        let refused = sentence(Source::open(&file));
        assert!(
            refused.ends_with("is not an export of a tenant"),
            "{refused}"
        );
    }
    fs::write(&file, "tehprof tenant 2\n{}\n").unwrap();
    assert!(sentence(Source::open(&file)).contains("another version"));
    let gone = sentence(Source::open(&here.dir.join("gone")));
    assert!(gone.starts_with("cannot read "), "{gone}");
}

#[test]
fn a_whole_file_that_does_not_fit_changes_nothing() {
    let (here, there) = (World::new(), World::new());
    there.small("other");
    let file = here.dir.join("small.tenant");
    here.export(here.small("small"), &file).unwrap();
    let whole = lines(&file);
    let whole = &whole[..whole.len() - 1];
    let before = there.state();
    type Edit = fn(&mut Vec<String>);
    fn row(lines: &[String], table: &str) -> usize {
        let start = format!("{{\"row\":{{\"table\":\"{table}\"");
        lines
            .iter()
            .position(|line| line.starts_with(&start))
            .unwrap()
    }
    fn replace(lines: &mut [String], table: &str, from: &str, to: &str) {
        let line = &mut lines[row(lines, table)];
        assert!(line.contains(from), "{line}");
        *line = line.replacen(from, to, 1);
    }
    let edits: [(&str, Edit, &str); 15] = [
        (
            "a newer schema",
            |lines| {
                let schema = crate::db::migrate::latest();
                let line = &mut lines[1];
                let old = format!("\"schema\":{schema}");
                assert!(line.contains(&old));
                *line = line.replace(&old, &format!("\"schema\":{}", schema + 1));
            },
            "was written by a newer tehprof",
        ),
        (
            "an unknown table",
            |lines| replace(lines, "sla_rule", "sla_rule", "session"),
            "this schema has no table \"session\" that moves",
        ),
        (
            "an unknown column",
            |lines| replace(lines, "ticket", "\"subject\":", "\"theme\":"),
            "a row has no ticket.subject",
        ),
        (
            "a column too many",
            |lines| replace(lines, "ticket", "\"subject\":", "\"theme\":1,\"subject\":"),
            "ticket has no column \"theme\" in this schema",
        ),
        (
            "somebody else's row",
            |lines| {
                replace(
                    lines,
                    "ticket",
                    "\"subject\":",
                    "\"tenant_id\":1,\"subject\":",
                )
            },
            "ticket has no column \"tenant_id\" in this schema",
        ),
        (
            "a value without a type",
            |lines| replace(lines, "operator", "\"phone\":null", "\"phone\":[]"),
            "a value of operator.phone has no type",
        ),
        (
            "a number twice",
            |lines| {
                let at = row(lines, "operator");
                let again = lines[at].replace("anna@", "olga@");
                lines.insert(at, again);
            },
            "two rows of operator have one number",
        ),
        (
            "rows out of order",
            |lines| {
                let at = row(lines, "operator");
                let operator = lines.remove(at);
                let at = row(lines, "ticket");
                lines.insert(at, operator);
            },
            "rows of operator come too late",
        ),
        (
            "no tenant",
            |lines| drop(lines.remove(2)),
            "it does not hold one tenant",
        ),
        (
            "two tenants",
            |lines| {
                let second = lines[2]
                    .replace("\"small\"", "\"second\"")
                    .replace("wk_", "wk2");
                lines.insert(3, second);
            },
            "it does not hold one tenant",
        ),
        (
            "a reference to nothing",
            |lines| replace(lines, "message", "\"ticket_id\":1", "\"ticket_id\":8"),
            "message.ticket_id names the ticket 8, which is not in it",
        ),
        (
            "an attachment that is missing",
            |lines| {
                let at = lines
                    .iter()
                    .position(|line| line.starts_with("{\"blob\""))
                    .unwrap();
                lines.drain(at..at + 2);
            },
            "which is not in it",
        ),
        (
            "a wrong size",
            |lines| replace(lines, "file", "\"size\":8", "\"size\":9"),
            "file.hash tells a wrong size of the attachment",
        ),
        (
            "what the database refuses",
            |lines| replace(lines, "ticket", "\"status\":\"new\"", "\"status\":\"odd\""),
            "nothing was imported: a row of ticket does not fit",
        ),
        (
            "a ticket that goes on in none",
            |lines| replace(lines, "ticket", "\"merged_into\":null", "\"merged_into\":9"),
            "nothing was imported: a row of ticket names no ticket of its own",
        ),
    ];
    for (what, edit, words) in edits {
        let mut altered = whole.to_vec();
        edit(&mut altered);
        sign(&file, &altered);
        let refused = sentence(there.import(&file));
        assert!(refused.contains(words), "{what}: {refused}");
        assert_eq!(there.state(), before, "{what}");
    }
    sign(&file, whole);
    there.import(&file).unwrap();
}

#[test]
fn what_an_older_schema_did_not_have_gets_its_default() {
    let (here, there) = (World::new(), World::new());
    let file = here.dir.join("small.tenant");
    here.export(here.small("small"), &file).unwrap();
    let mut altered = lines(&file);
    altered.pop();
    for line in &mut altered {
        *line = line
            .replace("\"shared_tickets\":0,", "")
            .replace("\"can_edit\":1,", "");
    }
    sign(&file, &altered);
    let arrived = there.import(&file).unwrap();
    let sql = "select count(*) from operator where can_edit = 1";
    assert_eq!((arrived.0, there.count(sql)), (1, 1));
}
