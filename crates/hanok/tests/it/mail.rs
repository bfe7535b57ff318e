//! Alerts by mail over TLS: a mail server of the test, with certificates of an authority of the test that `openssl` makes.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::monitors::project;
use crate::support::Hanok;

/// What a server does when it is asked for encryption.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// It is encrypted from the start.
    Tls,
    /// It keeps its word.
    Starttls,
    /// It does not know the command.
    Refuses,
    /// It hangs up.
    HangsUp,
    /// It says yes, and goes on in the clear.
    Pretends,
}

/// Takes so many connections, and remembers what came in on each: in the clear, and encrypted.
struct Server {
    address: SocketAddr,
    thread: JoinHandle<Vec<[String; 2]>>,
}

impl Server {
    fn start(manner: Manner, config: Arc<ServerConfig>, connections: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || {
            let one = |_| {
                let stream = listener.accept().unwrap().0;
                let mut came = [String::new(), String::new()];
                // A client that does not like the certificate breaks the connection off.
                let _ = talk(manner, stream, &config, &mut came);
                came
            };
            (0..connections).map(one).collect()
        };
        Self { address, thread: std::thread::spawn(serve) }
    }

    fn received(self) -> Vec<[String; 2]> {
        self.thread.join().unwrap()
    }
}

fn talk(
    manner: Manner,
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    [clear, encrypted]: &mut [String; 2],
) -> std::io::Result<()> {
    let tls = |stream: TcpStream| {
        let connection = ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(BufReader::new(StreamOwned::new(connection, stream)))
    };
    if manner == Manner::Tls {
        return smtp(&mut tls(stream)?, true, manner, encrypted).map(drop);
    }
    let mut open = BufReader::new(stream);
    if smtp(&mut open, true, manner, clear)? {
        return smtp(&mut tls(open.into_inner())?, false, manner, encrypted).map(drop);
    }
    Ok(())
}

/// Talks until the client says goodbye, or until both are to begin anew with encryption: then it is true.
fn smtp<S: Read + Write>(
    stream: &mut BufReader<S>,
    greets: bool,
    manner: Manner,
    came: &mut String,
) -> std::io::Result<bool> {
    if greets {
        stream.get_mut().write_all(b"220 here\r\n")?;
        stream.get_mut().flush()?;
    }
    let mut is_data = false;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        came.push_str(&line);
        let answer = match (line.trim_end(), manner) {
            (".", _) if is_data => {
                is_data = false;
                "250 taken\r\n"
            }
            _ if is_data => continue,
            ("STARTTLS", Manner::Refuses) => "454 not now\r\n",
            ("STARTTLS", Manner::HangsUp) => return Ok(false),
            ("STARTTLS", _) => "220 go on\r\n",
            ("DATA", _) => {
                is_data = true;
                "354 go on\r\n"
            }
            (line, _) if line.starts_with("EHLO") => "250-here\r\n250 AUTH PLAIN\r\n",
            _ => "250 ok\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes())?;
        stream.get_mut().flush()?;
        match line.trim_end() {
            "STARTTLS" if manner == Manner::Starttls => return Ok(true),
            "STARTTLS" if manner == Manner::Pretends => {
                let mut hello = [0; 4096];
                let read = stream.read(&mut hello)?;
                came.push_str(&String::from_utf8_lossy(&hello[..read]));
                stream.get_mut().write_all(b"250 ok\r\n")?;
            }
            "QUIT" => return Ok(false),
            _ => {}
        }
    }
}

