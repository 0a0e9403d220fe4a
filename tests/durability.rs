//! What was acknowledged is on the disk, whatever ends the process; what is not whole is refused.
use crate::support::{
    Caller, Desk, Serving,
    desk::{Dir, PASSWORD},
    http::{self, Request},
    until,
};
use rusqlite::Connection;
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Writers that run at once.
const WRITERS: usize = 8;

/// Opens tickets from many threads until the server is gone. Answers the subjects of those that were acknowledged.
fn write_until_it_dies(
    desk: &Desk,
    round: usize,
    acknowledged: &Mutex<Vec<String>>,
    kill: impl FnOnce() + Send,
) {
    let (written, over) = (AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (key, written, over) = (&desk.key, &written, &over);
            scope.spawn(move || {
                for n in 0.. {
                    let subject = format!("раунд {round} писатель {writer} заявка {n}");
                    let body = json!({ "subject": subject, "description": "Запись под нагрузкой" });
                    let request = key.calling("create_ticket", &body);
                    match http::send(key.address(), &request) {
                        Ok(reply) if reply.status == 200 => {
                            acknowledged.lock().unwrap().push(subject);
                            written.fetch_add(1, Ordering::SeqCst);
                        }
                        Ok(reply) if reply.status == 429 => thread::sleep(Duration::from_millis(5)),
                        Ok(reply) => panic!("{}: {}", reply.status, reply.text()),
                        Err(_) if over.load(Ordering::SeqCst) => return,
                        Err(error) => panic!("the server failed before it was killed: {error}"),
                    }
                }
            });
        }
        // All writers are in the middle of something when the end comes, at another moment in each round.
        until("writers to be at work", || {
            (written.load(Ordering::SeqCst) as usize > 50 + 17 * round).then_some(())
        });
        over.store(true, Ordering::SeqCst);
        kill();
    });
}

