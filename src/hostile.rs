//! Everything that reads what strangers send, under whatever bytes and JSON chance makes: it ends, and it does not panic. The
//! parsers of mail, of SMTP, of HTTP heads and of SQL dumps have tests of this kind beside them.
use crate::{
    access::{bitrix24, client_token::ClientToken, mobile::MobileToken, secret::Secret},
    automation::{rule::Conditions, template},
    branding::image,
    channel::email::{address, form::Form, header, mailgun, token::Keys},
    import::{self, Format},
    tenant::Settings,
    ticket::search::{self, Query},
};
use proptest::{collection, prelude::*, sample::select};
use rusqlite::Connection;
use serde_json::{Map, Value};
use std::{
    fs,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// JSON of some depth, its names from `names` more often than not.
pub(crate) fn json(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let word = prop_oneof![3 => select(names).prop_map(str::to_owned), 1 => "\\PC{0,8}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,24}".prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            collection::vec((word.clone(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// An installation's secret, made once.
static SECRET: LazyLock<Secret> = LazyLock::new(|| {
    let dir = std::env::temp_dir().join(format!("tehprof-hostile-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let secret = Secret::of(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    secret
});

/// Reads an export whose one file has these bytes.
fn import(format: Format, bytes: &[u8]) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nth = COUNT.fetch_add(1, Ordering::Relaxed);
    let file: PathBuf =
        std::env::temp_dir().join(format!("tehprof-export-{}-{nth}", std::process::id()));
    import::strange(format, &file, bytes);
}

const ZENDESK: &[&str] = &[
    "id",
    "subject",
    "status",
    "tickets",
    "users",
    "comments",
    "audits",
    "events",
    "ticket_id",
    "author_id",
    "body",
    "html_body",
    "attachments",
    "file_name",
    "tags",
    "created_at",
    "2025-01-01T00:00:00Z",
    "via",
    "channel",
    "requester",
    "organization",
    "domain_names",
    "name",
    "email",
    "type",
    "Comment",
    "public",
    "metric_set",
];

const CONDITIONS: &[&str] = &[
    "all", "any", "field", "op", "value", "status", "priority", "is", "is_not", "contains", "tags",
    "subject", "hours",
];

proptest! {
    #[test]
    fn what_a_search_asks_for_is_always_a_query_that_the_index_understands(text in "(\\PC|[\"*^(){}:+-]| OR | NEAR | AND ){0,40}") {
        let conn = Connection::open_in_memory().unwrap();
        let table = include_str!("../migrations/V071__search_index.sql");
        let (from, to) = (table.find("create virtual").unwrap(), table.find("insert into").unwrap());
        conn.execute_batch(&table[from..to]).unwrap();
        search::insert(&conn, 1, "", &text).unwrap();
        if let Query::Words(words) = Query::read(&text) {
            let found: Result<i64, _> = conn.query_row("select count(*) from search where search match ?1", [words], |row| row.get(0));
            prop_assert_eq!(found, Ok(1));
        }
    }

    #[test]
    fn a_token_that_is_not_ours_is_nobody_s(text in "(tpc_|ct_|m1\\.|[A-Za-z0-9_.=-]|\\PC){0,80}") {
        prop_assert!(ClientToken::read(&text, &SECRET, 0).is_none());
        prop_assert!(MobileToken::read(&text, &SECRET, 0).is_none());
        let keys = Keys::new(b"key", 1);
        prop_assert!(keys.read_message_id(&text).is_none());
        prop_assert!(keys.read_reply_address(&text).is_none());
    }

    #[test]
    fn a_delivery_of_mailgun_is_read_or_refused(bytes in collection::vec(any::<u8>(), 0..300), named in "((timestamp|token|signature|sender|recipient|body-mime|subject)=[^&]{0,12}&){0,8}") {
        let _ = mailgun::event(&bytes);
        for body in [&bytes[..], named.as_bytes()] {
            let form = Form::urlencoded(body);
            prop_assert!(mailgun::verify(&form, "key", 0).is_err());
            let _ = mailgun::read(form);
        }
    }

    #[test]
    fn headers_and_addresses_are_read_from_anything(bytes in collection::vec(any::<u8>(), 0..300)) {
        let _ = header::read(&bytes);
        let _ = address::list(&bytes);
        let _ = address::bare(&String::from_utf8_lossy(&bytes));
        let _ = bitrix24::host(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_portal_s_host_is_a_host_and_nothing_else(text in "(https?://)?[a-z0-9.@:/#?\\\\-]{0,40}(\\.bitrix24\\.kz)?") {
        if let Some(host) = bitrix24::host(&text) {
            prop_assert!(!host.contains(['@', '/', '#', '?', '\\']), "{host}");
        }
    }

    #[test]
    fn settings_rules_and_templates_are_read_or_refused(value in json(CONDITIONS), text in "(\\{\\{|\\}\\}|\\{|[a-z_.]{1,8}|\\PC){0,30}") {
        let _ = Settings::read(&value.to_string());
        let _ = Conditions::read(&value);
        let _ = template::check(&text, "text");
        let filled = template::fill(&text, |_| Some("{{x}}".to_owned()));
        prop_assert!(filled.len() <= text.len() * 8 + 8);
    }

    #[test]
    fn a_picture_is_one_or_refused(kind in "(png|jpeg|gif|webp|svg\\+xml|[a-z]{0,5})", bytes in collection::vec(any::<u8>(), 0..120)) {
        let encoded = data_encoding::BASE64.encode(&bytes);
        let _ = image::read(&format!("data:image/{kind};base64,{encoded}"), "logo");
        let _ = image::read(&String::from_utf8_lossy(&bytes), "logo");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_export_of_another_desk_is_read_or_refused(values in collection::vec(json(ZENDESK), 1..4), bytes in collection::vec(any::<u8>(), 0..200), cells in "(ticket|subject|created_at|status|message|[;,\"\t\n]|2025-01-01|\\PC){0,40}") {
        let lines: Vec<String> = values.iter().map(Value::to_string).collect();
        import(Format::Zendesk, lines.join("\n").as_bytes());
        import(Format::Csv, format!("ticket,subject,created_at\n{cells}").as_bytes());
        for format in Format::ALL {
            import(format, &bytes);
        }
    }
}
