//! A webhook's server and a mail server, on the loopback, for as many connections as they have answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

/// What came in, by connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Vec<String>>,
}

impl Server {
    /// Ends with the last answer.
    pub(crate) fn received(self) -> Vec<String> {
        self.thread.join().unwrap()
    }

    /// Answers each request with a head such as `200 OK` and further headers; an empty one breaks the connection off.
    pub(crate) fn http(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let answer = |answer: &&str| {
                let mut stream = BufReader::new(listener.accept().unwrap().0);
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    head.push_str(&line);
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                if !answer.is_empty() {
                    let answer =
                        format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                }
                head + &String::from_utf8(body).unwrap()
            };
            answers.iter().map(answer).collect()
        });
        Self { address, thread }
    }

    /// Takes one mail, or refuses the command that begins with `refuses`. What came in is every line of the client.
    pub(crate) fn smtp(refuses: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut received = String::new();
            stream.get_mut().write_all(b"220-hello\r\n220 there\r\n").unwrap();
            let mut is_data = false;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() == 0 {
                    return vec![received];
                }
                received.push_str(&line);
                let answer = match line.trim_end() {
                    "." if is_data => {
                        is_data = false;
                        "250 taken\r\n"
                    }
                    _ if is_data => continue,
                    line if !refuses.is_empty() && line.starts_with(refuses) => {
                        "550-no\r\n550 such thing\r\n"
                    }
                    "DATA" => {
                        is_data = true;
                        "354 go on\r\n"
                    }
                    line if line.starts_with("EHLO") => "250-loopback\r\n250 8BITMIME\r\n",
                    "QUIT" => "221 bye\r\n",
                    _ => "250 ok\r\n",
                };
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { address, thread }
    }
}
