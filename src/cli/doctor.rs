//! `tehprof doctor`: is everything around the desk as it should be? A line for each thing that was looked at, with what to
//! do where something is wrong, in Russian, Kazakh or English.
//!
//! It reads and connects and changes nothing, so that it can be asked beside a running server. Whether what is stored is
//! whole is asked of `tehprof check`.
mod channels;
mod held;

use super::{DataDir, failure::Failure, out, served::Served, value};
use crate::{
    clock::{Clock, DAY, HOUR, Millis},
    config::Config,
    db::{migrate, watch},
    error::Result as Done,
    lang::Lang,
    outbound_http::{Bounds, OutboundHttp},
    reach::Reach,
};
use bytes::Bytes;
use clap::Args;
use hyper::Request;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::statvfs;
use serde::Serialize;
use serde_json::Value;
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};
use tokio::runtime;

/// Less free space than this, or than the database takes, is told.
const LEAST_SPACE: u64 = 1 << 30;
/// A certificate that ends sooner is told.
const SOON: Millis = 14 * DAY;
/// How far the clock may be behind what is stored.
const SLACK: Millis = HOUR;
const PATIENCE: Duration = Duration::from_secs(5);

/// Look at everything around the desk, and say what to do where something is wrong: exit 1 if something is
#[derive(Args, Debug)]
pub(super) struct Doctor {
    #[command(flatten)]
    data: DataDir,
    /// Try whether this address leads here
    #[arg(long, value_name = "URL", value_parser = value::url)]
    public_url: Option<String>,
    /// Look when the certificate in this PEM file ends
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Look when the newest backup in this directory was made
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// Speak this language; that of the shell if left out
    #[arg(long, value_name = "LANG", value_parser = value::one_of(Lang::ALL.map(Lang::as_str), Lang::of_tag))]
    lang: Option<Lang>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Attention,
    Bad,
}

/// A thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    state: State,
    what: String,
    /// What to do about it.
    todo: Option<&'static str>,
}

/// What has been found so far, in one language.
struct Findings {
    lang: Lang,
    all: Vec<Finding>,
}

impl Findings {
    fn good(&mut self, what: [String; 3]) {
        self.add(State::Good, what, None);
    }

