//! What is taken away or spoilt under the program or between two runs of it is noticed, and those who watch over it are told.
use crate::support::{
    Caller, Desk,
    http::{self, Request},
    until, until_so,
};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixDatagram,
    process::{Child, Command, Stdio},
    sync::{Arc, RwLock},
    thread,
    time::{Duration, Instant},
};

/// What the program exits with when it can no longer promise that what it acknowledges stays.
const STOPPED: Option<i32> = Some(74);

/// Waits until the note beside the database counts everything that was committed.
fn note_is_complete(desk: &Desk) {
    until_so("the note beside the database", || {
        let note = fs::read(desk.dir.0.join("state")).unwrap_or_default();
        let note: Value = serde_json::from_slice(&note).unwrap_or_default();
        note["commits"].as_i64() == Some(desk.count("select commits from stamp"))
    });
}

/// Starts a server that must refuse, and answers why it did.
#[track_caller]
fn refused(desk: &Desk) -> String {
    let output = desk.dir.cli(&["serve", "--listen", "127.0.0.1:0"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[test]
fn a_log_that_was_deleted_after_a_crash_is_missed_and_nothing_is_served_without_a_word() {
    let mut desk = Desk::open();
    for n in 0..5 {
        desk.ticket(&format!("Заявка {n}"));
    }
    note_is_complete(&desk);
    desk.serving.kill();
    let (log, aside) = (desk.dir.0.join("tehprof.db-wal"), desk.dir.0.join("aside"));
    fs::rename(&log, &aside).unwrap();
    let said = refused(&desk);
    assert!(
        said.contains("its last") && said.contains("--accept-loss"),
        "{said}"
    );
    // Whoever finds the log again has lost nothing.
    fs::rename(&aside, &log).unwrap();
    desk.start();
    assert_eq!(desk.count("select count(*) from ticket"), 5);
    // Whoever does not can go on with what is there.
    desk.ticket("Ещё одна");
    note_is_complete(&desk);
    desk.serving.kill();
    fs::remove_file(&log).unwrap();
    refused(&desk);
    desk.arguments.push("--accept-loss");
    desk.start();
    desk.check();
}

#[test]
fn an_older_copy_in_the_place_of_the_database_is_refused() {
    let mut desk = Desk::open();
    desk.ticket("Первая");
    desk.serving.terminate();
    let copy = desk.dir.0.join("copy");
    fs::copy(desk.dir.database(), &copy).unwrap();
    desk.start();
    desk.ticket("Вторая");
    desk.serving.terminate();
    fs::copy(&copy, desk.dir.database()).unwrap();
    let said = refused(&desk);
    assert!(said.contains("older copy"), "{said}");
    // A restore is no such copy: what is put back counts from then on.
    desk.arguments.push("--accept-loss");
    desk.start();
    assert_eq!(desk.count("select count(*) from ticket"), 1);
}

#[test]
fn a_server_whose_database_is_taken_away_ends_within_two_seconds() {
    for taken in ["tehprof.db", "tehprof.db-wal"] {
        let mut desk = Desk::open();
        desk.ticket("До");
        fs::rename(desk.dir.0.join(taken), desk.dir.0.join("elsewhere")).unwrap();
        let began = Instant::now();
        let status = until("the end of the server", || desk.serving.ended());
        assert_eq!(status.code(), STOPPED, "{taken}");
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{taken}: {:?}",
            began.elapsed()
        );
        fs::rename(desk.dir.0.join("elsewhere"), desk.dir.0.join(taken)).unwrap();
        desk.start();
        assert_eq!(desk.count("select count(*) from ticket"), 1, "{taken}");
        desk.check();
    }
}

#[test]
fn figures_are_for_this_machine_and_for_who_has_the_token() {
    const TOKEN: &str = "a-token-of-sixteen-signs";
    let desk = Desk::open_with(&["--metrics-token", TOKEN]);
    desk.ticket("Заявка");
    let nobody = desk.nobody();
    let ask = |headers: &[(&str, &str)]| {
        let mut request = Request::get("/metrics");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        http::send(nobody.address(), &request).unwrap()
    };
    let page = ask(&[]);
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = page.text();
    for line in [
        "tehprof_http_responses_total{class=\"2xx\"}",
        "tehprof_commit_seconds_count",
        "tehprof_queue_waiting{queue=\"outbox\"} 0",
        "tehprof_disk_full 0",
        "tehprof_channels{state=\"failing\"} 0",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // Each name is declared once, before its samples.
    let mut declared = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let name = rest.split(' ').next().unwrap().to_owned();
            assert!(!declared.contains(&name), "{name}");
            declared.push(name);
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let plain = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .filter(|plain| declared.iter().any(|known| known == plain));
            assert_eq!(
                declared.last().map(String::as_str),
                Some(plain.unwrap_or(name)),
                "{line}"
            );
            assert!(
                line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(),
                "{line}"
            );
        }
    }
    let bearer = format!("Bearer {TOKEN}");
    for (headers, status) in [
        // A proxy of this machine asks for somebody else.
        (&[("x-forwarded-for", "192.0.2.9")][..], 403),
        (&[("via", "1.1 proxy")], 403),
        (
            &[("x-forwarded-for", "192.0.2.9"), ("authorization", &bearer)],
            200,
        ),
        (&[("authorization", "Bearer a-token-of-sixteen-sign")], 403),
        (&[("authorization", "Bearer ")], 403),
    ] {
        assert_eq!(ask(headers).status, status, "{headers:?}");
    }
}

#[test]
fn the_deep_health_names_what_a_person_should_look_at() {
    let mut desk = Desk::open();
    let health = |who: &Caller| who.get("/api/health.php").json()["data"].clone();
    let well = health(&desk.nobody());
    assert_eq!(
        (&well["status"], &well["checks"]["problems"]),
        (&json!("ok"), &json!([]))
    );
    assert_eq!(well["checks"]["backup"]["scheduled"], false);
    assert!(well["checks"]["disk"]["free_bytes"].as_i64().unwrap() > 0);
    // Somebody from outside hears that it works, and nothing else.
    let outside = health(&desk.nobody().header("x-forwarded-for", "192.0.2.9"));
    assert_eq!(outside["status"], "ok");
    assert!(outside["checks"].is_null());
    // A backup by the clock that has not been made yet is missed; then it is made, and told of.
    let backups = desk.dir.0.join("backups");
    desk.restart_with(&["--backup-dir", backups.to_str().unwrap()]);
    let made = until("the first backup", || {
        let now = health(&desk.nobody());
        now["checks"]["backup"]["at"].is_string().then_some(now)
    });
    assert_eq!(made["status"], "ok");
    // What the disk has changed is found and told of.
    desk.ticket("Слово");
    desk.serving.terminate();
    let db = Connection::open(desk.dir.database()).unwrap();
    db.execute_batch(
        "update message set body = body || '!'; delete from upkeep where name = 'scrub';",
    )
    .unwrap();
    drop(db);
    desk.start();
    let spoilt = until("the scrub", || {
        let now = health(&desk.nobody());
        (now["checks"]["scrub"]["findings"] == 1).then_some(now)
    });
    assert_eq!(
        (&spoilt["status"], &spoilt["checks"]["problems"]),
        (&json!("degraded"), &json!(["scrub"]))
    );
}

#[test]
fn a_head_with_a_bare_lf_is_refused_and_nothing_after_it_is_read() {
    let desk = Desk::open();
    let address = desk.nobody().address();
    let send = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream.write_all(bytes).unwrap();
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        let text = String::from_utf8_lossy(&reply).into_owned();
        text.split("HTTP/1.1 ")
            .skip(1)
            .map(|part| part[..3].to_owned())
            .collect::<Vec<_>>()
    };
    let second = "GET /api/health.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for bad in [
        "GET /api/health.php HTTP/1.1\nHost: a\n\n",
        "GET /api/health.php HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET /api/health.php HTTP/1.1\r\nHost: a\r\nX: b\r\n\n",
        "\nGET /api/health.php HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(
            send(format!("{bad}{second}").as_bytes()),
            ["400"],
            "{bad:?}"
        );
    }
    // The first is answered, the one behind its body is not understood.
    let behind = format!(
        "POST /api/admin.php HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{{\n}}\nGET /x HTTP/1.1\nHost: a\r\n\r\n{second}"
    );
    assert_eq!(send(behind.as_bytes()), ["400", "400"]);
    let chunked = format!(
        "POST /api/admin.php HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{second}"
    );
    assert_eq!(send(chunked.as_bytes()), ["400", "200"]);
}