#[test]
fn no_acknowledged_ticket_is_lost_when_the_process_is_killed_ten_times_under_load() {
    let mut desk = Desk::open();
    let acknowledged = Mutex::new(Vec::new());
    let mut slowest = Duration::ZERO;
    for round in 0..10 {
        // Each round has a key of its own, so that no rate limit slows the writers down.
        desk.key = desk.key_of("acme", "read,write,tickets");
        let pid = desk.serving.pid();
        write_until_it_dies(&desk, round, &acknowledged, || {
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        });
        desk.serving.kill();
        let began = Instant::now();
        desk.start();
        assert_eq!(desk.nobody().get("/api/health.php").status, 200);
        slowest = slowest.max(began.elapsed());
        let known: BTreeSet<String> = {
            let db = desk.look();
            let mut subjects = db.prepare("select subject from ticket").unwrap();
            subjects
                .query_map([], |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap()
        };
        let lost: Vec<_> = acknowledged
            .lock()
            .unwrap()
            .iter()
            .filter(|subject| !known.contains(*subject))
            .cloned()
            .collect();
        assert_eq!(lost, Vec::<String>::new(), "round {round}");
        desk.check();
    }
    let total = acknowledged.lock().unwrap().len();
    println!(
        "{total} tickets acknowledged in ten rounds, none lost; slowest start to the first answer {slowest:?}"
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    // The numbers go on where they were: none is given twice, none is missing.
    let (count, most) = (
        desk.count("select count(*) from ticket"),
        desk.count("select max(id) from ticket"),
    );
    assert_eq!(count, most);
    let page = desk
        .omar
        .call("list_tickets", json!({ "search": "раунд 9", "limit": 1 }));
    assert!(
        page["total"].as_i64().unwrap() > 0,
        "the search index is whole as well"
    );
}

#[test]
fn a_second_server_on_the_same_directory_fails_at_once_and_says_why() {
    let desk = Desk::open();
    let began = Instant::now();
    let second = desk.dir.cli(&["serve", "--listen", "127.0.0.1:0"], "");
    assert_eq!(second.status.code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        said.contains("already works on")
            && said.contains(&desk.serving.pid().as_raw_nonzero().to_string()),
        "{said}"
    );
    assert_eq!(said.trim().lines().count(), 1, "one clear sentence: {said}");
    assert_eq!(String::from_utf8(second.stdout).unwrap(), "");
    // The first is not disturbed, and every other command works beside it.
    desk.ticket("Дальше");
    desk.check();
    desk.dir.run(&["tenant", "list", "--json"], "");
}

/// The environment that the C library of a process has read.
fn environment(of: Pid) -> Vec<String> {
    let whole = fs::read(format!("/proc/{}/environ", of.as_raw_nonzero())).unwrap();
    let variables = whole.split(|&byte| byte == 0);
    variables
        .map(|one| String::from_utf8_lossy(one).into_owned())
        .collect()
}

#[test]
fn a_server_keeps_few_heaps_or_as_many_as_it_was_told() {
    let few = "MALLOC_ARENA_MAX=2".to_owned();
    // `pid` is that of the process the test has started: it is the same one, started again in its place.
    let desk = Desk::open();
    assert!(environment(desk.serving.pid()).contains(&few));
    let dir = Dir::new();
    let mut told = Command::new(env!("CARGO_BIN_EXE_tehprof"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&dir.0)
        .env("MALLOC_ARENA_MAX", "3")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It listens once its line is there, so what it was to do before has been done.
    let mut line = String::new();
    BufReader::new(told.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let variables = environment(Pid::from_child(&told));
    told.kill().unwrap();
    told.wait().unwrap();
    assert!(!line.is_empty());
    assert!(variables.contains(&"MALLOC_ARENA_MAX=3".to_owned()) && !variables.contains(&few));
}

/// A directory with a tenant, which nobody serves.
fn directory() -> Dir {
    let dir = Dir::new();
    let arguments = [
        "tenant",
        "create",
        "--name",
        "acme",
        "--domain",
        "acme",
        "--admin-email",
        "a@acme.example",
        "--admin-password-stdin",
    ];
    dir.run(&arguments, PASSWORD);
    dir
}

/// The same as the first version of the program left it.
pub(crate) fn of_the_first_schema() -> Dir {
    let (made, dir) = (directory(), Dir::new());
    let mut old = Connection::open(dir.database()).unwrap();
    let first = embedded::migrations::runner().set_target(refinery::Target::Version(1));
    first.run(&mut old).unwrap();
    old.execute("attach ?1 as made", [made.database().to_str().unwrap()])
        .unwrap();
    old.execute_batch(
        "pragma application_id = 1952802928;
         pragma user_version = 1;
         insert into tenant (id, name, domain, business_hours, widget_key, created_at)
           select id, name, domain, business_hours, widget_key, created_at from made.tenant;
         insert into operator (tenant_id, name, email, role, password_hash, created_at)
           select tenant_id, name, email, role, password_hash, created_at from made.operator;",
    )
    .unwrap();
    dir
}

#[test]
fn a_database_of_a_newer_version_is_refused_untouched() {
    let dir = directory();
    let newer = Connection::open(dir.database()).unwrap();
    let version: i32 = newer
        .query_row("pragma user_version", [], |row| row.get(0))
        .unwrap();
    newer
        .execute_batch(&format!(
            "pragma user_version = {}; pragma wal_checkpoint(truncate);",
            version + 1
        ))
        .unwrap();
    drop(newer);
    let before = fs::read(dir.database()).unwrap();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["check"],
        &["tenant", "list"],
        &["migrate"],
    ] {
        let refused = dir.cli(arguments, "");
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("newer") || said.contains(&format!("schema {}", version + 1)),
            "{arguments:?}: {said}"
        );
        assert!(
            !said.contains("panicked") && !said.contains("backtrace"),
            "{said}"
        );
    }
    assert!(
        fs::read(dir.database()).unwrap() == before,
        "the file has changed"
    );
}

#[test]
fn a_file_that_is_no_database_of_ours_is_refused_untouched() {
    let dir = Dir::new();
    let foreign = Connection::open(dir.database()).unwrap();
    foreign.execute_batch("pragma application_id = 7; create table diary (day text); insert into diary values ('monday');").unwrap();
    drop(foreign);
    let before = fs::read(dir.database()).unwrap();
    let refused = dir.cli(&["serve", "--listen", "127.0.0.1:0"], "");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("is not a tehprof database"), "{said}");
    assert!(
        fs::read(dir.database()).unwrap() == before,
        "the file has changed"
    );
}

#[test]
fn an_older_file_is_migrated_and_its_snapshot_stays_until_the_next_start() {
    let dir = of_the_first_schema();
    let check = dir.cli(&["migrate", "--check"], "");
    assert_eq!(check.status.code(), Some(1));
    assert!(
        String::from_utf8(check.stderr)
            .unwrap()
            .contains("is at schema 1;")
    );
    let snapshots = || {
        let names = fs::read_dir(&dir.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.contains("before-schema"))
            .collect::<Vec<_>>()
    };
    drop(Serving::start(&dir.0, &[]));
    let kept = snapshots();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let snapshot = Connection::open(dir.0.join(&kept[0])).unwrap();
    let version: i32 = snapshot
        .query_row("pragma user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1, "the snapshot is the file as it was");
    drop(snapshot);
    dir.run(&["check"], "");
    let serving = Serving::start(&dir.0, &[]);
    assert_eq!(snapshots(), Vec::<String>::new());
    // Who was there is still there, with the password.
    let address = Arc::new(RwLock::new(serving.address));
    let admin = Caller::sign_in(&address, "a@acme.example", PASSWORD);
    assert_eq!(admin.call("me", json!({}))["tenant"]["name"], "acme");
}

#[test]
fn told_to_stop_the_server_answers_what_is_in_flight_and_ends_well() {
    let mut desk = Desk::open();
    let body = json!({ "subject": "В последний момент", "description": "x".repeat(200_000 / 4) });
    let (key, answered) = (desk.key.clone(), Arc::new(Mutex::new(None)));
    let slow = thread::spawn({
        let answered = Arc::clone(&answered);
        move || {
            let reply = send_slowly(&key, &key.calling("create_ticket", &body));
            *answered.lock().unwrap() = Some(reply);
        }
    });
    until("the request to be on its way", || {
        (HALF_SENT.load(Ordering::SeqCst)).then_some(())
    });
    let (status, took) = desk.serving.terminate();
    slow.join().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    let reply = answered.lock().unwrap().take().unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    // Nothing is left to recover: the log of writes is empty or gone.
    let wal = fs::metadata(desk.dir.0.join("tehprof.db-wal")).map_or(0, |file| file.len());
    assert_eq!(wal, 0);
    assert_eq!(desk.count("select count(*) from ticket"), 1);
    desk.start();
    assert_eq!(
        desk.omar.call("list_tickets", json!({}))["tickets"][0]["subject"],
        "В последний момент"
    );
}

/// Whether half of the slow request has been sent.
static HALF_SENT: AtomicBool = AtomicBool::new(false);

/// Sends a request in two halves; the second follows once the server has been told to stop.
fn send_slowly(who: &Caller, request: &Request) -> String {
    let mut stream = http::begin(who.address(), request).unwrap();
    let (first, second) = request.body.split_at(request.body.len() / 2);
    stream.write_all(first).unwrap();
    HALF_SENT.store(true, Ordering::SeqCst);
    // New connections are refused once the server stops; this one goes on.
    until("the server to be stopping", || {
        TcpStream::connect(who.address()).is_err().then_some(())
    });
    stream.write_all(second).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn idle_and_live_connections_do_not_delay_the_end() {
    let mut desk = Desk::open();
    let mut live = crate::support::socket::Socket::open(&desk.omar, None, None).unwrap();
    live.next();
    let client = desk.client("client.example", 1, "Иван");
    let id = client.call(
        "create_ticket",
        json!({ "subject": "x", "description": "x" }),
    )["id"]
        .as_i64()
        .unwrap();
    let _stream = crate::support::socket::Stream::open(&client, id).unwrap();
    let _idle = TcpStream::connect(desk.omar.address()).unwrap();
    let _smtp = TcpStream::connect(desk.serving.smtp()).unwrap();
    let (status, took) = desk.serving.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    live.next_that(|said| said["type"] == "bye");
}

#[test]
fn a_start_is_quick_and_says_where_it_listens_once() {
    let dir = directory();
    let serving = Serving::start(&dir.0, &[]);
    println!("start to listening: {:?}", serving.ready_after);
    assert!(serving.ready_after < Duration::from_secs(5));
    assert_eq!(
        serving.greeting,
        Vec::<String>::new(),
        "a desk that is set up has nothing to say"
    );
    let empty = Dir::new();
    let first = Serving::start(&empty.0, &[]);
    let link = first
        .greeting
        .iter()
        .find(|line| line.contains("/tenant.html#/setup?token="))
        .expect("the first start tells the way in");
    let token = link.rsplit_once("token=").unwrap().1;
    let nobody = Caller::nobody(&Arc::new(RwLock::new(first.address)), "admin");
    assert_eq!(
        nobody.call("setup_status", json!({})),
        json!({ "needed": true })
    );
    let body = json!({ "token": token, "company_name": "Новая", "name": "Асем", "email": "asem@new.example", "password": PASSWORD });
    assert_eq!(
        nobody.call("complete_setup", body.clone())["operator"]["role"],
        "head_admin"
    );
    assert_eq!(nobody.refused("complete_setup", body).0, 403);
    assert_eq!(
        nobody.call("setup_status", json!({})),
        json!({ "needed": false })
    );
}

#[test]
fn a_check_finds_what_is_missing() {
    let desk = Desk::open();
    let id = desk.ticket("Файл");
    desk.omar
        .upload(
            "add_message",
            json!({ "ticket_id": id, "message": "" }),
            &[("a.txt", "text/plain", b"bytes")],
        )
        .data();
    desk.check();
    let hash: String = desk
        .look()
        .query_row("select hash from file", [], |row| row.get(0))
        .unwrap();
    fs::remove_file(desk.dir.0.join("files/1").join(&hash[..2]).join(&hash)).unwrap();
    let found = desk.dir.cli(&["check", "--json"], "");
    assert_eq!(found.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(
        (&report["ok"], &report["findings"][0]["area"]),
        (&json!(false), &json!("files"))
    );
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tehprof"));
        let output = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let dir = Dir::new();
    let place = dir.0.to_str().unwrap();
    assert_eq!(run(&["serve", "--listen", "nowhere"]).0, Some(2));
    assert_eq!(run(&["dance"]).0, Some(2));
    let (code, said) = run(&["check", "--data-dir", place]);
    assert_eq!((code, said.trim().lines().count()), (Some(1), 1), "{said}");
    let (code, said) = run(&[
        "key",
        "create",
        "--data-dir",
        place,
        "--tenant",
        "x",
        "--name",
        "x",
        "--scopes",
        "everything",
    ]);
    assert_eq!(code, Some(2), "{said}");
}
