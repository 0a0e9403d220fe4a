//! Doors for `tests/fuzz`: each takes the bytes that a fuzzer makes up to one reader of what strangers send, the same that has
//! its property test beside it or in `hostile`. A reader that panics, goes on for ever or takes more memory than it may has
//! failed; so has one whose outcome breaks what is asserted here.
#![allow(
    clippy::unwrap_used,
    reason = "a fuzzer learns by a panic that something is wrong"
)]
use crate::{
    Clock, Config,
    access::{bitrix24, client_token::ClientToken, mobile::MobileToken, secret::Secret},
    api,
    app::App,
    automation::{rule::Conditions, template},
    branding::image,
    channel::{
        self,
        email::{
            address, form::Form, header, html, mailgun, parse, quote, sendgrid, text, token::Keys,
        },
        smtp_in,
    },
    http,
    import::{self, Format},
    knowledge,
    tenant::Settings,
    ticket::search::Query,
};
use rusqlite::Connection;
use serde_json::Value;
use std::{fs, path::PathBuf, sync::LazyLock};
use tokio::runtime::{self, Runtime};

/// The readers by name.
pub const READERS: &[(&str, fn(&[u8]))] = &[
    ("head", http::strange_head),
    ("json", json),
    ("multipart", multipart),
    ("form", form),
    ("search", search_words),
    ("token", tokens),
    ("mail", mail),
    ("html", mail_html),
    ("markdown", |bytes| knowledge::strange(&lossy(bytes))),
    ("attachment", channel::email::strange_attachment),
    ("smtp", smtp_in::strange),
    ("messenger", messenger),
    ("bitrix24", portal),
    ("rule", rule),
    ("picture", picture),
    ("table", |bytes| import(Format::Csv, bytes)),
    ("zendesk", |bytes| import(Format::Zendesk, bytes)),
    ("dump", dump),
];

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder of this process.
fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tehprof-fuzz-{name}-{}", std::process::id()))
}

static SECRET: LazyLock<Secret> = LazyLock::new(|| {
    let dir = place("secret");
    fs::create_dir_all(&dir).unwrap();
    let secret = Secret::of(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    secret
});

/// An installation without tenants, whose files are removed at once where that does it no harm.
static DESK: LazyLock<(Runtime, App)> = LazyLock::new(|| {
    let dir = place("desk");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let app = {
        let _inside = runtime.enter();
        App::open(Config::new(dir), Clock::manual(1_770_000_000_000)).unwrap()
    };
    (runtime, app)
});

/// A body of the API, for the action that its first two bytes choose.
fn json(bytes: &[u8]) {
    let Some((which, body)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let all: Vec<_> = api::SURFACES.iter().flat_map(|s| s.actions()).collect();
    let (_, action) = all[usize::from(u16::from_be_bytes(*which)) % all.len()];
    // What is decoded is a body of this action, and what is not names the field.
    let _ = action.decodes(value);
}

fn multipart(bytes: &[u8]) {
    let (runtime, app) = &*DESK;
    runtime.block_on(http::strange_parts(app, bytes));
}

fn form(bytes: &[u8]) {
    let form = Form::urlencoded(bytes);
    assert!(mailgun::verify(&form, "key", 0).is_err());
    let _ = mailgun::read(form);
    let _ = mailgun::event(bytes);
    let form = Form::urlencoded(bytes);
    let _ = sendgrid::recipients(&form);
    let _ = sendgrid::read(form);
}

/// What a search asks for is a query that the index understands, whatever was typed.
fn search_words(bytes: &[u8]) {
    thread_local! {
        static INDEX: Connection = {
            let conn = Connection::open_in_memory().unwrap();
            let table = include_str!("../migrations/V071__search_index.sql");
            let (from, to) = (table.find("create virtual").unwrap(), table.find("insert into").unwrap());
            conn.execute_batch(&table[from..to]).unwrap();
            conn
        };
    }
    let text = lossy(bytes);
    INDEX.with(|conn| {
        if let Query::Words(words) = Query::read(&text) {
            let found = "select count(*) from search where search match ?1";
            let _: i64 = conn.query_row(found, [words], |row| row.get(0)).unwrap();
        }
    });
}

fn tokens(bytes: &[u8]) {
    let text = lossy(bytes);
    assert!(ClientToken::read(&text, &SECRET, 0).is_none());
    assert!(MobileToken::read(&text, &SECRET, 0).is_none());
    let keys = Keys::new(b"key", 1);
    assert!(keys.read_message_id(&text).is_none());
    assert!(keys.read_reply_address(&text).is_none());
}

fn mail(bytes: &[u8]) {
    let _ = header::read(bytes);
    let _ = address::list(bytes);
    let mail = parse::parse(bytes);
    assert!(mail.subject.chars().all(|c| !c.is_control()));
    for file in &mail.attachments {
        assert!(!file.name.is_empty() && file.name.len() <= 255);
    }
}

/// What is left of any HTML is left again if it is taken through a second time, and nothing in it runs.
fn mail_html(bytes: &[u8]) {
    let source = lossy(bytes);
    let clean = html::sanitise_within(&source, 1 << 20).html;
    let low = clean.to_ascii_lowercase();
    for bad in ["<script", "<iframe", "<object", "<embed", "<form"] {
        assert!(!low.contains(bad), "{bad} in {clean}");
    }
    let _ = text::of(&clean);
    let _ = html::render(&clean, |_| None);
    if let Some(place) = quote::quoted_from(&source) {
        assert!(source.is_char_boundary(place));
    }
}

fn messenger(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        channel::strange_delivery(&value);
    }
}

fn portal(bytes: &[u8]) {
    if let Some(host) = bitrix24::host(&lossy(bytes)) {
        assert!(!host.contains(['@', '/', '#', '?', '\\']), "{host}");
    }
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        bitrix24::strange(&value);
    }
}

fn rule(bytes: &[u8]) {
    let text = lossy(bytes);
    let _ = Settings::read(&text);
    let _ = template::check(&text, "text");
    let filled = template::fill(&text, |_| Some("{{x}}".to_owned()));
    assert!(filled.len() <= text.len() * 8 + 8);
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let _ = Conditions::read(&value);
    }
}

fn picture(bytes: &[u8]) {
    const KINDS: [&str; 5] = ["png", "jpeg", "gif", "webp", "svg+xml"];
    let Some((kind, body)) = bytes.split_first() else {
        return;
    };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let encoded = data_encoding::BASE64.encode(body);
    let _ = image::read(&format!("data:image/{kind};base64,{encoded}"), "logo");
    let _ = image::read(&lossy(bytes), "logo");
}

/// Reads an export whose one file has these bytes.
fn import(format: Format, bytes: &[u8]) {
    import::strange(format, &place("export"), bytes);
}

fn dump(bytes: &[u8]) {
    let Some((which, body)) = bytes.split_first() else {
        return;
    };
    let format = if which % 2 == 0 {
        Format::Freescout
    } else {
        Format::Osticket
    };
    import(format, body);
}