/// An authority in `ca.pem`, and a server's certificate that it signed for a name.
fn certificate(hanok: &Hanok, name: &str) -> Arc<ServerConfig> {
    let openssl = |arguments: &str| {
        let made =
            Command::new("openssl").args(arguments.split(' ')).current_dir(hanok.path(".")).output().unwrap();
        assert!(made.status.success(), "openssl {arguments}\n{}", String::from_utf8_lossy(&made.stderr));
    };
    hanok.write("name.txt", &format!("subjectAltName={name}\n"));
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"));
    openssl(&format!("req -new {key} -subj /CN=mail -keyout server.key -out server.csr"));
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile name.txt -out server.pem",
    );
    let chain = vec![CertificateDer::from_pem_file(hanok.path("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(hanok.path("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A project whose next window, day 8, has something to tell, once by mail.
fn alarming(server: SocketAddr, security: &str) -> Hanok {
    let mail = format!(
        "  - name: mail\n    email: {{ server: \"{server}\", {security} from: hanok@example.com, to: [ops@example.com], user_env: \
         MAIL_USER, password_env: MAIL_PASSWORD }}\n"
    );
    let hanok = project(&mail, "mail");
    assert!(hanok.run(&["monitor", "--at", "2026-03-08"]).status.success());
    hanok
}

/// Runs the monitor on day 9; the error of its only delivery, `None` if there is no delivery.
fn delivered(hanok: &Hanok, trusts: bool) -> Option<Value> {
    let mut command = hanok.command(&["monitor", "--at", "2026-03-09", "--json"]);
    command
        .env("MAIL_USER", "hanok")
        .env("MAIL_PASSWORD", "s3cret")
        .env_remove("SSL_CERT_DIR")
        .env_remove("SSL_CERT_FILE");
    if trusts {
        command.env("SSL_CERT_FILE", hanok.path("ca.pem"));
    }
    let output = command.output().unwrap();
    // An alarm is on.
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let deliveries = report["deliveries"].as_array().unwrap();
    assert!(deliveries.len() <= 1, "{report}");
    deliveries.first().map(|delivery| delivery["error"].clone())
}

#[test]
fn process_a_mail_is_delivered_when_its_servers_certificate_is_trusted() {
    for (manner, security) in [(Manner::Starttls, ""), (Manner::Tls, "security: tls,")] {
        let keys = Hanok::new();
        let server = Server::start(manner, certificate(&keys, "IP:127.0.0.1"), 2);
        let hanok = alarming(server.address, security);
        std::fs::copy(keys.path("ca.pem"), hanok.path("ca.pem")).unwrap();
        let error = delivered(&hanok, false).unwrap();
        let error = error.as_str().unwrap();
        assert!(error.starts_with("HK1854: the mail server 127.0.0.1:"), "{error}");
        assert!(error.contains("certificate"), "{error}");
        // What is left is delivered by the next run, once.
        assert_eq!(delivered(&hanok, true), Some(Value::Null));
        assert_eq!(delivered(&hanok, true), None);
        let sent = "select delivered, count(*) as n from monitor.deliveries group by delivered order by 1";
        let sent = String::from_utf8(hanok.run(&["sql", sent, "--format", "csv"]).stdout).unwrap();
        assert_eq!(sent, "delivered,n\nfalse,1\ntrue,1\n");
        let received = server.received();
        let [[clear, encrypted], [clear_again, mail]] = &received[..] else { panic!("{received:?}") };
        assert!(encrypted.is_empty(), "{encrypted}");
        let asked = if manner == Manner::Starttls { "EHLO hanok\r\nSTARTTLS\r\n" } else { "" };
        assert_eq!([clear, clear_again], [asked; 2]);
        let login = "AUTH PLAIN AGhhbm9rAHMzY3JldA==";
        let begin = format!(
            "EHLO hanok\r\n{login}\r\nMAIL FROM:<hanok@example.com>\r\nRCPT TO:<ops@example.com>\r\nDATA\r\n"
        );
        assert!(mail.starts_with(&begin) && mail.ends_with("\r\n.\r\nQUIT\r\n"), "{mail}");
    }
}

#[test]
fn process_a_mail_never_goes_in_the_clear_nor_to_another_server() {
    for (manner, name) in [
        (Manner::Refuses, "IP:127.0.0.1"),
        (Manner::HangsUp, "IP:127.0.0.1"),
        (Manner::Pretends, "IP:127.0.0.1"),
        (Manner::Starttls, "DNS:mail.example.com"),
    ] {
        let keys = Hanok::new();
        let server = Server::start(manner, certificate(&keys, name), 1);
        let hanok = alarming(server.address, "");
        std::fs::copy(keys.path("ca.pem"), hanok.path("ca.pem")).unwrap();
        let error = delivered(&hanok, true).unwrap();
        let error = error.as_str().unwrap();
        assert!(error.starts_with("HK1854: ") && !error.contains("s3cret"), "{manner:?}: {error}");
        let received = server.received();
        let [[clear, encrypted]] = &received[..] else { panic!("{received:?}") };
        assert!(clear.starts_with("EHLO hanok\r\nSTARTTLS\r\n"), "{manner:?}: {clear}");
        for secret in ["MAIL", "AUTH", "DATA", "hanok@example.com"] {
            assert!(!clear.contains(secret) && !encrypted.contains(secret), "{manner:?}: {clear}{encrypted}");
        }
    }
}
