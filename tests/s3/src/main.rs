//! `hanok-s3-test ENDPOINT BUCKET SEED`: the overlay of branches over a bucket, beside the same over memory.

mod checks;
#[path = "../../../crates/hanok-lake/src/overlay.rs"]
mod overlay;

#[tokio::main]
async fn main() -> Result<(), checks::Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, endpoint, bucket, seed] = arguments.as_slice() else { return Err("ENDPOINT BUCKET SEED".into()) };
    checks::run(endpoint, bucket, seed.parse()?).await
}
