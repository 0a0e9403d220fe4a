//! A value of a row as the file writes it: what JSON cannot tell apart or keep exactly is written as text in an object.
use data_encoding::BASE64;
use rusqlite::types::{Value, ValueRef};
use serde_json::{Value as Json, json};

/// `None` for a text that is no UTF-8.
pub(super) fn write(value: ValueRef<'_>) -> Option<Json> {
    Some(match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => json!({ "real": format!("{number:?}") }),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok()?.into(),
        ValueRef::Blob(bytes) => json!({ "bytes": BASE64.encode(bytes) }),
    })
}

/// `None` for what [`write()`] does not write.
pub(super) fn read(cell: Json) -> Option<Value> {
    Some(match cell {
        Json::Null => Value::Null,
        Json::Number(number) => Value::Integer(number.as_i64()?),
        Json::String(text) => Value::Text(text),
        Json::Object(fields) if fields.len() == 1 => {
            let (kind, text) = fields.iter().next()?;
            let text = text.as_str()?;
            match kind.as_str() {
                "real" => Value::Real(text.parse().ok()?),
                "bytes" => Value::Blob(BASE64.decode(text.as_bytes()).ok()?),
                _ => return None,
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_as_it_was() {
        let values = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Real(0.1 + 0.2),
            Value::Real(3.0),
            Value::Real(-0.0),
            Value::Real(f64::INFINITY),
            Value::Text("«Ё» \u{0} \n \u{1f600}".into()),
            Value::Text("{\"real\":\"1\"}".into()),
            Value::Blob(vec![0, 255, 10]),
        ];
        for value in values {
            let line = write(ValueRef::from(&value)).unwrap().to_string();
            let back = read(serde_json::from_str(&line).unwrap());
            assert_eq!(back, Some(value), "{line}");
        }
        assert_eq!(write(ValueRef::Text(&[0xff])), None);
    }

    #[test]
    fn what_is_never_written_is_not_read() {
        for cell in [
            json!(1.5),
            json!(true),
            json!([]),
            json!({}),
            json!({ "real": "much" }),
            json!({ "bytes": "?" }),
            json!({ "real": "1", "bytes": "" }),
            json!(u64::MAX),
        ] {
            assert_eq!(read(cell.clone()), None, "{cell}");
        }
    }
}
