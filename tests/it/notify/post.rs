//! A post office in a folder: Exim takes mail and delivers it, Dovecot shows the mailboxes, both as ordinary processes
//! with settings of their own on free loopback ports, under a certificate of an authority made for the test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use crate::support::until::until;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct-horse";
pub(crate) const DOMAIN: &str = "clinica.test";
/// The account of Debian's package.
const EXIM: &str = "Debian-exim";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Post {
    dir: tempfile::TempDir,
    account: Account,
    pub smtp: u16,
    pub smtps: u16,
    pub imap: u16,
    pub imaps: u16,
    exim: Option<Child>,
    dovecot: Option<Child>,
}

/// Who runs the servers: this account, or the one that Exim was built for where this one is root.
struct Account {
    user: String,
    group: String,
    ids: Option<(u32, u32)>,
}

impl Post {
    pub(crate) fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let account = Account::unprivileged(dir.path());
        for folder in ["spool", "log", "run", "state", "mail"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        certify(dir.path());
        let [smtp, smtps, imap, imaps] = free_ports();
        let mut post = Self { account, smtp, smtps, imap, imaps, exim: None, dovecot: None, dir };
        fs::write(post.path("exim.conf"), post.exim_settings()).unwrap();
        fs::write(post.path("dovecot.conf"), post.dovecot_settings()).unwrap();
        post.give(post.dir.path());
        post.start_smtp();
        let dovecot = post.path("dovecot.conf");
        let mut dovecot = post.spawn("dovecot", &["-F", "-c", dovecot.to_str().unwrap()]);
        post.answers(post.imap, &mut dovecot);
        post.dovecot = Some(dovecot);
        post
    }

    /// The authority that signed the servers' certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// An authority that signed nothing here.
    pub(crate) fn other_ca(&self) -> PathBuf {
        self.path("other.pem")
    }

    pub(crate) fn start_smtp(&mut self) {
        let (settings, ports) = (self.path("exim.conf"), format!("{}:{}", self.smtp, self.smtps));
        let mut exim = self.spawn("exim4", &["-C", settings.to_str().unwrap(), "-bdf", "-oX", &ports]);
        self.answers(self.smtp, &mut exim);
        self.exim = Some(exim);
    }

    pub(crate) fn stop_smtp(&mut self) {
        end(self.exim.take());
        until("the server is gone", PATIENCE, || TcpStream::connect(("127.0.0.1", self.smtp)).err());
    }

    /// The mails of a mailbox as Python's IMAP client reads them, once there are so many.
    pub(crate) fn mails(&self, user: &str, count: usize) -> Vec<Value> {
        until(&format!("{count} mail(s) for {user}\n{}", self.logs()), PATIENCE, || {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/notify/inbox.py");
            let mut python = Command::new("python3");
            python.args([script, &self.imap.to_string(), user, PASSWORD]);
            let output = python.stderr(Stdio::inherit()).output().unwrap();
            let mails: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
            (mails.len() >= count).then_some(mails)
        })
    }

    /// What both servers wrote down.
    pub(crate) fn logs(&self) -> String {
        let names = ["log/mainlog", "log/paniclog", "dovecot.log", "exim4.out", "dovecot.out"];
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        names.map(|name| format!("--- {name}\n{}", read(name))).join("\n")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn answers(&self, port: u16, server: &mut Child) {
        until("a server answers", PATIENCE, || {
            let ended = server.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}\n{}", self.logs());
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
    }

    fn spawn(&self, program: &str, arguments: &[&str]) -> Child {
        let out = fs::File::create(self.path(&format!("{program}.out"))).unwrap();
        let mut command = Command::new(found(program));
        command.args(arguments).current_dir(self.dir.path()).stdin(Stdio::null());
        command.stdout(out.try_clone().unwrap()).stderr(out);
        if let Some((user, group)) = self.account.ids {
            command.uid(user).gid(group);
        }
        command.spawn().unwrap_or_else(|error| panic!("{program}: {error} (tests/run installs it)"))
    }

    fn give(&self, path: &Path) {
        let Some((user, group)) = self.account.ids else { return };
        chown(path, Some(user), Some(group)).unwrap();
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.give(&entry.unwrap().path());
            }
        }
    }

