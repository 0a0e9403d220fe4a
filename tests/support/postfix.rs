//! A real mail server, Postfix, with a configuration, a queue and ports of its own: it relays mail for acme to the desk and
//! keeps mail for `client.example` in a mailbox. It is started as root, as every Postfix is.
use super::{
    desk::Dir,
    dovecot::{certificate, greets},
    until, until_so,
};
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use std::{
    fs,
    net::SocketAddr,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

/// Whose the mailbox is.
const NOBODY: u32 = 65_534;

/// The mail server.
#[derive(Debug)]
pub(crate) struct Postfix {
    pub(crate) port: u16,
    child: Child,
    dir: Dir,
}

/// What is settled before it starts.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) port: u16,
    /// By whose word its certificate is to be believed.
    pub(crate) ca: String,
    dir: Dir,
}

impl Prepared {
    pub(crate) fn new(port: u16) -> Prepared {
        assert!(geteuid().is_root(), "Postfix can only be started by root");
        assert!(
            Path::new("/usr/sbin/postfix").exists(),
            "Postfix is needed: install the package postfix"
        );
        let dir = Dir::new();
        for part in ["conf", "queue", "data", "mail"] {
            fs::create_dir(dir.0.join(part)).unwrap();
        }
        let (ca, key) = certificate();
        fs::write(dir.0.join("cert.pem"), &ca).unwrap();
        fs::write(dir.0.join("key.pem"), key).unwrap();
        chown(dir.0.join("mail"), Some(NOBODY), Some(NOBODY)).unwrap();
        let owner = Command::new("id").args(["-u", "postfix"]).output().unwrap();
        let owner = String::from_utf8(owner.stdout).unwrap();
        let owner = owner.trim().parse().expect("the user of Postfix");
        chown(dir.0.join("data"), Some(owner), None).unwrap();
        Prepared { port, ca, dir }
    }

    /// Starts it: mail for acme goes on to `desk`, encrypted or not at all.
    pub(crate) fn start(self, desk: SocketAddr) -> Postfix {
        let Prepared { port, dir, .. } = self;
        let conf = dir.0.join("conf");
        fs::write(conf.join("main.cf"), settings(&dir.0, desk)).unwrap();
        fs::write(conf.join("master.cf"), services(port)).unwrap();
        let child = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(&conf)
            .arg("start-fg")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let postfix = Postfix { port, child, dir };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        until_so("Postfix to greet", || greets(address, b"220 "));
        postfix
    }
}

impl Postfix {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.0.join("log")).unwrap_or_default()
    }

    /// The first mail in the mailbox, once there is one.
    pub(crate) fn delivered(&self) -> Vec<u8> {
        let mailbox = self.dir.0.join("mail/box/new");
        until("a mail in the mailbox", || {
            let file = fs::read_dir(&mailbox).ok()?.next()?.unwrap();
            Some(fs::read(file.path()).unwrap())
        })
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // What it starts has a group of its own.
        let told = fs::read_to_string(self.dir.0.join("queue/pid/master.pid"));
        let master = told.ok().and_then(|pid| pid.trim().parse().ok());
        let master = master.and_then(Pid::from_raw);
        for group in master.into_iter().chain([Pid::from_child(&self.child)]) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        if thread::panicking() {
            println!("what Postfix says:\n{}", self.log());
        }
    }
}

fn settings(dir: &Path, desk: SocketAddr) -> String {
    let (dir, port) = (dir.display(), desk.port());
    format!(
        "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mx.acme.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
smtp_host_lookup = native
relay_domains = acme.example
relay_recipient_maps =
transport_maps = inline:{{ acme.example=smtp:[127.0.0.1]:{port} }}
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
virtual_mailbox_domains = client.example
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
alias_maps =
alias_database =
queue_run_delay = 2s
minimal_backoff_time = 2s
"
    )
}

fn services(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    )
}