    fn add(&mut self, state: State, what: [String; 3], todo: Option<[&'static str; 3]>) {
        let [ru, kk, en] = what;
        let what = match self.lang {
            Lang::Ru => ru,
            Lang::Kk => kk,
            Lang::En => en,
        };
        self.all.push(Finding {
            state,
            what,
            todo: todo.map(|todo| self.lang.pick(todo)),
        });
    }
}

impl Doctor {
    pub(super) fn run(self) -> Result<(), Failure> {
        let lang = self.lang.unwrap_or_else(spoken);
        let mut found = Findings {
            lang,
            all: Vec::new(),
        };
        let now = Clock::System.now();
        let config = Config::new(self.data.data_dir);
        found.good([
            format!("версия {}", env!("CARGO_PKG_VERSION")),
            format!("нұсқасы {}", env!("CARGO_PKG_VERSION")),
            format!("version {}", env!("CARGO_PKG_VERSION")),
        ]);
        permissions(&config, &mut found);
        space(&config, &mut found);
        held::look(&mut found);
        if database(&config, &mut found) {
            contents(&config.database(), now, &mut found)?;
        }
        // What is not said is as the server was started last.
        let served = Served::of(&config.data_dir).unwrap_or_default();
        match self.public_url.as_ref().or(served.public_url.as_ref()) {
            Some(url) => reachable(url, &mut found)?,
            None => found.add(
                State::Attention,
                [
                    "публичный адрес не задан: ссылки из писем откроются только на этом компьютере"
                        .to_owned(),
                    "жария мекенжай көрсетілмеген: хаттардағы сілтемелер тек осы компьютерде ашылады"
                        .to_owned(),
                    "no public address is set: links in mail open on this machine alone".to_owned(),
                ],
                Some([
                    "запустите сервер с --public-url https://ваш.домен",
                    "серверді --public-url https://сіздің.домен арқылы іске қосыңыз",
                    "start the server with --public-url https://your.domain",
                ]),
            ),
        }
        let is_encrypted = |url: &String| url.starts_with("https://");
        if let Some(cert) = self.tls_cert.as_ref().or(served.tls_cert.as_ref()) {
            certificate(cert, now, &mut found);
        } else if [&self.public_url, &served.public_url, &Some(served.url)]
            .into_iter()
            .flatten()
            .any(is_encrypted)
        {
            found.good([
                "TLS: люди открывают адрес по https".to_owned(),
                "TLS: адамдар мекенжайды https арқылы ашады".to_owned(),
                "TLS: people open the address by https".to_owned(),
            ]);
        } else {
            found.add(
                State::Attention,
                [
                    "TLS: без шифрования пароли идут по сети открыто".to_owned(),
                    "TLS: шифрлаусыз құпиясөздер желіде ашық жүреді".to_owned(),
                    "TLS: without encryption passwords cross the network in the clear".to_owned(),
                ],
                Some([
                    "задайте --tls-cert и --tls-key, --acme или прокси с https; в сети без интернета: tehprof tls init",
                    "--tls-cert мен --tls-key, --acme немесе https прокси беріңіз; интернетсіз желіде: tehprof tls init",
                    "give --tls-cert and --tls-key, --acme, or a proxy with https; without internet: tehprof tls init",
                ]),
            );
        }
        if let Some(dir) = &self.backup_dir {
            backups(dir, now, &mut found);
        }
        tell(&found.all, self.json)
    }
}

/// The language of the shell, by the variables that programs go by (POSIX.1, section 8.2).
fn spoken() -> Lang {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        .and_then(|value| Lang::of_tag(value.split(['_', '.']).next().unwrap_or_default()))
        .unwrap_or(Lang::En)
}

fn tell(all: &[Finding], json: bool) -> Result<(), Failure> {
    if json {
        out::json(&all)?;
    } else {
        for Finding { state, what, todo } in all {
            let mark = match state {
                State::Good => "ok  ",
                State::Attention => "note",
                State::Bad => "BAD ",
            };
            let todo = todo.map(|todo| format!(" → {todo}")).unwrap_or_default();
            out::say(format!("{mark}  {what}{todo}"))?;
        }
    }
    if all.iter().any(|found| found.state == State::Bad) {
        return Err(Failure::Told);
    }
    Ok(())
}

fn permissions(config: &Config, found: &mut Findings) {
    let dir = &config.data_dir;
    for (path, most) in [
        (dir.clone(), 0o700),
        (config.database(), 0o600),
        (dir.join("secret.key"), 0o600),
    ] {
        let shown = path.display();
        let mode = match fs::metadata(&path) {
            Ok(about) => about.permissions().mode() & 0o777,
            // Whether a desk is there at all is told with the database.
            Err(_) => continue,
        };
        if mode & !most == 0 {
            found.good([
                format!("{shown}: доступ только у владельца"),
                format!("{shown}: тек иесіне қолжетімді"),
                format!("{shown}: only its owner may enter"),
            ]);
        } else {
            found.add(
                State::Bad,
                [
                    format!("{shown}: доступно другим пользователям ({mode:o})"),
                    format!("{shown}: басқаларға да қолжетімді ({mode:o})"),
                    format!("{shown}: others may enter ({mode:o})"),
                ],
                Some([
                    "закройте доступ командой chmod go= для этого пути",
                    "осы жолға chmod go= командасын орындаңыз",
                    "run chmod go= on it",
                ]),
            );
        }
    }
}

fn space(config: &Config, found: &mut Findings) {
    let Ok(about) = statvfs(&config.data_dir) else {
        return;
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let database = fs::metadata(config.database()).map_or(0, |about| about.len());
    let megabytes = free >> 20;
    let what = [
        format!("свободно на диске: {megabytes} МБ"),
        format!("дискідегі бос орын: {megabytes} МБ"),
        format!("free disk space: {megabytes} MB"),
    ];
    if free < LEAST_SPACE.max(database) {
        // A migration and a backup each need room for one more copy.
        let todo = [
            "освободите место: для обновления и резервной копии нужна вторая база",
            "орын босатыңыз: жаңарту мен сақтық көшірмеге тағы бір дерекқор керек",
            "free some: an upgrade and a backup each need a second copy of the database",
        ];
        found.add(State::Attention, what, Some(todo));
    } else {
        found.good(what);
    }
}

/// Whether there is a database that this program can read.
fn database(config: &Config, found: &mut Findings) -> bool {
    let path = config.database();
    let shown = path.display();
    let latest = migrate::latest();
    match migrate::version(&path) {
        Ok(Some(version)) if version == latest => {
            found.good([
                format!("база {shown}: схема {version}"),
                format!("дерекқор {shown}: сұлба {version}"),
                format!("database {shown}: schema {version}"),
            ]);
            true
        }
        Ok(Some(version)) if version < latest => {
            found.add(
                State::Attention,
                [
                    format!("база {shown}: схема {version}, программа знает {latest}"),
                    format!("дерекқор {shown}: сұлба {version}, бағдарлама {latest} біледі"),
                    format!("database {shown}: schema {version}, this program knows {latest}"),
                ],
                Some([
                    "обновится при следующем запуске сервера",
                    "сервер келесі іске қосылғанда жаңарады",
                    "the next start of the server brings it up",
                ]),
            );
            false
        }
        Ok(Some(version)) => {
            found.add(
                State::Bad,
                [
                    format!("база {shown}: схема {version} от более новой версии"),
                    format!("дерекқор {shown}: сұлба {version}, жаңарақ нұсқадан"),
                    format!("database {shown}: schema {version} of a newer version"),
                ],
                Some([
                    "установите ту версию tehprof, которая её записала",
                    "оны жазған tehprof нұсқасын орнатыңыз",
                    "install the version of tehprof that wrote it",
                ]),
            );
            false
        }
        Ok(None) => {
            found.add(
                State::Bad,
                [
                    format!("базы {shown} нет"),
                    format!("{shown} дерекқоры жоқ"),
                    format!("there is no database {shown}"),
                ],
                Some([
                    "запустите tehprof serve или укажите --data-dir",
                    "tehprof serve іске қосыңыз немесе --data-dir көрсетіңіз",
                    "start tehprof serve, or name the place by --data-dir",
                ]),
            );
            false
        }
        Err(error) => {
            let why = Failure::from(error);
            let why = match why {
                Failure::Sentence(why) | Failure::Usage(why) => why,
                Failure::Told | Failure::Unheard => String::new(),
            };
            found.add(
                State::Bad,
                [
                    format!("база не читается: {why}"),
                    format!("дерекқор оқылмайды: {why}"),
                    format!("the database cannot be read: {why}"),
                ],
                Some([
                    "запустите tehprof check",
                    "tehprof check іске қосыңыз",
                    "run tehprof check",
                ]),
            );
            false
        }
    }
}

/// What can be told from the database: the clock against what was written, channels and the server they hand mail to.
fn contents(path: &Path, now: Millis, found: &mut Findings) -> Done<()> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(PATIENCE)?;
    watch(&conn);
    let last: Option<Millis> = conn.query_row("select max(at) from event", [], |row| row.get(0))?;
    if last.is_some_and(|last| last > now + SLACK) {
        found.add(
            State::Bad,
            [
                "часы отстают: в базе есть записи из будущего".to_owned(),
                "сағат кейін қалған: дерекқорда болашақтағы жазбалар бар".to_owned(),
                "the clock is behind: the database has entries from the future".to_owned(),
            ],
            Some([
                "включите синхронизацию времени (timedatectl set-ntp true)",
                "уақыт үндестіруін қосыңыз (timedatectl set-ntp true)",
                "switch on time synchronisation (timedatectl set-ntp true)",
            ]),
        );
    } else {
        found.good([
            "часы идут верно".to_owned(),
            "сағат дұрыс".to_owned(),
            "the clock agrees with what is stored".to_owned(),
        ]);
    }
    channels::look(&conn, found)
}

fn reachable(url: &str, found: &mut Findings) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let request = Request::get(format!("{url}/api/health.php"))
            .body(Bytes::new())
            .map_err(|error| error.to_string())?;
        let bounds = Bounds {
            reach: Reach::Anywhere,
            longest: PATIENCE * 2,
            most: 64 << 10,
        };
        let client = OutboundHttp::new().map_err(|error| error.to_string())?;
        let answer = client
            .send(request, bounds)
            .await
            .map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if body["ok"] == true && body["data"]["version"].is_string() {
            Ok(())
        } else {
            Err(format!("{} without a desk behind it", answer.status()))
        }
    });
    match outcome {
        Ok(()) => found.good([
            format!("{url} ведёт сюда"),
            format!("{url} осында апарады"),
            format!("{url} leads here"),
        ]),
        Err(why) => found.add(
            State::Bad,
            [
                format!("{url} не отвечает: {why}"),
                format!("{url} жауап бермейді: {why}"),
                format!("{url} does not answer: {why}"),
            ],
            Some([
                "проверьте DNS, прокси и сетевой экран; сервер должен быть запущен",
                "DNS, прокси мен желіаралық экранды тексеріңіз; сервер іске қосулы болуы керек",
                "look at DNS, the proxy and the firewall; the server must be running",
            ]),
        ),
    }
    Ok(())
}

