//! A running program with a data directory of its own: tenants `acme` and `globex`, made as an administrator makes them.
use super::{Caller, Serving, caller::Address, until, until_so};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A directory that is gone when the test is.
#[derive(Debug)]
pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new() -> Dir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "tehprof-desk-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    /// Runs a command of the program on this directory.
    pub(crate) fn cli(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tehprof"))
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed, and answers what it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let output = self.cli(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// All files at and below a place in the directory.
    pub(crate) fn files(&self, place: &str) -> Vec<String> {
        fn below(dir: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    below(&path, found);
                } else {
                    found.push(path.display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        below(&self.0.join(place), &mut found);
        found
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("tehprof.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two tenants and their people.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Dropped before the directory it works on.
    pub(crate) serving: Serving,
    /// What `serve` is started with.
    pub(crate) arguments: Vec<&'static str>,
    address: Address,
    /// Admin of acme.
    pub(crate) alia: Caller,
    /// Supervisor of acme.
    pub(crate) saule: Caller,
    /// Operator of acme.
    pub(crate) omar: Caller,
    /// A key of acme with all scopes; it acts for Алия.
    pub(crate) key: Caller,
    /// Admin of globex.
    pub(crate) greta: Caller,
    pub(crate) dir: Dir,
}

const SERVE: [&str; 2] = ["--smtp-listen", "127.0.0.1:0"];

impl Desk {
    pub(crate) fn open() -> Desk {
        Desk::open_with(&[])
    }

    /// The same, served with more arguments.
    pub(crate) fn open_with(more: &[&'static str]) -> Desk {
        let arguments = [&SERVE, more].concat();
        let dir = Dir::new();
        for (tenant, name, admin, locale) in [
            ("acme", "Алия Нурбекова", "alia@acme.example", "ru"),
            ("globex", "Greta Holm", "greta@globex.example", "en"),
        ] {
            let arguments = [
                "tenant",
                "create",
                "--name",
                tenant,
                "--domain",
                tenant,
                "--admin-email",
                admin,
                "--admin-name",
                name,
                "--admin-password-stdin",
                "--locale",
                locale,
            ];
            dir.run(&arguments, PASSWORD);
        }
        for (name, email, role) in [
            ("Сауле Ахметова", "saule@acme.example", "supervisor"),
            ("Омар Сеитов", "omar@acme.example", "operator"),
        ] {
            let arguments = [
                "operator",
                "add",
                "--tenant",
                "acme",
                "--name",
                name,
                "--email",
                email,
                "--role",
                role,
                "--password-stdin",
            ];
            dir.run(&arguments, PASSWORD);
        }
        let key = dir.key("acme", "read,write,tickets,messages,clients,webhooks");
        let serving = Serving::start(&dir.0, &arguments);
        let address = Arc::new(RwLock::new(serving.address));
        let sign_in = |login: &str| Caller::sign_in(&address, login, PASSWORD);
        Desk {
            alia: sign_in("alia@acme.example"),
            saule: sign_in("saule@acme.example"),
            omar: sign_in("omar@acme.example"),
            greta: sign_in("greta@globex.example"),
            key: Caller::with_key(&address, &key),
            address,
            arguments,
            serving,
            dir,
        }
    }

    pub(crate) fn address(&self) -> Address {
        Arc::clone(&self.address)
    }

    /// Somebody without a credential.
    pub(crate) fn nobody(&self) -> Caller {
        Caller::nobody(&self.address, "admin")
    }

    /// The bearer of a new key of a tenant.
    pub(crate) fn key_of(&self, tenant: &str, scopes: &str) -> Caller {
        Caller::with_key(&self.address, &self.dir.key(tenant, scopes))
    }

    /// The bearer of a new client token of acme's client `portal`, which is made if it is not there yet.
    pub(crate) fn client(&self, portal: &str, user_id: i64, user_name: &str) -> Caller {
        self.alia.ask(
            "create_client",
            &json!({ "portal_domain": portal, "company_name": format!("ТОО «{portal}»") }),
        );
        let body = json!({ "portal_domain": portal, "user_id": user_id, "user_name": user_name });
        self.bearer(
            self.alia.call("create_client_token", body)["token"]
                .as_str()
                .unwrap(),
        )
    }

    /// The bearer of a client token.
    pub(crate) fn bearer(&self, token: &str) -> Caller {
        Caller::with_token(&self.address, token)
    }

    /// A visitor of a site with acme's widget.
    pub(crate) fn visitor(&self) -> Caller {
        let settings = self.alia.call("get_widget_settings", json!({}));
        Caller::visitor(&self.address, settings["api_key"].as_str().unwrap())
    }

    /// Opens a ticket in acme and answers its number.
    pub(crate) fn ticket(&self, subject: &str) -> i64 {
        let body = json!({ "subject": subject, "description": "Что случилось: не работает." });
        self.alia.call("create_ticket", body)["id"]
            .as_i64()
            .unwrap()
    }

    pub(crate) fn start(&mut self) {
        self.serving = Serving::start(&self.dir.0, &self.arguments);
        *self.address.write().unwrap() = self.serving.address;
    }

    /// The server ends and starts again with more arguments.
    pub(crate) fn restart_with(&mut self, more: &[&str]) {
        self.serving.terminate();
        self.serving = Serving::start(&self.dir.0, &[&SERVE, more].concat());
        *self.address.write().unwrap() = self.serving.address;
    }

    /// The server ends in the middle of whatever it does, and starts again.
    pub(crate) fn crash(&mut self) {
        self.serving.kill();
        self.start();
    }

    /// The database as it is on the disk, to be looked at only.
    pub(crate) fn look(&self) -> Connection {
        Connection::open_with_flags(self.dir.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    /// What a query counts.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.look().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Waits until the log has a line about a request, and answers the log so far.
    pub(crate) fn log_with(&self, request_id: &str) -> Vec<String> {
        until("a line of the log", || {
            let log = self.serving.log();
            log.iter()
                .any(|line| line.contains(request_id))
                .then_some(log)
        })
    }

    /// The lines of the log that somebody would have to act on. One that is no entry of the log is a panic or a backtrace.
    pub(crate) fn alarms(&self) -> Vec<String> {
        self.nobody()
            .header("x-request-id", "end-of-the-log")
            .call("setup_status", json!({}));
        let mut log = self.log_with("end-of-the-log");
        log.retain(|line| {
            let level = serde_json::from_str::<Value>(line).map(|entry| entry["level"].clone());
            !level.is_ok_and(|level| level == "INFO" || level == "WARN")
        });
        log
    }

    /// What is stored: tickets, messages, and the files of attachments.
    pub(crate) fn stored(&self) -> (i64, i64, Vec<String>) {
        let count = |table: &str| self.count(&format!("select count(*) from {table}"));
        (count("ticket"), count("message"), self.dir.files("files"))
    }

    /// The admin's actions of the served document: name and operation.
    pub(crate) fn admin_actions(&self) -> Vec<(String, Value)> {
        let document = self.nobody().get("/api/openapi.json").json();
        let paths = document["paths"].as_object().unwrap().iter();
        let admin = paths.filter_map(|(path, item)| {
            let name = path.strip_prefix("/api/admin.php/")?;
            Some((name.to_owned(), item["post"].clone()))
        });
        admin.collect()
    }

    /// Waits until every delivery that was accepted has been worked on.
    pub(crate) fn settle(&self) {
        until_so("deliveries to be worked on", || {
            self.count("select count(*) from inbound_event where state = 'received'") == 0
        });
    }

    /// Runs `tehprof check`, which must find nothing.
    #[track_caller]
    pub(crate) fn check(&self) {
        self.dir.run(&["check"], "");
    }
}

impl Dir {
    /// A new API key.
    pub(crate) fn key(&self, tenant: &str, scopes: &str) -> String {
        self.run(
            &[
                "key", "create", "--tenant", tenant, "--name", "tests", "--scopes", scopes,
            ],
            "",
        )
    }
}
