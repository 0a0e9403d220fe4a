//! How many of something there may be.
use super::{decode::refuse, integer, parameter};
use crate::error::{Fault, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;

/// A number, or `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Most(pub(crate) Option<u32>);

impl Most {
    /// The largest number that a limit may be set to.
    pub(crate) const LARGEST: u32 = 1_000_000_000;
}

fn counted(value: &Value) -> Result<Most, Fault> {
    let n = u32::try_from(integer(value)?).ok();
    match n.filter(|n| *n <= Most::LARGEST) {
        Some(n) => Ok(Most(Some(n))),
        None => Err(Fault::OutOfRange(0, Most::LARGEST.into())),
    }
}

parameter!(
    Most,
    "Most",
    |value| match value.as_str() {
        Some("unlimited") => Ok(Most(None)),
        _ => counted(&value),
    },
    { "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 1_000_000_000 },
        { "type": "string", "enum": ["unlimited"] },
    ] }
);

impl Serialize for Most {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(n) => sink.serialize_u32(n),
            None => sink.serialize_str("unlimited"),
        }
    }
}
