//! Identifiers: positive integers, one type for each kind of thing, so that one cannot be given where another is meant.
use super::{Fault, integer, parameter, refuse};
use crate::error::Result;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::{borrow::Cow, fmt};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) i64);
        parameter!(
            $name,
            stringify!($name),
            |value| integer(&value).and_then(|n| if n > 0 { Ok($name(n)) } else { Err(Fault::NotPositive) }),
            { "type": "integer", "format": "int64", "minimum": 1 }
        );
        impl rusqlite::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }
        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                value.as_i64().map($name)
            }
        }
        impl From<$name> for rusqlite::types::Value {
            fn from(id: $name) -> Self {
                rusqlite::types::Value::Integer(id.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A company that gives support.
    TenantId,
    /// A ticket's number, counted per tenant.
    TicketId,
    MessageId,
    OperatorId,
    ClientId,
    ContactId,
    TagId,
    FileId,
    ChannelId,
    KeyId,
    SessionId,
    MobileSessionId,
    PortalId,
    QuickReplyId,
    ArticleId,
    TariffId,
    TimeEntryId,
    ViewId,
    TriggerId,
    MacroId,
    WebhookId,
    DeliveryId,
    NotificationId,
}