#[test]
fn a_kept_connection_rests_between_requests_and_loses_nothing() {
    let desk = Desk::open();
    let stream = TcpStream::connect(desk.nobody().address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let say = |text: &str| (&stream).write_all(text.as_bytes()).unwrap();
    let mut status = || {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let status = line.get(9..12).map(str::to_owned);
        let mut length = 0;
        while status.is_some() && line.trim() != "" {
            line.clear();
            answers.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        answers.read_exact(&mut vec![0; length]).unwrap();
        status
    };
    // After a moment without a word the parser is put away.
    let rest = || thread::sleep(Duration::from_secs(1));
    let get = "GET /api/health.php HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = "POST /api/admin.php HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{";
    let ok = Some("200".to_owned());
    for _ in 0..2 {
        say(get);
        assert_eq!(status(), ok);
        rest();
    }
    say(&get[..20]);
    rest();
    say(&get[20..]);
    assert_eq!(status(), ok, "a head in two parts");
    say(post);
    rest();
    say("}");
    assert_eq!(status().as_deref(), Some("400"), "a body in two parts");
    rest();
    say(&format!("{get}{get}"));
    assert_eq!((status(), status()), (ok.clone(), ok), "two at once");
    rest();
    say("GET /api/health.php HTTP/1.1\nHost: a\r\n\r\n");
    assert_eq!(
        status().as_deref(),
        Some("400"),
        "the guard stands after a rest as well"
    );
    assert_eq!(status(), None, "and the connection has ended");
}

#[test]
fn a_request_for_another_host_is_told_that_this_is_not_it() {
    let desk = Desk::open_with(&[
        "--public-url",
        "https://desk.example",
        "--public-alias",
        "help.example",
    ]);
    let address = desk.nobody().address();
    let ask = |host: &str, forwarded: &str| {
        let head = format!(
            "GET /api/health.php HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {forwarded}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        (reply[9..12].parse::<u16>().unwrap(), reply)
    };
    for ours in [
        "desk.example",
        "Help.example:443",
        "localhost",
        "127.0.0.1:1",
    ] {
        assert_eq!(ask(ours, "evil.example").0, 200, "{ours}");
    }
    for foreign in [
        "evil.example",
        "desk.example.evil.example",
        "",
        "[::1].evil",
    ] {
        let (status, reply) = ask(foreign, "desk.example");
        assert_eq!(status, 421, "{foreign}: {reply}");
        assert!(reply.contains(r#""code":"misdirected""#), "{reply}");
    }
    // Who has not said what the outside calls it is answered under any name.
    let open = Desk::open();
    let request = Request::get("/api/health.php");
    let request = request.header("host", "any.example");
    assert_eq!(
        http::send(open.nobody().address(), &request)
            .unwrap()
            .status,
        200
    );
}

/// A server as systemd starts it.
struct Service {
    child: Child,
    told: UnixDatagram,
    address: SocketAddr,
}

impl Service {
    fn start(desk: &Desk, watchdog: Duration) -> Service {
        let path = desk.dir.0.join("notify");
        let told = UnixDatagram::bind(&path).unwrap();
        told.set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tehprof"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&desk.dir.0)
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", watchdog.as_micros().to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        Service {
            address: address.parse().unwrap(),
            child,
            told,
        }
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 512];
        let length = self.told.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn systemd_hears_of_the_start_of_the_end_and_of_life_only_while_the_writer_lives() {
    let mut desk = Desk::open();
    desk.serving.terminate();
    let mut service = Service::start(&desk, Duration::from_millis(900));
    let ready = service.hear();
    assert!(
        ready.contains("READY=1") && ready.contains("STATUS=serving http://"),
        "{ready}"
    );
    for _ in 0..3 {
        assert_eq!(service.hear().trim(), "WATCHDOG=1");
    }
    // Somebody keeps the writer from writing: it does not say that it lives, though the server answers.
    let other = Connection::open(desk.dir.database()).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let key = desk.key.clone();
    let address = Arc::new(RwLock::new(service.address));
    let caller = Caller::nobody(&address, "admin");
    let blocked = thread::spawn({
        let request = key.calling(
            "create_ticket",
            &json!({ "subject": "x", "description": "x" }),
        );
        let address = service.address;
        move || http::send(address, &request)
    });
    thread::sleep(Duration::from_millis(600));
    service.told.set_nonblocking(true).unwrap();
    while service.told.recv(&mut [0; 512]).is_ok() {}
    thread::sleep(Duration::from_millis(1_500));
    assert!(
        service.told.recv(&mut [0; 512]).is_err(),
        "it said that it lives"
    );
    assert_eq!(caller.get("/tenant.html").status, 200);
    other.execute_batch("rollback").unwrap();
    blocked.join().unwrap().unwrap();
    service.told.set_nonblocking(false).unwrap();
    assert_eq!(service.hear().trim(), "WATCHDOG=1");
    kill_process(Pid::from_child(&service.child), Signal::TERM).unwrap();
    until_so("the word that it stops", || {
        service.hear().contains("STOPPING=1")
    });
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}