    /// Takes everything for the domain, as a server in front of others does; what has no mailbox comes back as a report.
    fn exim_settings(&self) -> String {
        let Account { user, group, .. } = &self.account;
        let (dir, smtps) = (self.dir.path().display(), self.smtps);
        format!(
            "primary_hostname = mx.{DOMAIN}\n\
             qualify_domain = {DOMAIN}\n\
             local_interfaces = 127.0.0.1\n\
             spool_directory = {dir}/spool\n\
             log_file_path = {dir}/log/%slog\n\
             pid_file_path = {dir}/run/exim.pid\n\
             tls_advertise_hosts = *\n\
             tls_on_connect_ports = {smtps}\n\
             tls_certificate = {dir}/cert.pem\n\
             tls_privatekey = {dir}/key.pem\n\
             acl_smtp_rcpt = rcpt\n\
             acl_smtp_data = data\n\
             never_users =\n\
             exim_user = {user}\n\
             exim_group = {group}\n\
             admin_groups = {group}\n\
             keep_environment =\n\
             host_lookup =\n\
             rfc1413_query_timeout = 0s\n\
             begin acl\n\
             rcpt:\n  \
               defer local_parts = busy\n        message = 451 4.3.0 come again\n  \
               deny local_parts = refused\n       message = 550 5.1.1 not here\n  \
               accept domains = {DOMAIN}\n  deny\n\
             data:\n  accept\n\
             begin routers\n\
             known:\n  driver = accept\n  domains = {DOMAIN}\n  local_parts = zelo : ana : bia : caio\n  transport = box\n\
             begin transports\n\
             box:\n  driver = appendfile\n  maildir_format\n  create_directory\n  directory = {dir}/mail/$local_part_data\n  \
               user = {user}\n  group = {group}\n\
             begin authenticators\n\
             plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n  \
               server_advertise_condition = ${{if def:tls_in_cipher }}\n  \
               server_condition = ${{if eq{{$auth3}}{{{PASSWORD}}}}}\n"
        )
    }

    fn dovecot_settings(&self) -> String {
        let Account { user, group, .. } = &self.account;
        let (dir, imap, imaps) = (self.dir.path().display(), self.imap, self.imaps);
        let shared = format!(
            "base_dir = {dir}/run\n\
             state_dir = {dir}/state\n\
             log_path = {dir}/dovecot.log\n\
             protocols = imap\n\
             listen = 127.0.0.1\n\
             default_internal_user = {user}\n\
             default_internal_group = {group}\n\
             default_login_user = {user}\n\
             first_valid_uid = 1\n\
             ssl = yes\n\
             service anvil {{\n  chroot =\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {imap}\n  }}\n  \
               inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n"
        );
        // 2.4 has other names for the same.
        let own = if version().starts_with("2.3") {
            format!(
                "mail_location = maildir:{dir}/mail/%u\n\
                 ssl_cert = <{dir}/cert.pem\n\
                 ssl_key = <{dir}/key.pem\n\
                 passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
                 userdb {{\n  driver = static\n  args = uid={user} gid={group} home={dir}/mail/%u\n}}\n"
            )
        } else {
            format!(
                "mail_driver = maildir\n\
                 mail_path = {dir}/mail/%{{user}}\n\
                 ssl_server_cert_file = {dir}/cert.pem\n\
                 ssl_server_key_file = {dir}/key.pem\n\
                 passdb static {{\n  password = {PASSWORD}\n}}\n\
                 userdb static {{\n  fields {{\n    uid = {user}\n    gid = {group}\n    home = {dir}/mail/%{{user}}\n  }}\n}}\n"
            )
        };
        let first = match version() {
            old if old.starts_with("2.3") => String::new(),
            new => {
                let new = new.split([' ', '-', '+']).next().unwrap_or_default().to_owned();
                format!("dovecot_config_version = {new}\ndovecot_storage_version = {new}\n")
            }
        };
        format!("{first}{shared}{own}")
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        end(self.exim.take());
        end(self.dovecot.take());
    }
}

impl Account {
    fn unprivileged(ours: &Path) -> Self {
        let told = |arguments: &[&str]| {
            let output = Command::new("id").args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        if fs::metadata(ours).unwrap().uid() != 0 {
            return Self { user: told(&["-un"]), group: told(&["-gn"]), ids: None };
        }
        let number = |flag| told(&[flag, EXIM]).parse().unwrap();
        let ids = Some((number("-u"), number("-g")));
        Self { user: EXIM.into(), group: told(&["-gn", EXIM]), ids }
    }
}

/// Debian keeps servers where an ordinary account does not look.
fn found(program: &str) -> PathBuf {
    let usual = Path::new("/usr/sbin").join(program);
    if usual.exists() { usual } else { program.into() }
}

fn version() -> String {
    let output = Command::new(found("dovecot")).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn end(server: Option<Child>) {
    let Some(mut server) = server else { return };
    // Told rather than killed: it ends those it started.
    let told = Command::new("kill").arg(server.id().to_string()).status();
    if !told.is_ok_and(|status| status.success()) {
        let _gone = server.kill();
    }
    let _ended = server.wait();
}

/// Held together until all are known, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn certify(dir: &Path) {
    let authority = || {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, other) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &ours).unwrap();
    for (name, pem) in [
        ("ca.pem", ours.pem()),
        ("other.pem", other.pem()),
        ("cert.pem", leaf.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        fs::write(dir.join(name), pem).unwrap();
    }
    fs::set_permissions(dir.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
}
