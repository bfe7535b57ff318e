//! A server that answers by a script, one connection a request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a request gets.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A status line's end, further headers and a body.
    Http(&'static str, &'static str, String),
    /// These bytes, whatever they are, and the end of the connection.
    Bytes(String),
    /// Silence until the client goes.
    Silence,
}

/// A request as it came.
#[derive(Clone, Default)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Runs until its script ends; the last reply holds for all further requests.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn ok(body: &str) -> Reply {
    Reply::Http("200 OK", "", body.to_owned())
}

impl Server {
    pub(crate) fn new(script: Vec<Reply>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            for at in 0.. {
                let (stream, _) = listener.accept().unwrap();
                // An empty connection ends the server.
                let Some(request) = read(&stream) else { return };
                seen.lock().unwrap().push(request);
                answer(stream, &script[at.min(script.len() - 1)]);
            }
        });
        Server { address, requests, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/predict/flights", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        request.head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

/// The client may be gone before the answer is out.
fn answer(mut stream: TcpStream, reply: &Reply) {
    match reply {
        Reply::Http(status, headers, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
            );
            let _ = stream.write_all(text.as_bytes());
        }
        Reply::Bytes(text) => {
            let _ = stream.write_all(text.as_bytes());
        }
        Reply::Silence => {
            let _ = stream.read(&mut [0]);
        }
    }
}
