//! An installation without a server, and what can be seen of it from outside.
use crate::{
    access::{
        rules::Role,
        secret::{Key, Purpose, Secret},
    },
    api::{
        Upload,
        field::{MessageId, TenantId},
    },
    audit::chain::Walk,
    blob::Blobs,
    channel::config,
    clock::Clock,
    db::{
        Closing, Db, Snapshot, Tx, migrate,
        sql::{all, one},
    },
    demo,
    error::Result,
    lang::Lang,
    operator::{self, NewOperator},
    tenant::{
        self, NewTenant,
        plan::Plan,
        transfer::{
            Import, Landing, Source, Target, export,
            frame::Counts,
            schema::{self, Meaning, Table},
        },
    },
    ticket::{self, Acting, Actor, NewTicket, message::Draft, model::Origin},
};
use rusqlite::{Connection, types::Value};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::runtime::{self, Runtime};

pub(super) struct World {
    pub(super) dir: PathBuf,
    pub(super) secret: Secret,
    db: Db,
    closing: Closing,
    runtime: Runtime,
}

impl Drop for World {
    fn drop(&mut self) {
        self.runtime.block_on(self.db.close());
        self.closing.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The sentence of a refusal.
#[track_caller]
pub(super) fn sentence<T>(outcome: Result<T>) -> String {
    match outcome {
        Ok(_) => panic!("it was done"),
        Err(error) => std::error::Error::source(&error).unwrap().to_string(),
    }
}

impl World {
    pub(super) fn new() -> World {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tehprof-transfer-{}-{nth}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).unwrap();
        let path = dir.join("tehprof.db");
        migrate::bring_up(&path).unwrap();
        let (db, closing) = Db::open(&path, Clock::manual(1_770_000_000_000)).unwrap();
        World {
            secret: Secret::of(&dir).unwrap(),
            db,
            closing,
            runtime: runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap(),
            dir,
        }
    }

    pub(super) fn try_look<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.runtime.block_on(self.db.read(f))
    }

