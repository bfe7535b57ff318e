//! A server on a free port over a small store, and a client that is nothing but a socket.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use hanok_online::{OnlineWrite as _, Reader, ViewSchema, WriteBatch, Writer};
use hanok_serve::{
    ModelSet, ServeError, ServeOptions, Server, ServiceProjection, ServingModel, ServingService, ServingSet,
    ServingSets, ServingView,
};
use hanok_types::ValueType;
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) const DAY_US: i64 = 86_400_000_000;

/// A running server. Stops when dropped.
pub(crate) struct TestServer {
    pub address: SocketAddr,
    pub writer: Writer,
    pub sets: ServingSets,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<Result<(), ServeError>>>,
    _dir: tempfile::TempDir,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::start_with(ServeOptions::default())
    }

    pub(crate) fn start_with(options: ServeOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        fill(&mut writer);
        let reader = Reader::open(dir.path()).unwrap();
        let sets = ServingSets::new(serving_set());
        let options =
            ServeOptions { http: ([127, 0, 0, 1], 0).into(), workers: 2, refresh_interval_ms: 5, ..options };
        let server = Server::bind(options, reader, sets.clone()).unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(server.run(async {
                let _ = stopped.await;
            }))
        });
        Self { address, writer, sets, stop: Some(stop), thread: Some(thread), _dir: dir }
    }

    /// Asks for shutdown without waiting.
    pub(crate) fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits for the end.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// One request on a connection of its own.
    pub(crate) fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = self.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        read_answer(&mut stream)
    }

    /// `POST /get-online-features`, which must succeed.
    pub(crate) fn features(&self, body: &str) -> Value {
        let (status, answer) = self.send("POST", "/get-online-features", body.as_bytes());
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// `POST /get-online-features`, which must be refused in Feast's form: status, class and message.
    pub(crate) fn refusal(&self, body: &str) -> (u16, String, String) {
        let (status, answer) = self.send("POST", "/get-online-features", body.as_bytes());
        let (class, message) = feast_error(&answer);
        (status, class, message)
    }

    /// Serves these models from now on, too.
    pub(crate) fn serve_models(&self, models: impl IntoIterator<Item = ServingModel>) {
        let models = ModelSet::new(models.into_iter().map(Arc::new));
        self.sets.swap(ServingSet { models, ..(*self.sets.current()).clone() });
    }

    /// `POST` that must succeed.
    pub(crate) fn ask(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send("POST", path, body.to_string().as_bytes());
        assert_eq!(status, 200, "{path} {body}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// `POST` that must be refused in the plain form: status, code and message.
    pub(crate) fn refused(&self, path: &str, body: &str) -> (u16, String, String) {
        let (status, answer) = self.send("POST", path, body.as_bytes());
        let detail: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        let text = |key: &str| detail[key].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (status, text("code"), text("message"))
    }

    /// It must still answer.
    pub(crate) fn check_up(&self) {
        let answer = self.features(r#"{"entities":{"driver_id":[1]},"features":["driver:trips"]}"#);
        assert_eq!(column(&answer, "trips")["values"][0], 10);
        assert_eq!(self.send("GET", "/health", b"").0, 200);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.ask_to_stop();
        if !std::thread::panicking() {
            self.join();
        }
    }
}

/// The class and the message of an error in Feast's form.
pub(crate) fn feast_error(answer: &str) -> (String, String) {
    let text: String = serde_json::from_str(answer).unwrap_or_else(|_| panic!("not a JSON string: {answer}"));
    let detail: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(detail["module"], "feast.errors");
    (detail["class"].as_str().unwrap().to_owned(), detail["message"].as_str().unwrap().to_owned())
}

/// Reads one answer with a content length: status and body.
pub(crate) fn read_answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let mut part = [0; 8_192];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap_or("0").parse().unwrap();
            if bytes.len() >= end + 4 + length {
                return (status, String::from_utf8(bytes[end + 4..end + 4 + length].to_vec()).unwrap());
            }
        }
        match stream.read(&mut part) {
            Ok(0) => panic!("closed after {} bytes", bytes.len()),
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) => panic!("{error} after {} bytes", bytes.len()),
        }
    }
}

/// The result of the answer's column `name`.
pub(crate) fn column<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let names = answer["metadata"]["feature_names"].as_array().unwrap();
    let at = names.iter().position(|known| known == name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    &answer["results"][at]
}

fn named(columns: &[(&str, ValueType)]) -> Vec<(String, ValueType)> {
    columns.iter().map(|(name, value_type)| ((*name).to_owned(), *value_type)).collect()
}