fn certificate(path: &Path, now: Millis, found: &mut Findings) {
    let shown = path.display();
    let end = fs::read(path).ok().and_then(|text| {
        let (_, pem) = x509_parser::pem::parse_x509_pem(&text).ok()?;
        let parsed = pem.parse_x509().ok()?;
        Some(parsed.validity().not_after.timestamp() * 1000)
    });
    let todo = [
        "получите новый сертификат; сервер подхватит файл сам",
        "жаңа сертификат алыңыз; сервер файлды өзі ілгереді",
        "get a new one; the server takes up the file by itself",
    ];
    let Some(end) = end else {
        let what = [
            format!("{shown}: сертификат не читается"),
            format!("{shown}: сертификат оқылмайды"),
            format!("{shown}: the certificate cannot be read"),
        ];
        return found.add(State::Bad, what, Some(todo));
    };
    let days = (end - now).div_euclid(DAY);
    let what = [
        format!("{shown}: сертификату осталось дней: {days}"),
        format!("{shown}: сертификатқа қалған күн: {days}"),
        format!("{shown}: days left of the certificate: {days}"),
    ];
    match end - now {
        left if left <= 0 => found.add(State::Bad, what, Some(todo)),
        left if left < SOON => found.add(State::Attention, what, Some(todo)),
        _ => found.good(what),
    }
}