    pub(super) fn look<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.try_look(f).unwrap()
    }

    pub(super) fn change<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.db.write(f)).unwrap()
    }

    pub(super) fn count(&self, sql: &'static str) -> i64 {
        self.look(move |db| one(db, sql, [], |row| row.get(0)))
    }

    pub(super) fn word(&self, sql: &str) -> String {
        let sql = sql.to_owned();
        self.look(move |db| one(db, &sql, [], |row| row.get(0)))
    }

    pub(super) fn connection(&self) -> Connection {
        Connection::open(self.dir.join("tehprof.db")).unwrap()
    }

    fn files(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// A tenant with one of each: operator, channel, ticket with a message, attachment.
    pub(super) fn small(&self, name: &'static str) -> TenantId {
        let blobs = Blobs::open(&self.files()).unwrap();
        let secret = self.secret.clone();
        self.change(move |tx| {
            let id = tenant::create(
                tx,
                &NewTenant {
                    name,
                    domain: Some(name),
                    plan: Plan::Enterprise,
                    locale: Lang::Ru,
                    timezone: None,
                },
                tx.now,
            )?;
            let person = NewOperator {
                name: "Анна",
                email: &format!("anna@{name}.kz"),
                phone: None,
                role: Role::Admin,
                department: None,
                password_hash: None,
                locale: None,
            };
            operator::create(tx, id, &person, tx.now)?;
            tx.execute(
                "insert into channel (tenant_id, type, name, config, secrets, created_at) values (?1, 'email', 'Почта', '{}', ?2, 1)",
                (id, secret.seal(b"{}")?),
            )?;
            let upload = Upload {
                name: "a.txt".into(),
                mime: "text/plain".into(),
                blob: blobs.put(id, b"one line")?,
            };
            let first = Draft {
                uploads: vec![upload],
                ..Draft::client("Не печатает".into())
            };
            let new = NewTicket::new("Принтер".into(), Origin::Api, "Иван".into());
            ticket::open(&Acting::new(tx, id, Actor::system()), new, first)?;
            Ok(id)
        })
    }

    /// The demo desk, and beside it a row at least of each kind that the demo has none of.
    pub(super) fn play(&self) -> TenantId {
        let blobs = Blobs::open(&self.files()).unwrap();
        let secret = self.secret.clone();
        self.change(move |tx| {
            let id = demo::play(tx, "no password fits this")?;
            let channel = demo::open_mailbox(tx, id, &secret)?.unwrap();
            let mut mailbox = config::by_id(tx, &secret, id, channel)?;
            mailbox.secrets.smtp_password = Some("pa55 of mail".into());
            config::update(tx, &secret, &mailbox)?;
            tx.execute(
                "insert into totp (tenant_id, operator_id, secret, enabled_at)
                 values (?1, (select max(id) from operator), ?2, 5)",
                (id, secret.seal(b"GEZDGNBVGY3TQOJQ")?),
            )?;
            let upload = |bytes: &[u8]| -> Result<Upload> {
                Ok(Upload {
                    name: "Акт №1.pdf".into(),
                    mime: "application/pdf".into(),
                    blob: blobs.put(id, bytes)?,
                })
            };
            let first = Draft {
                uploads: vec![upload(b"a report\n{}\n")?, upload(b"a report\n{}\n")?],
                ..Draft::client("Акт во вложении".into())
            };
            let new = NewTicket::new("Акт".into(), Origin::Api, "Иван".into());
            let cx = Acting::new(tx, id, Actor::system());
            let (_, message) = ticket::open(&cx, new, first)?;
            let raw = blobs.put(id, b"From: a@b.kz\n\nraw")?;
            rare(tx, id, channel.0, message, &raw.hash)?;
            Ok(id)
        })
    }

    pub(super) fn export(&self, tenant: TenantId, file: &Path) -> Result<Counts> {
        self.write(tenant, Target::new(file.to_owned(), false)?)
    }

    pub(super) fn export_over(&self, tenant: TenantId, file: &Path) -> Result<Counts> {
        self.write(tenant, Target::new(file.to_owned(), true)?)
    }

    fn write(&self, tenant: TenantId, target: Target) -> Result<Counts> {
        let (secret, blobs) = (self.secret.clone(), Blobs::beside(&self.files()));
        self.try_look(move |db| export(db, &secret, &blobs, &tenant::by_id(db, tenant)?, target))
    }

    pub(super) fn import(&self, file: &Path) -> Result<TenantId> {
        let source = Source::open(file)?;
        let import = self.try_look(move |db| Import::fit(db, source))?;
        let landing = Landing::open(&self.files())?;
        import.land(&landing)?;
        let secret = self.secret.clone();
        self.runtime.block_on(
            self.db
                .write(move |tx| import.settle(tx, &secret, &landing)),
        )
    }

    /// All rows of a tenant, each number of another row told as that row's place among its own.
    pub(super) fn rows(&self, tenant: TenantId) -> BTreeMap<&'static str, Vec<Vec<Value>>> {
        let secret = self.secret.clone();
        self.look(move |db| {
            let mut rows = BTreeMap::new();
            for table in schema::tables(db)? {
                rows.insert(table.name, places(db, &secret, tenant, &table)?);
            }
            Ok(rows)
        })
    }

    pub(super) fn place(&self, tenant: TenantId, hash: &str) -> PathBuf {
        Blobs::beside(&self.files()).place(tenant, hash)
    }

    pub(super) fn bytes(&self, tenant: TenantId, hash: &str) -> Vec<u8> {
        fs::read(self.place(tenant, hash)).unwrap()
    }

    /// The attachments that rows name.
    pub(super) fn blobs(&self, tenant: TenantId) -> Vec<(String, Vec<u8>)> {
        let hashes: Vec<String> = self.look(move |db| {
            let sql = "select hash from file where tenant_id = ?1 union select raw_hash from inbound_event where tenant_id = ?1";
            all(db, sql, [tenant], |row| row.get(0))
        });
        let with_bytes = |hash: String| (hash.clone(), self.bytes(tenant, &hash));
        hashes.into_iter().map(with_bytes).collect()
    }

    /// How much there is of everything.
    pub(super) fn state(&self) -> (Vec<i64>, Vec<PathBuf>) {
        fn below(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    below(&entry.path(), found);
                } else if entry.file_name() != "lock" {
                    found.push(entry.path());
                }
            }
        }
        let counts = self.look(|db| {
            let count = |table: &str| {
                let sql = format!("select count(*) from {table}");
                one(db, &sql, [], |row| row.get(0))
            };
            schema::MOVED
                .into_iter()
                .chain(["search"])
                .map(count)
                .collect()
        });
        let mut found = Vec::new();
        below(&self.files(), &mut found);
        found.sort();
        (counts, found)
    }

    /// What is wrong with references and index.
    pub(super) fn damage(&self) -> Vec<String> {
        let key = self.secret.key(Purpose::Audit);
        self.look(move |db| {
            let broken = r#"select "table" from pragma_foreign_key_check"#;
            let mut wrong: Vec<String> = all(db, broken, [], |row| row.get(0))?;
            let unfound = "select 'message ' || id from message
                            where deleted_at is null
                              and not exists (select 1 from search where rowid = (tenant_id << 48) + (ticket_id << 20) + ordinal)";
            wrong.extend(broken_chains(db, &key)?);
            wrong.extend(all(db, unfound, [], |row| row.get(0))?);
            Ok(wrong)
        })
    }
}