fn views() -> [ViewSchema; 4] {
    let view = |name: &str, join_keys: &[(&str, ValueType)], features: &[(&str, ValueType)], ttl_us| {
        ViewSchema { name: name.to_owned(), join_keys: named(join_keys), features: named(features), ttl_us }
    };
    [
        view(
            "driver",
            &[("driver_id", ValueType::Int64)],
            &[
                ("trips", ValueType::Int64),
                ("rate", ValueType::Float32),
                ("score", ValueType::Float64),
                ("name", ValueType::String),
                ("photo", ValueType::Bytes),
                ("active", ValueType::Bool),
                ("level", ValueType::Int32),
                ("hired", ValueType::Timestamp),
            ],
            None,
        ),
        view(
            "route",
            &[("origin", ValueType::String), ("dest", ValueType::String)],
            &[("delay", ValueType::Float64)],
            None,
        ),
        view(
            "weather",
            &[("origin", ValueType::String)],
            &[("temp", ValueType::Float64), ("trips", ValueType::Int64)],
            Some(DAY_US),
        ),
        view("planned", &[("driver_id", ValueType::Int64)], &[("plan", ValueType::Int64)], None),
    ]
}

pub(crate) fn serving_set() -> ServingSet {
    let views =
        views().into_iter().zip(1..).map(|(schema, version)| ServingView { schema, version }).collect();
    let service = |name: &str, projections| ServingService { name: name.to_owned(), projections };
    let all = |view: &str| ServiceProjection { view: view.to_owned(), ..ServiceProjection::default() };
    let dest = ServiceProjection {
        view: "weather".into(),
        alias: Some("dest_weather".into()),
        features: vec!["temp".into()],
        join_keys: vec![("origin".into(), "dest".into())],
    };
    let origin = ServiceProjection { features: vec!["temp".into()], ..all("weather") };
    let services = vec![
        service("both_ends", vec![origin.clone(), dest.clone(), all("route")]),
        service("broken", vec![all("gone")]),
        service("unclear", vec![origin.clone(), ServiceProjection { alias: None, ..dest.clone() }]),
        service("driver_all", vec![all("driver")]),
    ];
    ServingSet { views, services, models: ModelSet::default() }
}

pub(crate) fn now_us() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64
}

pub(crate) fn stamps(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
}

pub(crate) fn put<const N: usize>(writer: &mut Writer, view: &str, columns: [(&str, ArrayRef); N]) {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let batch = WriteBatch { rows: &rows, event_timestamp: "at", created: None, watermark: None };
    writer.write(view, &batch).unwrap();
}

/// Everything but `planned`, which is defined but not yet in the store.
fn fill(writer: &mut Writer) {
    for schema in &views()[..3] {
        writer.apply_schema(schema).unwrap();
    }
    put(
        writer,
        "driver",
        [
            ("driver_id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("at", stamps(&[1_795_305_600_000_000, 1_795_305_600_120_000, 1_795_305_600_000_001])),
            ("trips", Arc::new(Int64Array::from(vec![Some(10), None, Some(i64::MAX)]))),
            ("rate", Arc::new(Float32Array::from(vec![Some(0.229), None, Some(f32::NAN)]))),
            ("score", Arc::new(Float64Array::from(vec![Some(f64::INFINITY), None, Some(f64::NEG_INFINITY)]))),
            ("name", Arc::new(StringArray::from(vec![Some("한\"옥\n"), None, Some("")]))),
            ("photo", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xffab"[..]), None, Some(b"")]))),
            ("active", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ("level", Arc::new(Int32Array::from(vec![Some(-4), None, Some(0)]))),
            (
                "hired",
                Arc::new(TimestampMicrosecondArray::from(vec![Some(1_700_000_000_999_999), None, Some(-1)])),
            ),
        ],
    );
    put(
        writer,
        "route",
        [
            ("origin", Arc::new(StringArray::from(vec!["JFK", "LGA"]))),
            ("dest", Arc::new(StringArray::from(vec!["LAX", "ORD"]))),
            ("at", stamps(&[0, 0])),
            ("delay", Arc::new(Float64Array::from(vec![1.5, 2.0]))),
        ],
    );
    put(
        writer,
        "weather",
        [
            ("origin", Arc::new(StringArray::from(vec!["JFK", "LAX", "OLD"]))),
            ("at", stamps(&[now_us(), now_us(), now_us() - 2 * DAY_US])),
            ("temp", Arc::new(Float64Array::from(vec![3.5, 20.0, 9.0]))),
            ("trips", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ],
    );
}
