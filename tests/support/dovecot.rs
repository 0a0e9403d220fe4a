//! A real IMAP server, Dovecot, with a configuration, mailboxes and ports of its own. Any name is an account of it, with one
//! password for all; mail is delivered by writing it into a mailbox, as the mail server beside it would.
use super::{desk::Dir, until_so};
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, SystemTime},
};

/// The password of every account.
pub(crate) const MAIL_PASSWORD: &str = "correct-mail-battery";
/// Whose the mailboxes are when the server is started by root: it serves none of root's.
const NOBODY: u32 = 65_534;

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A certificate for this machine and its key, in PEM.
pub(crate) fn certificate() -> (String, String) {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// The IMAP server.
#[derive(Debug)]
pub(crate) struct Dovecot {
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    /// By whose word its certificate is to be believed.
    pub(crate) ca: String,
    child: Child,
    dir: Dir,
}

impl Dovecot {
    pub(crate) fn start() -> Dovecot {
        let dir = Dir::new();
        let (ca, key) = certificate();
        fs::write(dir.0.join("cert.pem"), &ca).unwrap();
        fs::write(dir.0.join("key.pem"), key).unwrap();
        fs::create_dir(dir.0.join("mail")).unwrap();
        give(&dir.0.join("mail"));
        let (port, tls_port) = (free_port(), free_port());
        fs::write(dir.0.join("dovecot.conf"), settings(&dir.0, port, tls_port)).unwrap();
        let child = serve(&dir.0, port);
        Dovecot {
            port,
            tls_port,
            ca,
            child,
            dir,
        }
    }

    /// The `inbound` of a channel that reads an account's mail over TLS.
    pub(crate) fn inbound(&self, account: &str) -> Value {
        json!({
            "provider": "imap", "host": "127.0.0.1", "port": self.tls_port, "security": "tls",
            "username": account, "password": MAIL_PASSWORD, "ca": self.ca,
        })
    }

    fn mailbox(&self, account: &str, folder: &str) -> PathBuf {
        let mailbox = self.dir.0.join("mail").join(account).join("Maildir");
        match folder {
            "INBOX" => mailbox,
            // A folder's directory is called as IMAP spells it.
            other => mailbox.join(format!(".{other}")),
        }
    }

    /// Puts a mail into a folder and answers where it lies.
    pub(crate) fn deliver(&self, account: &str, folder: &str, mail: &[u8]) -> PathBuf {
        self.deliver_as_of(account, folder, mail, SystemTime::now())
    }

    /// The same for a mail that came at another time.
    pub(crate) fn deliver_as_of(
        &self,
        account: &str,
        folder: &str,
        mail: &[u8],
        came_at: SystemTime,
    ) -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let mailbox = self.mailbox(account, folder);
        for part in ["tmp", "new", "cur"] {
            fs::create_dir_all(mailbox.join(part)).unwrap();
        }
        for place in mailbox.ancestors().take(3) {
            if place != self.dir.0.join("mail") {
                give(place);
            }
        }
        for part in ["tmp", "new", "cur"] {
            give(&mailbox.join(part));
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{number}.desk", 1_800_000_000 + number);
        let (begun, place) = (
            mailbox.join("tmp").join(&name),
            mailbox.join("new").join(&name),
        );
        fs::write(&begun, mail).unwrap();
        give(&begun);
        let file = fs::File::options().write(true).open(&begun).unwrap();
        file.set_modified(came_at).unwrap();
        fs::rename(&begun, &place).unwrap();
        place
    }

    /// The mails of an account's inbox that are marked as read, and those that are not.
    pub(crate) fn seen_and_unseen(&self, account: &str) -> (usize, usize) {
        let mailbox = self.mailbox(account, "INBOX");
        let names = |part: &str| -> Vec<String> {
            let files = fs::read_dir(mailbox.join(part)).into_iter().flatten();
            files
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect()
        };
        let all = [names("new"), names("cur")].concat();
        let is_seen = |name: &&String| {
            let flags = name.split_once(":2,").map_or("", |(_, flags)| flags);
            flags.contains('S')
        };
        let seen = all.iter().filter(is_seen).count();
        (seen, all.len() - seen)
    }

    /// Ends it and everything that it started, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }

    /// Starts it again on its mailboxes.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = serve(&self.dir.0, self.port);
    }

    /// Makes it forget how it numbered an account's mails, while it is down: it will number them anew.
    pub(crate) fn forget_numbers(&self, account: &str) {
        for file in fs::read_dir(self.mailbox(account, "INBOX")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("dovecot") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = fs::read_to_string(self.dir.0.join("log")).unwrap_or_default();
            println!("what Dovecot says:\n{log}");
        }
    }
}

/// Hands a file to whom the mailboxes belong.
fn give(path: &Path) {
    if geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn settings(dir: &Path, port: u16, tls_port: u16) -> String {
    let dir = dir.display();
    let (owner, inside, login) = match geteuid() {
        root if root.is_root() => (NOBODY, "dovecot".to_owned(), "dovenull".to_owned()),
        other => {
            let own = Command::new("id").arg("-un").output().unwrap();
            let own = String::from_utf8(own.stdout).unwrap().trim().to_owned();
            (other.as_raw(), own.clone(), own)
        }
    };
    format!(
        "protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
default_internal_user = {inside}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:%h/Maildir
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={MAIL_PASSWORD}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={dir}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"
    )
}

/// Starts it and waits until it greets.
fn serve(dir: &Path, port: u16) -> Child {
    let started = Command::new("/usr/sbin/dovecot")
        .arg("-F")
        .arg("-c")
        .arg(dir.join("dovecot.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let child = started.expect("Dovecot is needed: install the package dovecot-imapd");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until_so("Dovecot to greet", || greets(address, b"* OK"));
    child
}

/// Whether a server's first words are these.
pub(crate) fn greets(address: SocketAddr, words: &[u8]) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut heard = vec![0; words.len()];
    stream.read_exact(&mut heard).is_ok() && heard == words
}