/// What is wrong with the audit logs.
fn broken_chains(conn: &Connection, key: &Key) -> Result<Vec<String>> {
    let walk = Walk::new(*key).onward(conn, i64::MAX)?;
    Ok(walk.findings().unwrap_or_default().to_vec())
}

/// What the demo does not do: an edit, a participant, a merge, a late reply, mail in and out, an audited call.
fn rare(tx: &Tx<'_>, tenant: TenantId, channel: i64, message: MessageId, raw: &str) -> Result<()> {
    let operator: i64 = one(tx, "select max(id) from operator", [], |row| row.get(0))?;
    let changes = [
        "insert into message_edit (tenant_id, message_id, body, edited_at, edited_by) values (:tenant, :message, 'было', 5, :operator)",
        "insert into participant (tenant_id, ticket_id, email) values (:tenant, 3, 'second@b.kz')",
        "update ticket set merged_into = 150 where tenant_id = :tenant and id = 5",
        "update ticket set previous_ticket = 6, channel_id = :channel where tenant_id = :tenant and id = 9",
        "insert into audit_log (tenant_id, at, actor_type, actor_id, actor_name, action, subject, address, request_id)
         values (:tenant, 1, 'operator', :operator, 'Анна', 'moved', '{}', '127.0.0.1', 'r1')",
        "insert into event (tenant_id, ticket_id, at, actor_type, actor_id, actor_name, kind)
         values (:tenant, 9, 1, 'client', 77, 'Иван', 'read')",
        "insert into chat (tenant_id, channel_id, address, title, contact_id, created_at)
         values (:tenant, :channel, '77', 'Асем', (select min(id) from contact where tenant_id = :tenant), 1)",
        "insert into chat_name (tenant_id, channel_id, name, chat_id)
         values (:tenant, :channel, '77', (select max(id) from chat))",
        "insert into ticket_chat (tenant_id, ticket_id, chat_id) values (:tenant, 9, (select max(id) from chat))",
        "insert into chat_message (tenant_id, channel_id, external_id, chat_id, message_id, reply_to_id)
         values (:tenant, :channel, '77:1', (select max(id) from chat), :message, :message)",
        "insert into reaction (tenant_id, message_id, author, author_name, emoji, at)
         values (:tenant, :message, '77', 'Асем', '👍', 1)",
        "insert into staff_chat (tenant_id, operator_id, chat_id, created_at)
         values (:tenant, :operator, (select max(id) from chat), 1)",
        "update file set uploaded_by = :operator where tenant_id = :tenant and id = (select max(id) from file)",
        "insert into webhook (tenant_id, url, events, secret, created_at) values (:tenant, 'https://a.kz', '[]', (select max(secrets) from channel where tenant_id = :tenant), 1)",
        "insert into webhook_delivery (tenant_id, webhook_id, uid, type, body, next_at, created_at)
         values (:tenant, (select max(id) from webhook), 'msg_1', 'ticket.created', '{}', 1, 1)",
        "insert into trigger (tenant_id, name, event, conditions, actions, position, last_assigned, created_at)
         values (:tenant, 'Дежурному', 'ticket_created', '{}', '[]', 1, :operator, 1)",
        "insert into trigger_run (tenant_id, trigger_id, ticket_id, at, outcome)
         values (:tenant, (select max(id) from trigger), 3, 1, 'done')",
        "insert into macro (tenant_id, title) values (:tenant, 'Ждём')",
        "insert into notification (tenant_id, operator_id, kind, ticket_id, message_id, created_at)
         values (:tenant, :operator, 'message', 3, :message, 1)",
        "insert into notification_setting (tenant_id, operator_id, settings) values (:tenant, :operator, '{}')",
        "insert into imported_ticket (tenant_id, source, external_id, ticket_id, digest, last_event_id, imported_at)
         values (:tenant, 'zendesk', '35436', 3, 'd', (select max(id) from event where tenant_id = :tenant), 1)",
        "insert into imported_message (tenant_id, source, external_id, message_id) values (:tenant, 'zendesk', '9001', :message)",
        "insert into brand_image (tenant_id, kind, hash, mime, bytes) values (:tenant, 'logo', 'h' || :tenant, 'image/png', x'89504e47')",
        "insert into demo_run (tenant_id, enabled_at, enabled_by, enabled_by_name, disabled_at) values (:tenant, 1, :operator, 'Анна', 2)",
        "insert into contact_address (tenant_id, email, contact_id)
         values (:tenant, 'former@b.kz', (select min(id) from contact where tenant_id = :tenant))",
        "insert into ended_token (tenant_id, client_id, user_id, ended_at)
         values (:tenant, (select min(id) from client where tenant_id = :tenant), 7, 1)",
        "insert into follower (tenant_id, ticket_id, operator_id) values (:tenant, 3, :operator)",
        "insert into mention (tenant_id, message_id, operator_id) values (:tenant, :message, :operator)",
        "insert into draft (tenant_id, operator_id, ticket_id, kind, body, updated_at) values (:tenant, :operator, 3, 'note', 'Позвонить', 1)",
        "insert or ignore into portal_user (tenant_id, client_id, user_id, locale)
         values (:tenant, (select min(id) from client), 4242, 'kk')",
    ];
    for sql in changes {
        let mut statement = tx.prepare(sql)?;
        for (name, value) in [
            (":tenant", tenant.0),
            (":message", message.0),
            (":operator", operator),
            (":channel", channel),
        ] {
            if let Some(place) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(place, value)?;
            }
        }
        assert_eq!(statement.raw_execute()?, 1, "{sql}");
    }
    mail(tx, tenant, channel, message, raw)
}