fn backups(dir: &Path, now: Millis, found: &mut Findings) {
    let newest = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "backup"))
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max();
    let age = newest.and_then(|newest| {
        let at = newest.duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(now - Millis::try_from(at).ok()?)
    });
    let todo = Some([
        "запустите сервер с --backup-dir или выполните tehprof backup",
        "серверді --backup-dir параметрімен іске қосыңыз немесе tehprof backup орындаңыз",
        "start the server with --backup-dir, or run tehprof backup",
    ]);
    match age {
        Some(age) if age < 2 * DAY => found.good([
            format!("последняя копия: {} ч назад", age / HOUR),
            format!("соңғы көшірме: {} сағат бұрын", age / HOUR),
            format!("newest backup: {} h ago", age / HOUR),
        ]),
        Some(age) => found.add(
            State::Attention,
            [
                format!("последняя копия: {} дн. назад", age / DAY),
                format!("соңғы көшірме: {} күн бұрын", age / DAY),
                format!("newest backup: {} days ago", age / DAY),
            ],
            todo,
        ),
        None => found.add(
            State::Bad,
            [
                "резервных копий нет".to_owned(),
                "сақтық көшірме жоқ".to_owned(),
                "there is no backup".to_owned(),
            ],
            todo,
        ),
    }
}