/// A delivery that became the message and an acknowledgement that waits, whatever else their tables require.
fn mail(tx: &Tx<'_>, tenant: TenantId, channel: i64, message: MessageId, raw: &str) -> Result<()> {
    let ticket: i64 = one(
        tx,
        "select ticket_id from message where id = ?1",
        [message],
        |row| row.get(0),
    )?;
    for (table, known) in [
        (
            "inbound_event",
            [
                ("raw_hash", Value::Text(raw.to_owned())),
                ("state", Value::Text("done".into())),
                ("external_id", Value::Text("m1@b.kz".into())),
            ],
        ),
        (
            "outbox",
            [
                ("kind", Value::Text("acknowledgement".into())),
                ("recipient", Value::Text("a@b.kz".into())),
                ("state", Value::Text("queued".into())),
            ],
        ),
    ] {
        let mut known = Vec::from(known);
        known.extend([
            ("tenant_id", Value::Integer(tenant.0)),
            ("channel_id", Value::Integer(channel)),
            ("ticket_id", Value::Integer(ticket)),
            ("message_id", Value::Integer(message.0)),
        ]);
        let required: Vec<(String, String)> = all(
            tx,
            r#"select name, type from pragma_table_info(?1) where "notnull" and dflt_value is null"#,
            [table],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (name, kind) in &required {
            if !known.iter().any(|(known, _)| known == name) {
                let value = match kind.as_str() {
                    "TEXT" => Value::Text("{}".into()),
                    _ => Value::Integer(1),
                };
                known.push((name, value));
            }
        }
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!(
            "insert into {table} ({}) values ({places})",
            names.join(", ")
        );
        let values = known.into_iter().map(|(_, value)| value);
        tx.execute(&sql, rusqlite::params_from_iter(values))?;
    }
    Ok(())
}

/// The rows of a table in the order of their numbers.
fn places(
    conn: &Connection,
    secret: &Secret,
    tenant: TenantId,
    table: &Table,
) -> Result<Vec<Vec<Value>>> {
    let owner = if table.name == "tenant" {
        "id"
    } else {
        "tenant_id"
    };
    let place = |parent: &str, name: &str| {
        format!(
            "iif(t.{name} is null, null, (select count(*) from {parent} p where p.tenant_id = t.{owner} and p.id <= t.{name}))"
        )
    };
    let told = |column: &schema::Column| {
        let name = &column.name;
        match column.meaning {
            // Rows are in the order of their numbers.
            Meaning::Number | Meaning::Off | Meaning::Anew => "0".to_owned(),
            // That its numbers are those of the new rows is tested beside the rules.
            Meaning::Rule => format!("json_array_length(t.{name})"),
            Meaning::Reference { parent, .. } => place(parent, name),
            Meaning::Actor => format!(
                "iif(t.actor_type = 'operator', {}, t.{name})",
                place("operator", name)
            ),
            _ => format!("t.{name}"),
        }
    };
    let columns: Vec<_> = table.columns.iter().map(told).collect();
    let has_number = table.columns.iter().any(|column| column.name == "id");
    let order = if has_number { "t.id" } else { "2, 3, 4" };
    let sql = format!(
        "select {}, 0, 0, 0 from {} t where t.{owner} = ?1 order by {order}",
        columns.join(", "),
        table.name
    );
    let width = columns.len();
    let mut rows: Vec<Vec<Value>> = all(conn, &sql, [tenant], |row| {
        (0..width).map(|place| row.get(place)).collect()
    })?;
    for (place, column) in table.columns.iter().enumerate() {
        if column.meaning == Meaning::Sealed {
            for row in &mut rows {
                if let Value::Blob(sealed) = &row[place] {
                    row[place] = Value::Blob(secret.open(sealed)?);
                }
            }
        }
    }
    Ok(rows)
}
